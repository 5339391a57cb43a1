"""Captions: how they are looked for, scored, and what they are compared with."""
