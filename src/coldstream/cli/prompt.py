"""Asking before something is destroyed."""

from __future__ import annotations

import sys

from coldstream.cli.human import printable
from coldstream.errors import ColdstreamError


class Declined(ColdstreamError):
    """Somebody was asked and did not say yes."""


def confirm(question: str, *, yes: bool) -> None:
    """Return when it may be done: ``yes`` was given, nobody is there to ask, or the answer is yes.

    Raises:
        Declined: the answer was anything else.
    """
    # Without a terminal there is nobody to ask: a script does what it was told.
    if yes or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return
    print(f"{printable(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Declined("nothing was changed", hint="--yes does it without a question")
