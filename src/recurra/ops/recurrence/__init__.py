"""A layer over time in native code: forward and backward, whatever the lengths."""
