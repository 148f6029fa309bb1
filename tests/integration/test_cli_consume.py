"""coldstream consume."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import IO

import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore

import coldstream
from coldstream import NewMessage

PROGRAM = [sys.executable, "-c", "import sys; from coldstream.cli import main; sys.exit(main())"]


@pytest.fixture
def to(store_schema: InstalledStore) -> list[str]:
    return ["--dsn", store_schema.dsn]


@pytest.fixture
def written(store_schema: InstalledStore) -> InstalledStore:
    """Five messages in two categories; global positions are 1 to 5."""
    correlated = {"correlationStreamName": "user-1"}
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        for stream_name, type, metadata in (
            ("account-1", "Opened", None),
            ("account-2", "Opened", None),
            ("order-1", "Placed", None),
            ("account-1", "Deposited", correlated),
            ("account-2", "Closed", None),
        ):
            store.write_messages([NewMessage(stream_name, type, {"n": 1}, metadata)])
    return store_schema


def positions(text: str) -> list[int]:
    return [json.loads(line)["global_position"] for line in text.splitlines()]


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLDSTREAM_")}
    with subprocess.Popen(
        [*PROGRAM, "consume", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def rest_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.read()


SELECTIONS: dict[str, tuple[list[str], list[int]]] = {
    "everything": (["--all"], [1, 2, 3, 4, 5]),
    "a category": (["account"], [1, 2, 4, 5]),
    "a stream": (["account-1"], [1, 4]),
    "from a global position": (["account", "--from", "2"], [2, 4, 5]),
    "from a position of a stream": (["account-1", "--from", "1"], [4]),
    "from the start": (["account-2", "--from", "start"], [2, 5]),
    "from the end": (["--all", "--from", "end"], []),
    "from an age": (["order", "--from", "1h"], [3]),
    "a type": (["--all", "--type", "Opened"], [1, 2]),
    "types": (["--all", "--type", "Opened", "--type", "Placed"], [1, 2, 3]),
    "a limit": (["account", "--limit", "3"], [1, 2, 4]),
    "a limit of a type": (["--all", "--type", "Opened", "--limit", "1"], [1]),
    "a limit that is not reached": (["account-1", "--limit", "9"], [1, 4]),
    "a correlation": (["account", "--correlation", "user"], [4]),
    "what is not there": (["nothing"], []),
    "a stream that is not there": (["nothing-1"], []),
}


@pytest.mark.parametrize("what", SELECTIONS)
def test_what_is_asked_for_is_printed(
    what: str, cli: Cli, to: list[str], written: InstalledStore
) -> None:
    words, expected = SELECTIONS[what]
    ran = cli("consume", *words, "--json", *to)
    assert (ran.status, ran.err) == (0, "")
    assert positions(ran.out) == expected


def test_the_members_of_a_group_have_everything_between_them(
    cli: Cli, to: list[str], written: InstalledStore
) -> None:
    of = [
        positions(cli("consume", "account", "--member", str(n), "--size", "2", "--json", *to).out)
        for n in (0, 1)
    ]
    assert sorted(of[0] + of[1]) == [1, 2, 4, 5]
    assert [1, 4] in of or [1, 2, 4, 5] in of


def test_lines_are_those_of_read(cli: Cli, to: list[str], written: InstalledStore) -> None:
    for form in ([], ["--json"]):
        assert cli("consume", "account", *form, *to) == cli("read", "account", *form, *to)


def test_from_a_time(cli: Cli, to: list[str], written: InstalledStore) -> None:
    ((fourth,),) = written.run("SELECT time FROM messages WHERE global_position = 4")
    at = fourth.astimezone(UTC).isoformat()
    assert positions(cli("consume", "--all", "--from", at, "--json", *to).out) == [4, 5]
    assert positions(cli("consume", "account-1", "--from", at, "--json", *to).out) == [4]


BAD: dict[str, tuple[list[str], str, int]] = {
    "nothing": ([], "Give a category or a stream, or --all", 2),
    "too much": (["account", "--all"], "Give a category or a stream, or --all", 2),
    "empty": ([""], "The name of the category or stream is empty", 2),
    "two starts": (["account", "--live", "--from", "1"], "--live begins at the end", 2),
    "no position": (["account", "--from", "first"], "'first' is no position", 2),
    "negative": (["account", "--from=-1"], "'-1' is no position", 2),
    "later": (["account", "--from", "2999-01-01"], "'2999-01-01' means the future", 2),
    "half a group": (["account", "--member", "0"], "--member and --size go together", 2),
    "member": (["account", "--member", "2", "--size", "2"], "Consumer group member must be", 2),
    "group of a stream": (["a-1", "--member", "0", "--size", "2"], "--correlation, --member", 2),
    "correlation": (["account", "--correlation", "a-1"], "Correlation must be a category", 2),
    "beyond": (["account", "--from", "99"], "Position 99 is after the end of account, which is", 1),
    "beyond a stream": (
        ["a-1", "--from", "2"],
        "Position 2 is after the end of a-1, which is 0",
        1,
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_and_a_hint(what: str, cli: Cli, to: list[str]) -> None:
    words, message, status = BAD[what]
    ran = cli("consume", *words, *to)
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith(f"coldstream: {message}")
    assert len(ran.err.splitlines()) <= 2


def test_history_in_the_archive_comes_first(
    cli: Cli, fresh_store: InstalledStore, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDSTREAM_ARCHIVE", f"file://{tmp_path}")
    store = ["--dsn", fresh_store.dsn, "--schema", fresh_store.schema]
    fresh_store.run(
        "INSERT INTO messages (stream_name, position, type, time)"
        " SELECT 'account-1', n, 'Old', now() - INTERVAL '40 days' + n * INTERVAL '1 hour'"
        " FROM generate_series(0, 4) AS n ORDER BY n"
    )
    for verb in ("archive --older-than 7d", "verify", "drop --older-than 7d"):
        assert cli(*verb.split(), *store).status == 0
    assert fresh_store.run("SELECT count(*) FROM messages") == [(0,)]
    assert cli("write", "account-1", "New", "--expected-version", "4", *store).status == 0
    # An age that reaches into the archive gets all that is younger, from there.
    old = datetime.now(UTC) - timedelta(days=60)
    for words in (["account-1"], ["account"], ["--all"], ["account", "--from", old.isoformat()]):
        found = cli("consume", *words, "--json", *store).out.splitlines()
        assert [json.loads(line)["type"] for line in found] == [*["Old"] * 5, "New"]
    recent = cli("consume", "account", "--from", "1d", "--json", *store).out.splitlines()
    assert [json.loads(line)["type"] for line in recent] == ["New"]


def test_a_type_that_is_rare_is_looked_for_in_every_page(
    cli: Cli, to: list[str], store_schema: InstalledStore
) -> None:
    messages = [NewMessage(f"many-{n % 7}", "Common") for n in range(2500)]
    messages[-1] = NewMessage("many-1", "Rare")
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        store.write_messages(messages)
    ran = cli("consume", "many", "--type", "Rare", "--limit", "1", "--json", *to)
    assert positions(ran.out) == [2500]


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [(signal.SIGINT, 130, "coldstream: interrupted\n"), (signal.SIGTERM, 0, "")],
)
def test_a_signal_ends_following(
    sent: signal.Signals, status: int, said: str, to: list[str], written: InstalledStore
) -> None:
    with started("account-1", "--follow", "--json", *to) as process:
        # What is there has been flushed, although it goes on.
        assert [positions(line_of(process.stdout)) for _ in range(2)] == [[1], [4]]
        process.send_signal(sent)
        assert process.wait(timeout=20) == status
        assert (rest_of(process.stdout), rest_of(process.stderr)) == ("", said)
    # The server has the connection back.
    assert written.run("SELECT 1") == [(1,)]


def test_a_closed_pipe_ends_following(to: list[str], written: InstalledStore) -> None:
    """Also while no message comes, which would be the only thing to write."""
    with started("account-1", "--follow", *to) as process:
        assert "Opened" in line_of(process.stdout)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=20) == 141
        assert rest_of(process.stderr) == ""


def test_a_limit_ends_following(to: list[str], written: InstalledStore) -> None:
    with started("account-1", "-f", "--limit", "2", "--json", *to) as process:
        assert process.wait(timeout=20) == 0
        assert positions(rest_of(process.stdout)) == [1, 4]


@pytest.mark.native
@pytest.mark.parametrize("notify", [True, False])
def test_what_is_written_meanwhile_is_printed(
    notify: bool, to: list[str], written: InstalledStore
) -> None:
    with coldstream.connect(written.dsn) as store:
        store.consumers.set_notify(notify)
        try:
            with started("account", "--follow", "--from", "5", "--type", "Late", *to) as process:
                for number in range(3):
                    time.sleep(0.6)
                    store.write_message("account-1", "Passed over")
                    store.write_message("account-3", "Late", {"number": number})
                    assert f'"number": {number}' in line_of(process.stdout)
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=20) == 0
        finally:
            store.consumers.set_notify(False)


@pytest.mark.native
def test_live_begins_with_what_is_written_from_now_on(
    to: list[str], written: InstalledStore
) -> None:
    with (
        started("account", "--live", "--json", *to) as process,
        coldstream.connect(written.dsn) as store,
    ):
        # When it is ready is not known: it is written to until something comes.
        assert process.stdout is not None
        for _ in range(300):
            store.write_message("account-1", "Live")
            if select.select([process.stdout], [], [], 0.1)[0]:
                break
        last = store.write_message("account-1", "Live").global_position
        found = [*positions(line_of(process.stdout))]
        while found[-1] < last:
            found += positions(line_of(process.stdout))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    # Nothing that was there before, and all from the first one on.
    assert found == list(range(found[0], last + 1))
    assert found[0] > 5
