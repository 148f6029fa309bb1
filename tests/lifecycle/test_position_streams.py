"""A dry run names the consumers of Message DB's clients that could not be started again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore
from tests.history import START, WEEK

import coldstream
from coldstream import Message
from coldstream.lifecycle import Policy


def message(stream: str, position: int, week: int, data: str = "{}") -> Message:
    time = START + week * WEEK + timedelta(hours=position)
    return Message(uuid4(), stream, "T", position, 0, data, None, time)


@pytest.fixture
def written(quiet_store: InstalledStore, tmp_path: Any) -> coldstream.Store:
    """Four weeks with ten messages each of two categories: global positions 1 to 80."""
    archive = (tmp_path / "archive").as_uri()
    with coldstream.connect(quiet_store.dsn, schema=quiet_store.schema, archive=archive) as store:
        for week in range(4):
            numbers = range(10 * week, 10 * week + 10)
            for name in ("invoice-1", "quiet:command-1"):
                store.import_messages([message(name, n, week) for n in numbers])
        store.import_messages(
            [
                # Its last message leaves, whatever it says.
                message("invoice:position-ends", 0, 1, '{"position": 80}'),
                # It stays, and says what left.
                message("invoice:position-points", 0, 3, '{"position": 25}'),
                # In this category the 20 before the edge end at 40.
                message("quiet:command+position-stays", 0, 3, '{"position": 41}'),
                message("invoice+position-points", 0, 3, '{"position": 5}'),
                message("subscriberPosition-points", 0, 3, '{"position": 7}'),
                message("subscriberPosition-stays", 0, 3, '{"position": 1000}'),
                # Neither is one.
                message("position-1", 0, 0, '{"position": 1}'),
                message("invoice:repositioned-1", 0, 0, '{"position": 1}'),
                # What they say is no position.
                message("invoice:position-text", 0, 3, '"x"'),
                message("invoice:position-null", 0, 3, "null"),
                message("invoice:position-odd", 0, 3, '{"position": "soon"}'),
            ]
        )
    return store


@pytest.fixture
def store(written: coldstream.Store) -> coldstream.Store:
    with written as store:
        store.lifecycle.archive(START + 3 * WEEK)
        store.lifecycle.verify()
    return written


def test_position_streams_that_end_or_point_before_the_edge(store: coldstream.Store) -> None:
    with store:
        first, second = store.lifecycle.drop(START + 2 * WEEK, dry_run=True)
        assert first.position_streams == ("invoice+position-points", "subscriberPosition-points")
        assert second.position_streams == (
            "invoice+position-points",
            "invoice:position-ends",
            "invoice:position-points",
            "subscriberPosition-points",
        )
        assert store.lifecycle.drop(START + 2 * WEEK)[1].position_streams == ()
        # Where the message itself has left, nobody looks for it, and the rest is named as before.
        (third,) = store.lifecycle.drop(START + 3 * WEEK, dry_run=True)
        assert "invoice:position-ends" not in third.position_streams
        assert "invoice:position-points" in third.position_streams
        assert "quiet:command+position-stays" in third.position_streams


def test_a_run_names_them_too(store: coldstream.Store) -> None:
    policy = Policy(archive_after=WEEK, drop_after=WEEK)
    with store:
        steps = store.lifecycle.run(policy, dry_run=True)
    named = {name for step in steps if step.verb == "drop" for name in step.position_streams}
    assert "invoice:position-ends" in named
    assert all(not step.position_streams for step in steps if step.verb != "drop")


def test_a_run_names_those_of_chunks_that_nobody_has_closed(written: coldstream.Store) -> None:
    policy = Policy(archive_after=WEEK, drop_after=WEEK)
    with written as store:
        unclosed = store.lifecycle.run(policy, dry_run=True)
        store.lifecycle.archive(START + 3 * WEEK)
        closed = store.lifecycle.run(policy, dry_run=True)
    named = {
        step.chunk.range_start: step.position_streams for step in unclosed if step.verb == "drop"
    }
    assert any(named.values())
    assert named == {
        step.chunk.range_start: step.position_streams for step in closed if step.verb == "drop"
    }


def test_the_command_names_them(store: coldstream.Store, cli: Cli) -> None:
    place = ["--dsn", store.dsn, "--schema", store.schema]
    until = (START + 2 * WEEK).isoformat()
    shown = cli("drop", "--older-than", until, "--dry-run", *place)
    assert (
        "consumers that could not be started again afterwards: invoice+position-points,"
        " invoice:position-ends, invoice:position-points, subscriberPosition-points\n"
    ) in shown.err
    rows = cli("drop", "--older-than", until, "--dry-run", "--json", *place).json
    assert "invoice:position-ends" in rows[1]["position_streams"]
