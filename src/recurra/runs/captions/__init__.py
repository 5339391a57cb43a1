"""Runs that look at an image, or a vector of features, and write a caption."""
