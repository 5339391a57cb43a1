"""The sections of a run's page: each reads what it shows from the run's files, and has a template of its name."""
