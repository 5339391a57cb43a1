"""Pictures and pages for people, made from runs and their answers."""
