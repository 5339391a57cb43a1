"""Runs that write down what they hear, or any sequence of numbers that has a text."""
