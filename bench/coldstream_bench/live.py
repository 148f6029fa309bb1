"""A consumer that waits for what is written, in a thread, and says when it had it."""

from __future__ import annotations

import time
from threading import Condition, Thread
from typing import Unpack

from coldstream.consumers import Consumer
from coldstream.consumers.options import ConsumerOptions
from coldstream.messages.message import Message
from coldstream.store import Store

# Seconds until a message that was not handled is a fault of the benchmark.
_PATIENCE = 30.0


class Live:
    """A consumer of everything that is written to a category from now on. A context manager: it
    runs when its body begins, and stops with it. ``options``: of the consumer."""

    def __init__(self, store: Store, category: str, **options: Unpack[ConsumerOptions]) -> None:
        self._handled: dict[int, float] = {}
        self._changed = Condition()
        self._error: BaseException | None = None
        self._consumer = Consumer(store, category, f"bench {category}", **options)
        self._consumer.default_handler(self._handle)
        self._thread = Thread(target=self._run, daemon=True)

    def handled_at(self, global_position: int) -> float:
        """When the handler got the message at a position, by ``time.perf_counter``; waits for it.

        Raises:
            AssertionError: it never came.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: global_position in self._handled or self._error is not None, _PATIENCE
            )
        if global_position not in self._handled:
            raise AssertionError(f"{global_position} was not handled") from self._error
        return self._handled[global_position]

    def __enter__(self) -> Live:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._consumer.stop()
        self._thread.join()

    def _handle(self, message: Message) -> None:
        now = time.perf_counter()
        with self._changed:
            self._handled[message.global_position] = now
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._consumer.run(handle_signals=False)
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
