"""Messages as they come, on stdout: a consumer whose handler prints."""

from __future__ import annotations

import select
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from threading import Event, Thread
from typing import IO

from coldstream.consumers import Consumer
from coldstream.messages.message import Message

# Milliseconds between two looks whether anybody still reads.
_LOOK = 500


class Printer:
    """Prints the messages of ``types`` (none: of all), ``limit`` of them at most, whole lines and
    flushed: who reads the pipe gets each as soon as it is there.

    What is wrong with stdout is no fault of a message, so it is not tried again: ``error`` has it.
    """

    def __init__(
        self,
        lines: Callable[[Iterable[Message]], Iterator[str]],
        types: Collection[str],
        limit: int | None,
    ) -> None:
        self._lines = lines
        self._types = frozenset(types)
        self._left = limit
        self.error: OSError | None = None
        self.is_done = False

    def print(self, messages: list[Message]) -> None:
        wanted: Iterable[Message] = messages
        if self._types:
            wanted = [message for message in messages if message.type in self._types]
        if self._left is not None:
            wanted = list(islice(wanted, self._left))
            self._left -= len(wanted)
        try:
            for line in self._lines(wanted):
                sys.stdout.write(line)
            sys.stdout.flush()
        except OSError as error:
            self.error = error
        self.is_done = self.error is not None or self._left == 0


def consume(consumer: Consumer, printer: Printer, *, follow: bool) -> None:
    """Print what the consumer gets: to the end there is, or until SIGTERM, Ctrl-C, or nobody reads
    it any more.

    Raises:
        OSError: stdout is closed, or full.
    """

    @consumer.batch_handler
    def handle(messages: list[Message]) -> None:
        printer.print(messages)
        if printer.is_done:
            consumer.stop()

    def gone() -> None:
        printer.error = BrokenPipeError()
        consumer.stop()

    before = signal.signal(signal.SIGTERM, lambda *_: consumer.stop())
    try:
        with _watched(sys.stdout, gone):
            # Ctrl-C goes through it as through any command.
            consumer.run(live=follow, handle_signals=False)
    finally:
        signal.signal(signal.SIGTERM, before)
    if printer.error is not None:
        raise printer.error


@contextmanager
def _watched(file: IO[str], call: Callable[[], None]) -> Iterator[None]:
    """Make a call once nobody reads ``file`` any more. Where no message comes, nothing is written,
    and so nothing else would tell."""
    try:
        number = file.fileno()
        poll = select.poll()
    except (OSError, AttributeError):
        yield
        return
    # No events: those of a closed pipe come unasked.
    poll.register(number, 0)
    over = Event()

    def watch() -> None:
        while not over.is_set():
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(_LOOK)):
                call()
                return

    Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()
