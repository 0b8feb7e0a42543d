"""From a source of clips to a list of labels that are probably wrong: readers, stages, workspace and the command line."""
