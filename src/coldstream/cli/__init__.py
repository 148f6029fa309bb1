"""The command line. Only the entry is here: everything else is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done. 1: it failed. 2: wrong usage, nothing was done. 130: interrupted by Ctrl-C.
    ``argv`` holds the words after the program's name (default: those of this process).
    """
    try:
        from coldstream.cli.run import run
    except ModuleNotFoundError as error:
        # A plain `pip install coldstream` has the script and not what the script needs.
        if error.name not in {"cyclopts", "rich"}:
            raise
        print(f"coldstream: the command line needs {error.name}", file=sys.stderr)
        print("  hint: pip install 'coldstream[cli]'", file=sys.stderr)
        return 1
    return run(sys.argv[1:] if argv is None else argv)
