"""Runs that go on with a piece of music, event by event."""
