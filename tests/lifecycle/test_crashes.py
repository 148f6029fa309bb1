"""The lifecycle dies before and after every thing it does, and nothing is lost.

proof/crashes.py does the same on demand, at random moments, and stops servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from proof import concurrency as prove_concurrency
from proof.crash_points import Place, storage_requests
from proof.crashes import Lost, Subject, at_random, main
from tests.fix_cluster import require_timescaledb
from tests.fix_store import drop_store

from coldstream.errors import ArchiveError
from coldstream.lifecycle.states import DROPPED


@pytest.fixture
def subject(dsn: str, tmp_path: Path) -> Iterator[Subject]:
    subject = Subject(Place(dsn, "crashes", (tmp_path / "archive").as_uri()))
    subject.add_weeks(2)
    yield subject
    drop_store(dsn, "crashes")


def test_at_every_point(subject: Subject) -> None:
    subject.walk(["compress", "run", "part", "rehydrate", "drop"])
    died = " ".join(subject.deaths)
    # What changes the world is among them: the list is not empty by a mistake in the wrapping.
    for step in (
        *("close_ended_chunks", "compress_range", "begin_export", "put_file", "create"),
        *("record_export", "download", "record_verified", "drop_range", "rows goes"),
        *("begin_rehydrate", "keep_staged", "digest_staged", "finish_rehydrate", "keep_range"),
        "matching_streams",
    ):
        for when in ("before", "after"):
            assert re.search(rf"{when} \w+: {step}\b", died), (when, step)
    assert subject.prove() == 2


def test_what_is_lost_is_noticed(subject: Subject, tmp_path: Path) -> None:
    with subject.opened() as store:
        subject.operation("run").run(store.lifecycle)
        assert {c.state for c in store.lifecycle.get_chunks()[:2]} == {DROPPED}
    subject.check()
    archived = next((tmp_path / "archive").rglob("*.parquet"))
    archived.rename(tmp_path / "away")
    with pytest.raises((Lost, ArchiveError)):
        subject.check()
    (tmp_path / "away").rename(archived)
    subject.check()
    subject.truth.pop()
    with pytest.raises(Lost, match="24 messages are read, not 23"):
        subject.check()


def test_every_request_to_storage_is_a_point() -> None:
    assert {"put_file", "create", "get", "download", "list", "head"} <= set(storage_requests())


@pytest.mark.native
def test_at_random_while_a_writer_writes(subject: Subject, tmp_path: Path) -> None:
    assert at_random(subject, 6, 1, tmp_path) > 0
    assert subject.prove() == subject.weeks


def test_the_server_stops(capsys: pytest.CaptureFixture[str]) -> None:
    require_timescaledb()
    assert main(["--server", "--rounds", "4", "--seed", "2"]) == 0
    assert "lost: 0" in capsys.readouterr().out


@pytest.mark.native
def test_all_at_once(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert prove_concurrency.main(["--dsn", dsn, "--seconds", "4"]) == 0
    assert "none twice" in capsys.readouterr().out
