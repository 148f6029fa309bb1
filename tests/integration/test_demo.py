"""coldstream demo: from end to end, and that nothing of it is left, however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import IO

import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore, drop_store

import coldstream
from coldstream.demo.deliveries import fetch_deliveries
from coldstream.demo.history import Written, plan, split, write_events
from coldstream.demo.proof import Fingerprint
from coldstream.embedded import EmbeddedServer
from coldstream.messages.message import NewMessage

PROGRAM = [sys.executable, "-c", "import sys; from coldstream.cli import main; sys.exit(main())"]
SMALL = ["demo", "--messages", "1000"]


@contextmanager
def started(*words: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process group and with a temporary folder of its own."""
    folder.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLDSTREAM_DSN")}
    process = subprocess.Popen(
        [*PROGRAM, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment | {"TMPDIR": str(folder), "PYTHONWARNINGS": "error"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if _group_exists(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def nothing_left(process: subprocess.Popen[str], folder: Path) -> bool:
    return not _group_exists(process.pid) and not list(folder.iterdir())


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _lines_until(stream: IO[str], start: str) -> list[str]:
    lines = []
    for line in stream:
        lines.append(line.rstrip("\n"))
        if line.startswith(start):
            return lines
    pytest.fail(f"The demo ended before {start!r}:\n" + "\n".join(lines))


def test_from_end_to_end_and_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    with started(*SMALL, folder=folder) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        assert process.wait() == 0, "\n".join(lines)
        assert nothing_left(process, folder)
    text = "\n".join(lines)

    chapters = [match[1] for line in lines if (match := re.match(r"(\d+)\. [A-Z]", line))]
    assert chapters == [str(number) for number in range(1, 10)]
    assert max(len(line) for line in lines if str(folder) not in line) <= 80
    assert "\x1b" not in text
    for rows in (
        ["archive ", "columnstore ", "rows "],  # one stream over three tiers
        ["written ", "compressed ", "dropped "],  # the database's size
    ):
        at = [next(i for i, line in enumerate(lines) if line.startswith(row)) for row in rows]
        assert at == list(range(at[0], at[0] + 3))
    assert "  Wrong expected version: " in text
    assert "it gets position 1:" in text
    digests = [line.split()[-1] for line in lines if line.startswith(("streams, ", "every column"))]
    assert len(digests) == 4
    assert digests[0] == digests[1]
    assert digests[2] == digests[3]
    assert {len(digest) for digest in digests} == {32}
    assert any(line.startswith("Equal, for 1,000 messages: ") for line in lines)
    assert lines[-1].lstrip().startswith("coldstream --help")

    readme = (Path(__file__).parents[2] / "README.md").read_text()
    shown = readme.split("Some of what it prints:\n\n```text\n")[1].split("```")[0]
    for line in shown.splitlines():
        assert in_general(line) in in_general(text)


def in_general(text: str) -> str:
    """What is printed of any number of messages: without figures and names, and as one line."""
    text = re.sub(r"Stream: \S+,", "Stream: N,", text)
    return " ".join(re.sub(r"\d[\d.,]*( (s|ms|B|kB|MB)\b)?", "N", text).split())


def test_json_gives_the_figures_alone(cli: Cli, dsn: str) -> None:
    server = InstalledStore(dsn, "public")
    tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE '%hyper%chunk'"
    before = server.run(tables)
    ran = cli(*SMALL, "--dsn", dsn, "--schema", "demo_json", "--json")
    figures = ran.json
    assert figures["messages"] == 1000
    assert figures["compression_ratio"] > 1
    assert 0 < figures["archive_bytes_a_message"] < figures["row_bytes"] / 1000
    assert figures["digest"]["written"] == figures["digest"]["read"]
    assert figures["digest"]["read"].startswith("sum-sha256:1000:")
    assert figures["continued"]["position"] == 1
    assert {"write", "compress", "archive", "verify", "drop", "prove"} <= set(figures["seconds"])
    # On a server of the caller's, schema and role are gone again.
    assert server.run("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'demo%'") == []
    assert server.run("SELECT rolname FROM pg_roles WHERE rolname LIKE 'demo%'") == []
    assert server.run(tables) == before


def test_a_schema_that_the_demo_did_not_make_is_left_alone(cli: Cli, dsn: str) -> None:
    server = InstalledStore(dsn, "public")
    server.run("CREATE SCHEMA demo_taken")
    server.run("CREATE TABLE demo_taken.things (a int)")
    ran = cli(*SMALL, "--dsn", dsn, "--schema", "demo_taken")
    first, hint = ran.err.splitlines()
    there = server.run("SELECT to_regclass('demo_taken.things') IS NOT NULL")
    drop_store(dsn, "demo_taken")
    assert ran.status == 1
    assert first == "coldstream: Schema demo_taken exists and was not made by the demo"
    assert "--yes" in hint
    assert there == [(True,)]


def test_what_is_kept_can_be_looked_at(cli: Cli, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    ran = cli(*SMALL, "--keep", str(kept))
    assert ran.status == 0, ran.err
    assert f"It is all kept in {kept}." in ran.out
    assert f"coldstream dev --data-dir {kept / 'data'}" in ran.out
    with EmbeddedServer(kept / "data") as server:
        read = cli("read", "check_run-electron/electron", "--dsn", server.dsn)
        assert read.status == 0
        assert [line.split()[5] for line in read.out.splitlines()] == [
            "CheckRunRequestedAction",
            "Returned",
        ]


def test_a_folder_that_is_not_empty_is_not_used(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    ran = cli(*SMALL, "--keep", str(tmp_path))
    assert ran.status == 2
    assert ran.err.splitlines()[-2] == f"coldstream: {tmp_path} is not an empty folder"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


# The signal goes at once: the demo must not be over before it.
@pytest.mark.parametrize("at", ["starting TimescaleDB", "1. Write", "4. Drop"])
def test_ctrl_c_leaves_nothing(at: str, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    with started(*SMALL, folder=folder) as process:
        assert process.stdout is not None
        _lines_until(process.stdout, at)
        # To the whole group, as a terminal does: the engine's process gets it too.
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read().splitlines()
        assert process.wait(timeout=60) == 130, rest
        assert rest[-1] == "coldstream: interrupted"
        assert nothing_left(process, folder)


def test_sigterm_leaves_nothing(tmp_path: Path) -> None:
    folder, kept = tmp_path / "tmp", tmp_path / "kept"
    with started(*SMALL, "--keep", str(kept), folder=folder) as process:
        assert process.stdout is not None
        _lines_until(process.stdout, "1. Write")
        reader = threading.Thread(target=process.stdout.read)
        reader.start()
        process.terminate()
        assert process.wait(timeout=60) == 143
        reader.join()
        assert nothing_left(process, folder)
    assert not kept.exists()


def test_no_registry_is_one_line(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDSTREAM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    ran = cli(*SMALL)
    line, hint = ran.err.splitlines()[-2:]
    assert ran.status == 1
    assert line.startswith("coldstream: cannot download http://127.0.0.1:1/@octokit/")
    assert hint.startswith("  hint: Check the network")


def test_the_history_is_the_deliveries_in_their_order() -> None:
    deliveries = fetch_deliveries()
    now = datetime(2026, 3, 1, tzinfo=UTC)
    events = list(plan(deliveries, 1000, now))
    assert len(deliveries) == 329
    assert [e.message.data for e in events[:329]] == [d.payload for d in deliveries]
    assert len({e.message.id for e in events}) == 1000
    assert all(a.time < b.time for a, b in pairwise(events))
    assert events[0].time == now - timedelta(weeks=10)
    assert events[-1].time < now
    positions: dict[str, list[int]] = {}
    for event in events:
        positions.setdefault(event.message.stream_name, []).append(event.position)
    assert all(found == list(range(len(found))) for found in positions.values())
    past, recent = split(events, now)
    assert (len(past), len(recent)) == (900, 100)
    # A repository that sent one delivery stays quiet.
    assert positions["check_run-electron/electron"] == [0]


def test_the_fingerprint_sees_any_change() -> None:
    def fingerprint(**change: object) -> str:
        fields: dict[str, object] = {"stream_name": "a-1", "type": "T", "data": {"a": 1, "b": 2}}
        fields |= {"id": "018f0000-0000-7000-8000-000000000000", "metadata": None}
        numbers = {"position": 0, "global_position": 1}
        message = {k: v for k, v in (fields | change).items() if k in fields}
        numbers |= {k: v for k, v in change.items() if k in numbers}  # type: ignore[misc]
        found = Fingerprint()
        found.add_sent(NewMessage(**message), **numbers)  # type: ignore[arg-type]
        return found.hexdigest()

    assert fingerprint(data={"b": 2, "a": 1}) == fingerprint()
    changes: list[dict[str, object]] = [
        {"stream_name": "a-2"},
        {"type": "U"},
        {"data": {"a": 1, "b": 3}},
        {"metadata": {}},
        {"position": 1},
        {"global_position": 2},
        {"id": "018f0000-0000-7000-8000-000000000001"},
    ]
    assert len({fingerprint(), *(fingerprint(**change) for change in changes)}) == 8


def test_what_is_written_now_has_the_time_of_now(fresh_store: InstalledStore) -> None:
    # In a week that has just begun there is no chunk for the times of the deliveries.
    events = list(plan(fetch_deliveries(), 60, datetime(2026, 3, 1, tzinfo=UTC)))
    written = Written.nothing()
    with coldstream.connect(fresh_store.dsn, schema=fresh_store.schema) as store:
        write_events(store, events, written, lambda count: None)
    times = "SELECT stream_name, array_agg(time ORDER BY position) FROM messages GROUP BY 1"
    assert written.times == dict(fresh_store.run(times))
    assert sum(map(len, written.times.values())) == 60
