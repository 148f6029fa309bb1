"""Asking before something is destroyed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from coldstream.cli.views.human import printable
from coldstream.errors import ColdstreamError


class Declined(ColdstreamError):
    """Somebody was asked and did not say yes."""


def somebody_is_there() -> bool:
    """Whether there is somebody to ask: a script does what it was told. Only where answers come
    from counts: who keeps stderr in a file is there all the same."""
    return bool(sys.stdin and sys.stdin.isatty())


@contextmanager
def _shown() -> Iterator[TextIO]:
    """Where a question is seen."""
    for stream in (sys.stderr, sys.stdout):
        if stream and stream.isatty():
            yield stream
            return
    with ExitStack() as stack:
        terminal: TextIO = sys.stderr
        with suppress(OSError):
            terminal = stack.enter_context(
                Path("/dev/tty").open("w", encoding="utf-8", errors="backslashreplace")
            )
        yield terminal


def confirm(question: str, *, yes: bool) -> None:
    """Return when it may be done: ``yes`` was given, nobody is there to ask, or the answer is yes.

    Raises:
        Declined: the answer was anything else.
    """
    if yes or not somebody_is_there():
        return
    with _shown() as terminal:
        print(f"{printable(question)} [y/N] ", end="", file=terminal, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Declined("nothing was changed", hint="--yes does it without a question")


def confirm_name(question: str, name: str, given: str | None) -> None:
    """Return when something of this name may be destroyed: it was given once more, or is typed.

    Raises:
        Declined: another one was, or nobody is there to ask.
    """
    if given is None and somebody_is_there():
        with _shown() as terminal:
            print(
                f"{printable(question)} Type its name to go on: ", end="", file=terminal, flush=True
            )
        given = sys.stdin.readline().strip()
    if given != name:
        raise Declined(
            "nothing was changed" if given is None else f"nothing was changed: {given!r} is not it",
            hint=f"--yes {name} does it without a question",
        )
