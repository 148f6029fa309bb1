"""The archive's server over its wire: who is let in, what is answered, and how it fails."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.archive_files import export_rows
from tests.archive_rows import END, START, batches, make_rows

from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.client.archived import Readers
from coldstream.errors import ArchiveUnavailable, InvalidInput
from coldstream.messages.message import Message
from coldstream.serve.health import Metrics, monitored
from coldstream.serve.pages import Pages
from coldstream.serve.places import Places
from coldstream.serve.requests import CategoryRequest, Request, parse_request
from coldstream.serve.run import Address, ServeOptions, Store, serve
from coldstream.serve.scram import Verifier
from coldstream.serve.server import Server
from coldstream.serve.session import Service
from coldstream.serve.sql import Analysis
from coldstream.serve.users import User, Users

PASSWORD = "a password"
ROWS = make_rows(3_000)


@dataclass
class Running:
    """A server in a thread of its own."""

    port: int
    server: Server
    pages: Pages
    metrics: Metrics
    stop: Callable[[], None]
    location: ArchiveLocation
    manifest: Manifest
    page: Callable[[Request], list[Message]] | None = field(default=None)

    def connect(self, user: str = "reader", password: str = PASSWORD) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=user,
            password=password,
            dbname="any",
            autocommit=True,
            connect_timeout=10,
            sslmode="disable",
        )

    def files(self) -> list[list[Any]]:
        """As the database lists them."""
        made = self.manifest
        return [
            [
                made.range_start.isoformat(),
                made.range_end.isoformat(),
                self.location.url,
                False,
                file.key,
                made.format,
                file.bytes,
                file.sha256,
                file.footer_bytes,
                file.footer_sha256,
                file.first_global_position,
                file.last_global_position,
            ]
            for file in made.archived_files
        ]


def asked(request: dict[str, Any]) -> str:
    text = json.dumps(request).replace("'", "''")
    return f"SELECT * FROM coldstream.archived_messages('{text}')"


@contextmanager
def running(folder: Path, *, most: int = 20, seconds: float = 30.0) -> Iterator[Running]:
    location = ArchiveLocation.open(str(folder / "archive"))
    manifest = export_rows(
        location,
        batches(ROWS),
        schema="message_store",
        chunk_name="c",
        range_start=START,
        range_end=END,
        format="parquet",
    )
    commit_manifest(location, manifest)
    known = {
        "reader": User("reader", Verifier.of(PASSWORD), True),
        "database": User("database", Verifier.of(PASSWORD), False),
    }
    pages = Pages(Readers(location.url, None))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(4))
        found: list[Running] = []
        metrics = Metrics(lambda: found[0].server.connections)
        service = Service(
            users=Users(lambda: known),
            page=lambda request: (found[0].page or pages.page)(request),
            analysis=partial(Analysis, lambda: location, "message_store", "200MB"),
            threads=threads,
            sql_threads=threads,
            counters=metrics,
            tls=None,
            needs_tls=False,
            max_seconds=seconds,
        )
        server = Server(service, pages, most=most)
        thread.start()
        stack.callback(loop.close)
        stack.callback(thread.join)
        stack.callback(loop.call_soon_threadsafe, loop.stop)

        def stop() -> None:
            asyncio.run_coroutine_threadsafe(server.stop(5.0), loop).result(20)

        port = asyncio.run_coroutine_threadsafe(server.listen("127.0.0.1", 0), loop).result(10)
        found.append(Running(port, server, pages, metrics, stop, location, manifest))
        try:
            yield found[0]
        finally:
            stop()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest.fixture
def of_its_own(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, most=2, seconds=1.0) as made:
        yield made


def as_rows(messages: list[Message]) -> list[tuple[Any, ...]]:
    return [
        (
            str(m.id),
            m.stream_name,
            m.type,
            m.position,
            m.global_position,
            m.data_text,
            m.metadata_text,
            m.time.replace(tzinfo=None),
        )
        for m in messages
    ]


def truth(category: str | None = None, stream: str | None = None) -> list[Message]:
    found = [
        m
        for m in to_messages_of_rows()
        if category in (None, m.category) and stream in (None, m.stream_name)
    ]
    return sorted(found, key=lambda m: m.position if stream else m.global_position)


def to_messages_of_rows() -> list[Message]:
    return [Message(i, s, y, p, g, d, m, t) for g, p, t, s, y, d, m, i, *_ in ROWS]


def test_pages_of_a_category_are_what_was_archived_whoever_goes_on(served: Running) -> None:
    category = ROWS[0][3].split("-")[0]
    expected = as_rows(truth(category=category))
    request = {
        "kind": "category",
        "files": served.files(),
        "epoch": 1,
        "category": category,
        "position": 0,
        "last": 2**63 - 1,
        "limit": 100,
        "correlation": None,
        "consumer_group_member": None,
        "consumer_group_size": None,
    }
    with served.connect("database") as one, served.connect("database") as other:
        # By turns, so that one takes what the other left.
        found: list[tuple[Any, ...]] = []
        for number in range(10_000):
            page = (one, other)[number % 2].execute(asked(request).encode()).fetchall()
            found += page
            if len(page) < 100:
                break
            request["position"] = page[-1][4] + 1
        assert found == expected
        # No further than was asked for, and then on from there.
        request |= {"position": 0, "last": expected[30][4], "limit": 1000}
        first = one.execute(asked(request).encode()).fetchall()
        request |= {"position": expected[30][4] + 1, "last": 2**63 - 1}
        assert first == expected[:31]
        assert one.execute(asked(request).encode()).fetchall() == expected[31:1031]


def test_a_stream_is_what_was_archived(served: Running) -> None:
    stream = ROWS[0][3]
    expected = as_rows(truth(stream=stream))
    request = {
        "kind": "stream",
        "files": [[*file, True] for file in served.files()],
        "stream_name": stream,
        "position": 1,
        "limit": 3,
        "in_order": True,
    }
    with served.connect("database") as connection:
        found = connection.execute(asked(request).encode()).fetchall()
        assert found == [row for row in expected if row[3] >= 1][:3]
        assert len(found) > 0


@pytest.mark.parametrize(
    ("user", "password"), [("reader", "another"), ("nobody", PASSWORD), ("", PASSWORD)]
)
def test_who_has_not_the_password_is_not_let_in(served: Running, user: str, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="Password authentication failed"):
        served.connect(user or "nobody else", password)


def test_the_databases_user_may_ask_for_pages_alone(served: Running) -> None:
    with served.connect("database") as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT 1")
        with pytest.raises(psycopg.errors.SyntaxError, match="Not a request"):
            connection.execute(asked({"kind": "stream"}).encode())
        # The connection goes on.
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT 1")


def test_only_files_that_the_ledger_names_are_read(served: Running) -> None:
    [listed, *_] = served.files()
    asked_for: list[list[str]] = []

    def ledger(keys: Collection[str]) -> list[tuple[str, str]]:
        asked_for.append(list(keys))
        return [(listed[4], served.location.url)] if listed[4] in keys else []

    places = Places(ledger)
    for _ in range(2):
        places.check(_request_of([*listed, False]).files)
    assert asked_for == [[listed[4]]]
    for changes in (
        {4: "other_store/x/messages-1.parquet"},
        {4: "message_store/../other/x.parquet"},
        {2: "file:///etc"},
        {2: "file:///etc", 3: True},
    ):
        file = [*listed, False]
        for place, value in changes.items():
            file[place] = value
        with pytest.raises(InvalidInput, match="Not a file of this store"):
            places.check(_request_of(file).files)


def _request_of(file: list[Any]) -> Request:
    request = {"kind": "stream", "files": [file], "stream_name": "a-1", "position": 0, "limit": 1}
    found = parse_request(asked(request | {"in_order": True}))
    assert found is not None
    return found


def test_sql_over_the_archive(served: Running) -> None:
    with served.connect() as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchall() == [(len(ROWS),)]
        first = truth()[0]
        found = connection.execute(
            "SELECT id, position, time FROM messages WHERE global_position = %s AND type = %s",
            [first.global_position, first.type],
        ).fetchall()
        assert found == [(first.id, first.position, first.time)]
        values = connection.execute(
            "SELECT NULL, true, 1.50::decimal(5,2), 'x', DATE '2026-01-31', 'NaN'::double,"
            " 5::hugeint, '\\x01'::blob"
        ).fetchone()
        assert values is not None
        assert [str(each) for each in values] == [
            "None",
            "True",
            "1.50",
            "x",
            "2026-01-31",
            "nan",
            "5",
            "b'\\x01'",
        ]
        # More than one go, and statements of which each has its own end.
        rows = connection.execute("SELECT * FROM messages ORDER BY global_position").fetchall()
        assert len(rows) == len(ROWS)
        with connection.transaction():
            assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "COPY messages TO '/tmp/stolen'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "INSTALL httpfs",
        "ATTACH '/tmp/x.db'",
        "CREATE TABLE x AS SELECT 1; COPY x TO '/tmp/x'",
        "DROP VIEW messages_that_are_not",
        "SELECT query('SELECT 1')",
        "SET enable_external_access = true; SELECT * FROM read_text('/etc/passwd')",
        "selec 1",
    ],
)
def test_sql_reaches_nothing_else(served: Running, statement: str) -> None:
    with served.connect() as connection:
        with pytest.raises(psycopg.Error):
            connection.execute(statement.encode()).fetchall()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_is_no_protocol_hurts_nobody_else(served: Running) -> None:
    with served.connect("database") as connection:
        for data in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\0\0\0\x08\0\0\0\0",
            b"\xff" * 100,
            b"\0\0\0\x04",
        ):
            with socket.create_connection(("127.0.0.1", served.port), timeout=10) as raw:
                raw.sendall(data)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(4096):
                    pass
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT 1")


def test_an_answer_that_fails_or_takes_too_long_is_an_error(of_its_own: Running) -> None:
    request = {
        "kind": "stream",
        "files": [],
        "stream_name": "a-1",
        "position": 0,
        "limit": 1,
        "in_order": True,
    }
    gate = threading.Event()

    def unreachable(_: Request) -> list[Message]:
        raise ArchiveUnavailable("the bucket is gone")

    def slow(_: Request) -> list[Message]:
        gate.wait(20)
        return []

    with of_its_own.connect("database") as connection:
        of_its_own.page = unreachable
        with pytest.raises(psycopg.errors.IoError, match="the bucket is gone"):
            connection.execute(asked(request).encode())
        of_its_own.page = slow
        with pytest.raises(psycopg.errors.IoError, match="too long"):
            connection.execute(asked(request).encode())
        gate.set()
        of_its_own.page = None
        assert connection.execute(asked(request).encode()).fetchall() == []
    text = of_its_own.metrics.text().decode()
    assert 'coldstream_serve_failures_total{kind="stream",sqlstate="58030"} 2.0' in text


def test_no_more_connections_than_it_may_have_and_an_end_that_is_said(of_its_own: Running) -> None:
    with of_its_own.connect("database") as one, of_its_own.connect("database"):
        with pytest.raises(psycopg.OperationalError, match="2 connections already"):
            of_its_own.connect("database")
        of_its_own.stop()
        with pytest.raises(psycopg.OperationalError, match="stopping"):
            one.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        of_its_own.connect("database")


def test_what_nobody_comes_back_for_is_closed(served: Running) -> None:
    pages = Pages(Readers(served.location.url, None), most=1, seconds=0.0)
    category = ROWS[0][3].split("-")[0]
    request = parse_request(
        asked(
            {
                "kind": "category",
                "files": served.files(),
                "epoch": 1,
                "category": category,
                "position": 0,
                "last": 2**63 - 1,
                "limit": 10,
                "correlation": None,
                "consumer_group_member": None,
                "consumer_group_size": None,
            }
        )
    )
    assert isinstance(request, CategoryRequest)
    assert len(pages.page(request)) == 10
    assert len(pages._readings) == 1
    pages.tidy()
    assert len(pages._readings) == 0


def test_what_was_left_is_gone_on_with_for_the_same_files_alone(served: Running) -> None:
    """A copy of the database may ask with the same epoch, and have archived otherwise since."""
    pages = Pages(Readers(served.location.url, None))
    request = {
        "kind": "category",
        "files": served.files(),
        "epoch": 1,
        "category": ROWS[0][3].split("-")[0],
        "position": 0,
        "last": 2**63 - 1,
        "limit": 10,
        "correlation": None,
        "consumer_group_member": None,
        "consumer_group_size": None,
    }
    first = parse_request(asked(request))
    assert first is not None
    position = pages.page(first)[-1].global_position + 1
    [file, *others] = served.files()
    assert not others
    other = parse_request(
        asked(
            request | {"position": position, "files": [[*file[:4], "message_store/x", *file[5:]]]}
        )
    )
    assert other is not None
    with pytest.raises(ArchiveUnavailable):
        pages.page(other)
    pages.close()


def test_to_describe_a_statement_is_not_to_run_it(served: Running) -> None:
    from psycopg import generators

    with served.connect() as connection:
        made = connection.execute("CREATE TABLE mine AS SELECT 1 AS a", prepare=True)
        assert made.description is None
        connection.pgconn.prepare(b"more", b"INSERT INTO mine VALUES (2)")
        connection.pgconn.prepare(b"show", b"SHOW TABLES")
        fields = {}
        for name in (b"more", b"show"):
            connection.pgconn.send_describe_prepared(name)
            [described] = connection.wait(generators.execute(connection.pgconn))
            fields[name] = described.nfields
        assert fields == {b"more": 0, b"show": 1}
        assert connection.execute("SELECT count(*) FROM mine").fetchall() == [(1,)]
        connection.pgconn.exec_prepared(b"more", [])
        assert connection.execute("SELECT count(*) FROM mine").fetchall() == [(2,)]


def test_a_monitor_is_told_how_it_is(served: Running) -> None:
    import http.client

    healthy = [True]
    with monitored("127.0.0.1", 0, served.metrics, lambda: healthy[0]) as port:

        def status(path: str) -> int:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            client.request("GET", path)
            found = client.getresponse().status
            client.close()
            return found

        assert (status("/health"), status("/metrics"), status("/other")) == (200, 200, 404)
        healthy[0] = False
        assert status("/health") == 503


def test_others_reach_it_with_tls_alone(tmp_path: Path) -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/none", "message_store", None, None)
    with pytest.raises(InvalidInput, match="not encrypted"):
        serve(
            store, ServeOptions(listen=Address.parse("0.0.0.0:0", name="x")), ready=lambda *_: None
        )
    for text in ("5439", "host:port", ":1", "host:70000"):
        with pytest.raises(InvalidInput, match="HOST:PORT"):
            Address.parse(text, name="--listen")
    assert str(Address.parse("[::1]:5439", name="x")) == "[::1]:5439"
