"""Writers, readers, late imports and a lifecycle at the same time: ``--dsn DSN [--seconds N]``.

Proves that no acknowledged message is lost, that no read gives one twice or leaves one out, and
that no reader waits longer for a message than the lifecycle's lock timeout allows. Prints what it
saw; exits 1 where something was not as it has to be. Needs a server that takes several connections.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg

import coldstream
from coldstream.errors import ColdstreamError, LifecycleBusy
from proof.crash_points import Place
from proof.crashes import LIVE, Lost, Subject

# A lock is waited for this long and given up (session.py); what a loaded machine adds is its own.
LONGEST_WAIT = 2.0 + 2.0


class Concurrency:
    """All of it at once on one store."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._stop = threading.Event()
        self._failures: list[BaseException] = []
        self.written: Counter[str] = Counter()
        self.count: Counter[str] = Counter()
        self.longest = 0.0

    def run(self, seconds: float) -> None:
        """Everything at once for so long.

        Raises:
            Lost, ColdstreamError: what the first one of them found.
        """
        threads = [
            threading.Thread(target=self._guarded, args=(each,))
            for each in (self._write, self._write, self._read, self._read, self._lifecycle)
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline and not self._failures:
                # Late: weeks that are long over, while newer ones are written, and archived.
                if self._subject.weeks < 90:
                    self._subject.add_weeks(1)
                    self.count["late imports"] += 1
                self._stop.wait(0.2)
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
        if self._failures:
            raise self._failures[0]
        self._subject.check(self.written[LIVE])

    def _guarded(self, body: Callable[[coldstream.Store], None]) -> None:
        place = self._subject.place
        try:
            with coldstream.connect(place.dsn, schema=place.schema, archive=place.archive) as store:
                while not self._stop.is_set():
                    body(store)
        except BaseException as error:
            self._failures.append(error)
            self._stop.set()

    def _write(self, store: coldstream.Store) -> None:
        store.write_message(LIVE, "Written", {})
        self.written[LIVE] += 1

    def _read(self, store: coldstream.Store) -> None:
        acknowledged = self.written[LIVE]
        imported = len(self._subject.truth)
        positions: dict[str, int] = {}
        last = time.monotonic()
        seen = 0
        for message in store.get_all_messages():
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last), now
            expected = positions.get(message.stream_name, -1) + 1
            if message.position != expected:
                raise Lost(f"{message.stream_name}: {message.position}, not {expected}")
            positions[message.stream_name] = expected
            seen += 1
        live = positions.get(LIVE, -1) + 1
        if live < acknowledged or seen - live < imported:
            raise Lost(f"{seen} read, {acknowledged} and {imported} were there before")
        self.count["reads of everything"] += 1

    def _lifecycle(self, store: coldstream.Store) -> None:
        for name in ("run", "rehydrate", "drop"):
            if self._stop.is_set():
                return
            try:
                self._subject.operation(name).run(store.lifecycle)
                self.count["lifecycle operations"] += 1
            except LifecycleBusy:
                # A reader kept a chunk through every try: it stays, and the next run takes it.
                self.count["given up for a reader"] += 1


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dsn", required=True, help="it makes a store in the schema concurrency")
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        with psycopg.connect(arguments.dsn, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            connection.execute("DROP SCHEMA IF EXISTS concurrency CASCADE")
        archive = (Path(folder) / "archive").as_uri()
        subject = Subject(Place(arguments.dsn, "concurrency", archive))
        subject.add_weeks(2)
        work = Concurrency(subject)
        try:
            work.run(arguments.seconds)
            proved = subject.prove()
        except (Lost, ColdstreamError) as error:
            print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr)
            return 1
        finally:
            with psycopg.connect(arguments.dsn, autocommit=True) as connection:
                connection.execute("SET client_min_messages = warning")
                connection.execute("DROP SCHEMA concurrency CASCADE")
    for name, number in sorted(work.count.items()):
        print(f"{number} {name}")
    print(f"{work.written[LIVE]} messages written meanwhile, all of them read; none twice")
    print(f"{proved} archived objects proved at the end")
    print(f"the longest wait of a reader for a message: {work.longest:.2f} s")
    return 0 if work.longest <= LONGEST_WAIT else 1


if __name__ == "__main__":
    sys.exit(main())
