"""`python -m recurra` is the command `recurra`."""

from recurra.cli.entry import run

run()
