"""The pages on which people relabel clips. Nothing may import this package."""
