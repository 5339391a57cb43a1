"""The run folder: make, write, read, check, predict."""
