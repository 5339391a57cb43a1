"""What is measured, as numbers: each file takes a `Subject` and gives dataclasses; none of them draws."""
