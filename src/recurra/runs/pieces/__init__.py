"""Runs that go on with a piece of music, frame by frame."""
