"""The model of normal use holds, in small, and it notices what is lost, twice or miscounted."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from proof.model import __main__ as command
from proof.model import sequence
from proof.model.importing import import_messages
from proof.model.moving import check_chunks
from proof.model.reading import check, check_versions, every_read
from proof.model.truth import Fault
from proof.model.world import World


@pytest.fixture
def world(dsn: str) -> Iterator[World]:
    """A hundred messages or so, imported."""
    world = World(dsn, "proof_damage", random.Random("damage"), alone=True)
    for _ in range(8):
        import_messages(world)
    world.sql("CALL {s}.close_ended_chunks()")
    yield world
    world.close()


def look(world: World) -> None:
    check_versions(world.store, world.truth)
    check_chunks(world)
    for read in every_read(world.truth):
        check(world.store, world.truth, read, alone=True)


DAMAGE = {
    "a message is missing": (
        "DELETE FROM {s}.messages WHERE global_position = 3",
        "missing|instead of|has .* messages",
    ),
    "a message nobody wrote": (
        "INSERT INTO {s}.messages (stream_name, position, type) VALUES ('account-1', 999, 'T')",
        "the version of account-1|nobody wrote",
    ),
    "another text": (
        "UPDATE {s}.messages SET data = '{\"n\": 1001}' WHERE global_position = 3",
        "instead of",
    ),
    "a version goes back": (
        "UPDATE {s}.streams SET position = position - 1 WHERE position > 0",
        "the version of",
    ),
    "a wrong count": (
        "UPDATE {s}.chunks SET messages = messages + 1 WHERE messages > 0",
        "messages by the ledger",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_wrong_is_noticed(world: World, damage: str) -> None:
    look(world)
    statement, words = DAMAGE[damage]
    world.sql(statement)
    with pytest.raises(Fault, match=words):
        look(world)


@pytest.mark.native
@pytest.mark.parametrize("others", [[], ["--threads"]], ids=["alone", "with others"])
def test_normal_use(dsn: str, capsys: pytest.CaptureFixture[str], others: list[str]) -> None:
    words = ["--dsn", dsn, "--seconds", "30", "--operations", "150", *others]
    status = command.main(words)
    printed = capsys.readouterr()
    # The seed is another one each time; it is in what is printed.
    assert status == 0, printed.out + printed.err
    assert "no fault" in printed.out


def test_normal_use_on_one_connection(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--dsn", dsn, "--operations", "60", "--only", "one connection"]
    status = command.main(words)
    printed = capsys.readouterr()
    assert status == 0, printed.out + printed.err
    assert "looked at everything" in printed.out


def test_a_fault_is_reported_with_what_came_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], dsn: str
) -> None:
    def lose(world: World) -> None:
        world.sql("DELETE FROM {s}.messages WHERE global_position < 3")

    monkeypatch.setattr(sequence, "_WRITES", [lose])
    assert command.main(["--dsn", dsn, "--seconds", "60", "--seed", "7"]) == 1
    printed = capsys.readouterr()
    assert "seed 7" in printed.out
    assert "FAULT in 7/1" in printed.err
    assert "import " in printed.err
