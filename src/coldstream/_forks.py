"""What a child process must not take over from its parent.

A fork copies memory and open sockets, but no threads: a pool whose threads are gone waits for ever,
and two processes that talk over one connection read each other's answers.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forked(Protocol):
    def forked(self) -> None:
        """Called in a child process, before anything else runs there."""


_all: WeakSet[Forked] = WeakSet()

# Kept, so that no child closes what its parent still uses.
_left: list[object] = []


def after_fork(each: Forked) -> None:
    """Have it told, in every child, as long as it lives."""
    _all.add(each)


def leave(*things: object) -> None:
    """Keep what is the parent's as it is for as long as the child lives."""
    _left.extend(things)


def _tell() -> None:
    for each in list(_all):
        each.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tell)
