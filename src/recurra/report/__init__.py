"""Pictures and pages for people, made from what is left in run folders."""
