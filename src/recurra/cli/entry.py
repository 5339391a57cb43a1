"""Entry of the command, which imports all else, so that Ctrl-C says the same while it does."""

from __future__ import annotations

import sys


def run() -> None:
    """See `recurra.cli.main.run`."""
    try:
        from recurra.cli.main import run

        run()
    except KeyboardInterrupt:
        print("recurra: interrupted", file=sys.stderr)
        sys.exit(130)
