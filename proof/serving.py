"""Break the archive server under clients that read, and show that no answer is ever short or out of
order.

    .venv/bin/python -m proof.serving --dsn DSN [--kills N] [--faults N] [--readers N] [--seed N]

A store has all of its ended history in an archive, and clients that know SQL alone read streams,
categories, all messages and last messages from it: through ``coldstream serve``. It is killed and
started again ``--kills`` times; then ``--faults`` connections to it are reset, stalled or cut off
after a number of bytes, by a proxy that the database takes for the server. Every answer is compared
with what it was before the drop. An error says what it is (CS014), and is counted; anything else
ends the run with exit status 1.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

import coldstream
from coldstream import Message
from coldstream.lifecycle import Lifecycle

CATEGORIES = ("account", "order", "basket")
DAYS = 12
END = timedelta(days=2)
_FAULTS = ("reset", "stall", "cut")
_COLDSTREAM = "import sys; from coldstream.cli.run import run; sys.exit(run(sys.argv[1:]))"


class Wrong(Exception):
    """An answer that is not what it was."""


class Proxy:
    """Forwards bytes to a port; a connection meets a fault after some bytes of the answer."""

    def __init__(self, port: int, seed: int) -> None:
        self._upstream = port
        self._random = random.Random(seed)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self.breaking = False
        self.met: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listening.getsockname()[1]
        return port

    def close(self) -> None:
        self._stopped.set()
        self._listening.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        try:
            upstream = socket.create_connection(("127.0.0.1", self._upstream), timeout=60)
        except OSError:
            client.close()
            return
        threading.Thread(target=_forward, args=(client, upstream), daemon=True).start()
        fault = self._random.choice(_FAULTS)
        left = int(10 ** self._random.uniform(1.5, 5.5))
        try:
            while data := upstream.recv(65536):
                if self.breaking and len(data) >= left:
                    client.sendall(data[:left])
                    self.met[fault] += 1
                    self._break(client, fault)
                    return
                left -= len(data)
                client.sendall(data)
        except OSError:
            pass
        finally:
            upstream.close()
            client.close()

    def _break(self, client: socket.socket, fault: str) -> None:
        if fault == "stall":
            # Longer than the database waits.
            self._stopped.wait(4)
        elif fault == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _forward(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        target.close()


@dataclass
class Truth:
    """What every question was answered before anything left."""

    streams: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    categories: dict[str | None, list[tuple[Any, ...]]] = field(default_factory=dict)


class Serving:
    """A store with its history in an archive, and the server's process."""

    def __init__(self, dsn: str, folder: Path, messages: int) -> None:
        self.dsn = dsn
        self.schema = f"prove_serving_{secrets.token_hex(4)}"
        self.archive = (folder / "archive").as_uri()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.truth = Truth()
        coldstream.install(dsn, schema=self.schema, chunk_interval=timedelta(days=1))
        self._fill(messages)

    def _fill(self, messages: int) -> None:
        chosen = random.Random(5)
        versions: Counter[str] = Counter()
        start = datetime.now(UTC) - timedelta(days=DAYS)

        def history() -> Iterator[Message]:
            for number in range(messages):
                category = chosen.choice(CATEGORIES)
                stream = f"{category}-{chosen.randrange(messages // 60)}"
                position = versions[stream]
                versions[stream] += 1
                text = f'{{"n": {number}, "text": "{"x" * chosen.randrange(200)}"}}'
                yield Message(
                    _uuid(chosen),
                    stream,
                    chosen.choice(("Opened", "Changed")),
                    position,
                    number + 1,
                    text,
                    None,
                    start + timedelta(days=DAYS - 0.5) * (number / messages),
                )

        with coldstream.connect(self.dsn, schema=self.schema, archive=self.archive) as store:
            store.import_messages(history())
            with psycopg.connect(self.dsn) as connection:
                self._learn(connection)
            lifecycle = Lifecycle(store)
            lifecycle.archive(END)
            lifecycle.verify()
            lifecycle.drop(END)

    def _learn(self, connection: psycopg.Connection[Any]) -> None:
        for category in CATEGORIES:
            rows = self.ask(connection, "get_category_messages", [category, 0, -1])
            self.truth.categories[category] = rows
            for row in rows:
                self.truth.streams.setdefault(row[1], []).append(row)
        everything = [row for rows in self.truth.categories.values() for row in rows]
        self.truth.categories[None] = sorted(everything, key=lambda row: row[4])
        for rows in self.truth.streams.values():
            rows.sort(key=lambda row: row[3])

    def ask(
        self, connection: psycopg.Connection[Any], name: str, arguments: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        marks = sql.SQL(", ").join(sql.Placeholder() * len(arguments))
        function = sql.Identifier(self.schema, name)
        return connection.execute(
            sql.SQL("SELECT * FROM {}({})").format(function, marks), arguments
        ).fetchall()

    def start(self, *, register: bool = False) -> int:
        """Start the server, and wait until it answers; gives its port, which stays the same."""
        command = [sys.executable, "-c", _COLDSTREAM, "serve", "--dsn", self.dsn]
        command += ["--schema", self.schema, "--archive", self.archive]
        command += ["--listen", f"127.0.0.1:{self._port}"]
        if register:
            command += ["--register", "--time-limit", "2"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=(self._folder / "log").open("ab")
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"serving"):
                self._port = int(line.rsplit(b":", 1)[1])
            if line.startswith(b"Ctrl-C"):
                return self._port
        raise Wrong("the server did not start: " + (self._folder / "log").read_text())

    @property
    def pid(self) -> int:
        """Of the server's process."""
        assert self._process is not None
        return self._process.pid

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()

    def point_to(self, port: int) -> None:
        """Let the database take another port for the server's."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            server = sql.Identifier(f"coldstream {self.schema}")
            connection.execute(
                sql.SQL("ALTER SERVER {} OPTIONS (SET port {})").format(
                    server, sql.Literal(str(port))
                )
            )

    def remove(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            name = sql.Identifier(self.schema)
            server = sql.Identifier(f"coldstream {self.schema}")
            connection.execute(sql.SQL("DROP SERVER IF EXISTS {} CASCADE").format(server))
            connection.execute(sql.SQL("DROP TABLE {}.messages CASCADE").format(name))
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))


def _uuid(chosen: random.Random) -> Any:
    from uuid import UUID

    return UUID(int=chosen.getrandbits(128), version=4)


class Reader(threading.Thread):
    """Asks something by chance, again and again, and compares."""

    def __init__(self, serving: Serving, seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._serving = serving
        self._random = random.Random(seed)
        self._stop_it = stop
        self.answers = 0
        self.errors: Counter[str] = Counter()
        self.wrong: Exception | None = None

    def run(self) -> None:
        try:
            while not self._stop_it.is_set():
                with psycopg.connect(self._serving.dsn, autocommit=True) as connection:
                    for _ in range(self._random.randrange(1, 60)):
                        if self._stop_it.is_set():
                            return
                        self._one(connection)
        except Exception as error:
            self.wrong = error

    def _one(self, connection: psycopg.Connection[Any]) -> None:
        truth = self._serving.truth
        kind = self._random.choice(("stream", "category", "all", "last"))
        limit = self._random.choice((1, 10, 500, 1000))
        arguments: list[Any]
        if kind in ("stream", "last"):
            name = self._random.choice(list(truth.streams))
            rows = truth.streams[name]
        else:
            name = self._random.choice(CATEGORIES) if kind == "category" else ""
            rows = truth.categories[name or None]
        if kind == "last":
            question, arguments, expected = "get_last_stream_message", [name], rows[-1:]
        else:
            place = 3 if kind == "stream" else 4
            position = rows[self._random.randrange(len(rows))][place]
            expected = [row for row in rows if row[place] >= position][:limit]
            question = f"get_{kind}_messages"
            arguments = [name, position, limit] if name else [position, limit]
        try:
            found = self._serving.ask(connection, question, arguments)
        except psycopg.Error as error:
            state = error.sqlstate or type(error).__name__
            self.errors[state] += 1
            if state != "CS014":
                raise Wrong(f"{question}{arguments}: {error}") from error
            return
        if found != expected:
            raise Wrong(f"{question}{arguments}: {len(found)} rows, not {len(expected)}")
        self.answers += 1


@contextmanager
def reading(serving: Serving, readers: int, seed: int) -> Iterator[list[Reader]]:
    stop = threading.Event()
    threads = [Reader(serving, seed * 1000 + number, stop) for number in range(readers)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        stop.set()
        for thread in threads:
            thread.join(120)


def _report(name: str, threads: list[Reader]) -> None:
    for thread in threads:
        if thread.wrong is not None:
            raise Wrong(str(thread.wrong)) from thread.wrong
    errors = sum((thread.errors for thread in threads), Counter[str]())
    answers = sum(thread.answers for thread in threads)
    print(f"{name}: {answers:,} answers, all right; errors {dict(errors)}", flush=True)
    if not answers:
        raise Wrong("nothing was answered at all")


def prove(serving: Serving, *, kills: int, faults: int, readers: int, seed: int) -> None:
    chosen = random.Random(seed)
    port = serving.start(register=True)
    with reading(serving, readers, seed) as threads:
        time.sleep(3)
    _report("undisturbed", threads)
    with reading(serving, readers, seed + 1) as threads:
        for number in range(kills):
            time.sleep(chosen.uniform(0, 0.8))
            serving.kill(chosen.choice((signal.SIGKILL, signal.SIGTERM)))
            serving.start()
            if any(thread.wrong for thread in threads):
                break
            if number % 50 == 49:
                print(f"{number + 1} kills", flush=True)
    _report(f"{kills} kills", threads)
    proxy = Proxy(port, seed)
    try:
        serving.point_to(proxy.port)
        with reading(serving, readers, seed + 2) as threads:
            time.sleep(1)
            proxy.breaking = True
            while sum(proxy.met.values()) < faults and not any(t.wrong for t in threads):
                time.sleep(0.2)
            proxy.breaking = False
        _report(f"faults {dict(proxy.met)}", threads)
    finally:
        proxy.close()
    serving.point_to(port)
    with reading(serving, readers, seed + 3) as threads:
        time.sleep(2)
    _report("afterwards", threads)


@contextmanager
def serving_of(dsn: str, messages: int) -> Iterator[Serving]:
    """A server of a store with this number of messages, archived; nothing of either is left."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="coldstream-serving-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        serving = Serving(dsn, folder, messages)
        stack.callback(serving.remove)
        stack.callback(serving.kill)
        yield serving


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dsn", default=os.environ.get("COLDSTREAM_TEST_DSN"))
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if not given.dsn:
        print("A native TimescaleDB is needed: --dsn, or COLDSTREAM_TEST_DSN", file=sys.stderr)
        return 2
    with serving_of(given.dsn, given.messages) as serving:
        try:
            prove(
                serving,
                kills=given.kills,
                faults=given.faults,
                readers=given.readers,
                seed=given.seed,
            )
        except Wrong as wrong:
            print(f"WRONG: {wrong}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
