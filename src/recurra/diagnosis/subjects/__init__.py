"""From a run and data to what is diagnosed, a module for each kind of run."""
