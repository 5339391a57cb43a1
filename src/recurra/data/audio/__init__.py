"""Recordings of sound: from a WAV or FLAC file to features that a network reads."""
