"""Where results lie: workspaces, run folders, what a run is known by, and progress shown."""
