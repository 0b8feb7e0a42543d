"""Where sources lie: folders, archives, bytes, encodings, and files of other programs."""
