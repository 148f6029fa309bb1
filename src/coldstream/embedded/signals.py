"""Signals that wait while a child process is started."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Within the body the handlers of SIGINT and SIGTERM do not run; what came runs after it.

    A handler that raises (Ctrl-C) between the start of a process and the line that remembers it
    would leave a child that nobody ends and nobody waits for. Handlers run in the main thread
    only, so in any other one there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            # Ignored or default ones raise nothing, and a child inherits what is ignored.
            if callable(handler := signal.getsignal(number)):
                before[number] = handler
                signal.signal(number, remember)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for came_number in came:
            signal.raise_signal(came_number)
