"""What operators do, in small; and the harness notices what is lost, twice, or replaced by less."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from proof.model.truth import Fault, Made
from proof.operator import __main__ as command
from proof.operator import sequence, servers, writing
from proof.operator.audit import from_the_archive_alone, look
from proof.operator.history import History
from proof.operator.world import INTERVAL, SCHEMA, World

# The same each time, but for what is killed meanwhile; COLDSTREAM_PROOF_SEED tries others.
SEED = os.environ.get("COLDSTREAM_PROOF_SEED", "operator")
SEQUENCES = 12
STEPS = 10


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[servers.Cluster, Path]]:
    """A cluster of these tests' own, and where it keeps its WAL."""
    try:
        wal = servers.server_folder()
        running = servers.new_cluster(wal)
    except servers.NoServer as error:
        pytest.skip(f"not covered here: {error}")
    yield running, wal
    running.stop()
    shutil.rmtree(wal)


@pytest.fixture
def world(cluster: tuple[servers.Cluster, Path]) -> Iterator[World]:
    """A store with some history, the older half of it in the archive alone."""
    world = World(*cluster, random.Random("damage"))
    for _ in range(6):
        writing.import_messages(world)
    [database] = world.databases
    lifecycle = database.store.lifecycle
    with world.writing_to_the_archive(database):
        lifecycle.archive(world.today)
    lifecycle.verify()
    lifecycle.drop(world.today - 3 * INTERVAL, kept=True)
    world.settle()
    yield world
    world.close()


@pytest.mark.parametrize("number", range(1, SEQUENCES + 1))
def test_a_sequence(cluster: tuple[servers.Cluster, Path], number: int) -> None:
    name = f"{SEED}/{number}"
    print(f"seed {SEED}")
    _, log, problem = sequence.run(*cluster, name, steps=STEPS)
    again = f"python -m proof.operator --only {name} --steps {STEPS}"
    assert problem is None, "\n".join([*log, f"{problem}", again])


def test_what_is_missing_is_noticed(world: World) -> None:
    [database] = world.databases
    look(world, database)
    from_the_archive_alone(world, database)
    made = Made(uuid4(), "quiet-1", "T", 10**6, 10**6, "{}", None, None)
    database.history.acknowledge([made])
    with pytest.raises(Fault, match="no error; missing"):
        look(world, database)


def test_what_nobody_wrote_is_noticed(world: World) -> None:
    [database] = world.databases
    database.store.write_message("quiet-1", "T", {})
    with pytest.raises(Fault, match="not of this history"):
        look(world, database)


def test_an_error_without_a_reason_is_noticed(world: World) -> None:
    [database] = world.databases
    for path in database.bucket.folder.rglob("*.parquet"):
        path.unlink()
    with pytest.raises(Fault, match="Archive"):
        look(world, database)


def test_a_manifest_that_knows_less_is_noticed(world: World) -> None:
    [database] = world.databases
    last = max(database.bucket.folder.rglob("_manifest-000001.json"))
    document = json.loads(last.read_bytes())
    document["files"], document["rows"] = [], 0
    last.with_name("_manifest-000002.json").write_text(json.dumps(document))
    with pytest.raises(Fault, match="knows 0 messages"):
        world.settle()


def test_a_position_twice_is_noticed() -> None:
    history = History()
    history.acknowledge([Made(uuid4(), "a-1", "T", 0, 1, "{}", None, None)])
    with pytest.raises(Fault, match="position 0 of a-1 was given twice"):
        history.acknowledge([Made(uuid4(), "a-1", "T", 0, 2, "{}", None, None)])
    with pytest.raises(Fault, match="global position 1 was given twice"):
        history.copy().acknowledge([Made(uuid4(), "a-1", "T", 1, 1, "{}", None, None)])


def test_another_ones_archive_is_noticed(world: World) -> None:
    [database] = world.databases
    database.is_copy = True
    with (
        pytest.raises(Fault, match="not its own"),
        world.writing_to_the_archive(database),
    ):
        database.store.lifecycle.archive(world.today, again=True)


def test_a_fault_is_reported_with_all_that_came_before(
    cluster: tuple[servers.Cluster, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lose(world: World) -> None:
        database = world.any()
        database.sql(
            f"DELETE FROM {SCHEMA}.messages WHERE global_position IN "
            f"(SELECT global_position FROM {SCHEMA}.messages LIMIT 1)"
        )
        look(world, database)

    monkeypatch.setattr(sequence, "WEIGHTS", {lose: 1})
    monkeypatch.setattr(sequence, "OPTIONAL", ())
    assert command.main(["--seed", "7", "--sequences", "2"]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("seed 7\n")
    assert "7/1: " in printed.out
    assert "import of" in printed.err
    assert "--only 7/1" in printed.err
