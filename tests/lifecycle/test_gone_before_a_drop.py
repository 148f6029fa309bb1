"""What was verified may have left the archive since: it is not dropped then."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from tests.fix_cli import Cli
from tests.history import END
from tests.lifecycle.conftest import Store

from coldstream import ArchiveCorrupt, ArchiveUnavailable
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.lifecycle import Policy


def _files(store: Store, suffix: str) -> list[Path]:
    return sorted(store.folder.rglob(f"*{suffix}"))


@pytest.fixture(params=["file", "manifest", "shorter"])
def damaged(store: Store, request: pytest.FixtureRequest) -> Store:
    """Verified, and then the first chunk's file or manifest is gone, or shorter."""
    with store.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
    if request.param == "manifest":
        _files(store, ".json")[0].unlink()
    elif request.param == "file":
        _files(store, ".parquet")[0].unlink()
    else:
        path = _files(store, ".parquet")[0]
        path.write_bytes(path.read_bytes()[:-1])
    return store


@pytest.mark.native
@pytest.mark.parametrize("verb", ["drop", "run"])
def test_that_chunk_stays_and_the_others_go(damaged: Store, verb: str) -> None:
    day = timedelta(days=1)
    with damaged.opened() as opened:
        if verb == "drop":
            with pytest.raises(ArchiveCorrupt):
                opened.lifecycle.drop(END)
        else:
            steps = opened.lifecycle.run(Policy(day, day, day))
            failed = [step for step in steps if step.outcome == "failed"]
            assert [(step.verb, type(step.problem)) for step in failed] == [
                ("drop", ArchiveCorrupt)
            ]
        states = damaged.states()
        assert sorted(set(states)) == ["dropped", "verified"]
        assert states.count("verified") == 1
        # Nothing is lost: what stays is archived again, and goes.
        opened.lifecycle.archive(END, again=True)
        opened.lifecycle.verify()
        opened.lifecycle.drop(END)
        assert set(damaged.states()) == {"dropped"}
        assert len(list(opened.get_all_messages())) == len(damaged.truth)


def test_a_dry_run_and_the_command_say_so(damaged: Store, cli: Cli) -> None:
    words = ["--older-than", END.isoformat(), "--dsn", damaged.installed.dsn]
    words += ["--schema", damaged.installed.schema, "--archive", damaged.archive]
    dry = cli("drop", *words, "--dry-run", "--json")
    assert dry.status == 1
    stays = [each["stays"] for each in json.loads(dry.out) if each["stays"]]
    assert stays == ["not in the archive as it was verified"]
    # A dry run of all verbs, too.
    with damaged.opened() as opened:
        day = timedelta(days=1)
        steps = opened.lifecycle.run(Policy(None, day, day), dry_run=True)
    outcomes = [(step.verb, step.outcome, type(step.problem)) for step in steps]
    assert outcomes.count(("drop", "failed", ArchiveCorrupt)) == 1
    assert outcomes.count(("drop", "due", type(None))) == len(outcomes) - 1 > 0
    # How to have it again: the file from the rows, or its manifest from the file.
    assert "coldstream archive --again" in dry.err or "coldstream archive repair" in dry.err
    done = cli("drop", *words, "--yes")
    assert done.status == 1
    assert damaged.states().count("verified") == 1


def test_an_archive_that_cannot_be_asked_keeps_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(self: ArchiveLocation, key: str) -> NoReturn:
        raise ArchiveUnavailable("no route to the host")

    with store.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        monkeypatch.setattr(ArchiveLocation, "head", refuses)
        with pytest.raises(ArchiveUnavailable):
            opened.lifecycle.drop(END, dry_run=True)
        with pytest.raises(ArchiveUnavailable):
            opened.lifecycle.drop(END)
        steps = opened.lifecycle.run(Policy(None, *[timedelta(days=1)] * 2), dry_run=True)
        assert {(step.verb, type(step.problem)) for step in steps} == {("drop", ArchiveUnavailable)}
    assert "dropped" not in store.states()


def test_a_verification_of_nothing_asks_whether_the_archive_is_there(
    store: Store, cli: Cli
) -> None:
    with store.opened() as opened:
        assert opened.lifecycle.verify() == []
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
        assert opened.lifecycle.verify() == []
    store.folder.rename(store.folder.with_name("elsewhere"))
    with store.opened() as opened, pytest.raises(ArchiveUnavailable):
        opened.lifecycle.verify()
    words = ["--dsn", store.installed.dsn, "--schema", store.installed.schema]
    done = cli("verify", *words)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("coldstream: ")
