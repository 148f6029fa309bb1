"""A store on an ordinary table, on this machine's PostgreSQL without TimescaleDB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tests.clients import CLIENTS, opened
from tests.fix_cli import Cli
from tests.fix_cluster import StartCluster

import coldstream
from coldstream import DuplicateMessageId, ExpectedVersionError, UnsupportedEngine

ROOT = Path(__file__).parents[2]
AGE = "1970-01-01"


@pytest.fixture(scope="module")
def plain_dsn(start_cluster: StartCluster) -> str:
    dsn = start_cluster()
    assert coldstream.install(dsn, engine="postgres").changed
    assert not coldstream.install(dsn).changed
    return dsn


# What an engine may do otherwise. All of tests/compat takes a minute: see its README.
COMPAT = [
    "test_client_message_db_py",
    "test_get_last_stream_message",
    "test_messages_table",
    "test_privileges",
    "test_write_message",
    "test_write_message_expected_version",
    "test_write_message_transactions",
]


def test_message_db_s_behaviour(start_cluster: StartCluster) -> None:
    """Of tests/compat, in a run of its own."""
    files = [f"tests/compat/{name}.py" for name in COMPAT]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env=os.environ
        | {"COLDSTREAM_TEST_DSN": start_cluster(), "COLDSTREAM_TEST_ENGINE": "postgres"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout


@pytest.mark.parametrize("kind", CLIENTS)
def test_either_client(plain_dsn: str, kind: str) -> None:
    with opened(kind, plain_dsn) as store:
        stream = f"account{kind}-1"
        first, second = store.write_messages(
            [
                coldstream.NewMessage(stream, "Opened", {"n": 1}),
                coldstream.NewMessage(stream, "Deposited", {"n": 2}),
            ],
            expected_versions={stream: -1},
        )
        with pytest.raises(ExpectedVersionError):
            store.write_message(stream, "Deposited", {}, expected_version=0)
        [opening, _] = store.get_stream_messages(stream)
        for other in (stream, f"account{kind}-2"):
            with pytest.raises(DuplicateMessageId):
                store.write_message(other, "Opened", {}, id=opening.id)
        again = store.write_message(stream, "Opened", {"n": 1}, id=opening.id, idempotent=True)
        assert (again.position, again.global_position) == (0, first.global_position)

        assert [m.data for m in store.get_stream_messages(stream)] == [{"n": 1}, {"n": 2}]
        of_category = store.get_category_messages(f"account{kind}")
        assert [m.global_position for m in of_category] == [
            first.global_position,
            second.global_position,
        ]
        assert store.get_last_stream_message(stream).position == 1
        assert second.global_position in [m.global_position for m in store.get_all_messages()]


def test_what_is_deleted_is_not_given_again(plain_dsn: str) -> None:
    with coldstream.connect(plain_dsn) as store:
        last = [store.write_message("gone-1", "T", {}) for _ in range(3)][-1]
        with psycopg.connect(plain_dsn) as connection:
            connection.execute(
                "DELETE FROM message_store.messages WHERE stream_name = 'gone-1' AND position > 0"
            )
        after = store.write_message("gone-1", "T", {}, expected_version=2)
        assert after.position == 3
        assert after.global_position > last.global_position
        assert [m.position for m in store.get_stream_messages("gone-1")] == [0, 3]


@pytest.mark.parametrize(
    "words",
    [
        ["chunks"],
        ["compress", "--older-than", AGE],
        ["archive", "--older-than", AGE, "--archive", "file:///tmp/none"],
        ["verify", "--archive", "file:///tmp/none"],
        ["drop", "--older-than", AGE],
        ["rehydrate", "--from", AGE, "--to", "1970-02-01", "--archive", "file:///tmp/none"],
        ["lifecycle", "run", "--archive", "file:///tmp/none"],
        ["lifecycle", "set", "--compress-after", "7d"],
        ["lifecycle", "show"],
        ["lifecycle", "log"],
        ["init", "--chunk-interval", "1d"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_what_needs_chunks_says_so(plain_dsn: str, cli: Cli, words: list[str]) -> None:
    ran = cli(*words, "--dsn", plain_dsn)
    assert ran.status == 1, ran
    assert ran.err == (
        "coldstream: This store is an ordinary table of PostgreSQL, and what is asked for needs "
        "TimescaleDB\n  hint: Move it in place: coldstream upgrade --to timescale.\n"
    )


def test_sql_of_the_owner_says_so_too(plain_dsn: str) -> None:
    with psycopg.connect(plain_dsn, autocommit=True) as connection:
        for call in (
            "CALL message_store.close_ended_chunks()",
            "SELECT * FROM message_store.get_chunks()",
            "SELECT message_store.make_chunk_at(now())",
        ):
            with pytest.raises(psycopg.Error) as raised:
                connection.execute(call)
            assert raised.value.sqlstate == "CS013"
    with coldstream.connect(plain_dsn) as store, pytest.raises(UnsupportedEngine):
        store.lifecycle.get_chunks()


def test_the_engine_of_a_store_is_not_changed_by_an_install(plain_dsn: str, cli: Cli) -> None:
    ran = cli("init", "--engine", "timescale", "--dsn", plain_dsn)
    assert (ran.status, "upgrade --to timescale" in ran.err) == (1, True)
    ran = cli("init", "--engine", "postgres", "--layout", "stream", "--dsn", plain_dsn)
    assert (ran.status, "no chunks" in ran.err) == (2, True)
    # A server without TimescaleDB is no dead end.
    ran = cli("init", "--schema", "other", "--dsn", plain_dsn)
    assert ran.status == 1
    ran = cli("sql", "--engine", "postgres")
    assert "hypertable(" not in ran.out
    assert "CREATE UNIQUE INDEX messages_id" in ran.out
