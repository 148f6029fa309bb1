"""Clients that write one message after the other: here, or each in a process of its own.

``python -m coldstream_bench.writers`` is such a process. It reads a line of JSON for each thing to
do and answers with one; it ends when its input does. Eight threads of one Python would measure
Python.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

from psycopg import Connection
from uuid_utils.compat import uuid7

from coldstream.migrations.connection import direct_connection
from coldstream_bench.bodies import Bodies
from coldstream_bench.child import environment
from coldstream_bench.contenders import Contender
from coldstream_bench.workload import random_uuid

_STREAMS = 200
_BODIES = 200
_WARM_UP = 20
_START_S = 0.05


class Messages:
    """New messages for streams of one category, made by ``seed``; each has a new id."""

    def __init__(self, category: str, seed: str) -> None:
        random = Random(seed)
        self._names = [f"{category}-{random_uuid(random)}" for _ in range(_STREAMS)]
        bodies, now = Bodies(self._names[0]), datetime.now(UTC)
        self._bodies = [bodies.message(random, n, n, now) for n in range(_BODIES)]
        self._number = count()

    def next(self) -> tuple[str, str, str, str, str]:
        """What the next write is called with: id, stream name, type, data, metadata."""
        number = next(self._number)
        # Streams in an order that is not that of their names, a message each before the next.
        name = self._names[number * 7 % _STREAMS]
        return (str(uuid7()), name, *self._bodies[number % _BODIES])


class Writer:
    """Writes messages on a connection, one after the other."""

    def __init__(self, connection: Connection[Any], messages: Messages) -> None:
        self._connection = connection
        self._messages = messages

    def write(self, statement: bytes) -> None:
        """Write one message, in a transaction of its own."""
        self._connection.execute(statement, self._messages.next(), prepare=True).fetchone()

    def warm_up(self, statement: bytes) -> None:
        """As many writes as it takes until plans and caches are there."""
        for _ in range(_WARM_UP):
            self.write(statement)

    def write_for(self, statement: bytes, seconds: float) -> tuple[int, float]:
        """Write until ``seconds`` are over; gives how many messages, and how long it took."""
        done = 0
        started = time.perf_counter()
        while (took := time.perf_counter() - started) < seconds:
            self.write(statement)
            done += 1
        return done, took


class Writers:
    """Several processes that write at the same time. A context manager: all of them end with it."""

    def __init__(
        self, dsn: str, categories: Sequence[str], contenders: Sequence[Contender]
    ) -> None:
        statements = {contender.name: contender.write for contender in contenders}
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", __name__],
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                # Ctrl-C is for the parent, which ends its children in order.
                start_new_session=True,
            )
            for _ in categories
        ]
        try:
            for number, category in enumerate(categories):
                self._send(
                    number,
                    {
                        "dsn": dsn,
                        "category": category,
                        "seed": f"{category} {number}",
                        "statements": statements,
                    },
                )
            for number in range(len(self._processes)):
                self._answer(number)
        except BaseException:
            self.close()
            raise

    def rate(self, contender: str, seconds: float) -> float:
        """Messages a second, by all of them together, from a common start."""
        start = time.monotonic() + _START_S
        numbers = range(len(self._processes))
        for number in numbers:
            self._send(number, {"write": contender, "start": start, "seconds": seconds})
        answers = [self._answer(number) for number in numbers]
        done = sum(int(done) for done, _ in answers)
        return done / max(float(took) for _, took in answers)

    def close(self) -> None:
        """End them; a statement that is under way is waited for."""
        for process in self._processes:
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(OSError):
                process.stdin.close()
            process.stdout.close()
        for process in self._processes:
            try:
                process.wait(timeout=10)
            except BaseException:
                process.kill()
                process.wait()

    def __enter__(self) -> Writers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _send(self, number: int, value: Any) -> None:
        stdin = self._processes[number].stdin
        assert stdin is not None
        stdin.write(json.dumps(value) + "\n")
        stdin.flush()

    def _answer(self, number: int) -> Any:
        stdout = self._processes[number].stdout
        assert stdout is not None
        line = stdout.readline()
        if not line:
            raise OSError("a client process of the benchmark has ended; its error is above")
        return json.loads(line)


def main() -> None:
    """Read what to do, do it, say what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config = json.loads(sys.stdin.readline())
    statements = {name: text.encode() for name, text in config["statements"].items()}
    with direct_connection(config["dsn"], "bench") as connection:
        writer = Writer(connection, Messages(config["category"], config["seed"]))
        for statement in statements.values():
            writer.warm_up(statement)
        _say("ready")
        for line in sys.stdin:
            order = json.loads(line)
            time.sleep(max(0.0, order["start"] - time.monotonic()))
            _say(writer.write_for(statements[order["write"]], order["seconds"]))


def _say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
