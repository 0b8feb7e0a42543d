"""From a source of clips to a list of doubtful labels: readers, stages, workspace and the command line."""
