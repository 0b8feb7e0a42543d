"""AI-Hub #59: one JSON file a clip."""
