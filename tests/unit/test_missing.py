"""Positions that are drawn and not visible yet: none is forgotten before its writer has ended."""

from __future__ import annotations

import random

import pytest

from coldstream.consumers.missing import ASKED, FIRST_PAUSE, LONGEST_PAUSE, LOOK, MOST, Missing


def test_what_was_not_seen_is_asked_for_until_it_is() -> None:
    missing = Missing()
    missing.looked(0.0, 10, 14, [], [11, 13])
    assert missing
    assert missing.due(0.0) == []
    assert missing.due(FIRST_PAUSE) == [12, 14]
    missing.looked(FIRST_PAUSE, 14, 14, [12, 14], [14])
    assert missing.due(10.0) == [12]
    missing.looked(10.0, 14, 14, [12], [12])
    assert not missing


def test_the_pauses_grow_to_a_limit() -> None:
    missing = Missing()
    missing.looked(0.0, 0, 1, [], [])
    now, pauses = 0.0, []
    for _ in range(12):
        pause = next(p for p in [n / 1000 for n in range(1, 1000)] if missing.due(now + p))
        now += pause
        pauses.append(pause)
        missing.looked(now, 1, 1, [1], [])
    assert pauses == sorted(pauses)
    assert pauses[-1] <= LONGEST_PAUSE + 0.001


def test_it_is_forgotten_when_those_that_were_at_work_have_ended() -> None:
    missing = Missing()
    missing.looked(0.0, 0, 2, [], [2])
    assert not missing.wants_writers(0.0)
    assert missing.wants_writers(1.0)
    assert missing.writers is None
    assert not missing.at_work(1.0, ["3/1", "3/2"])
    # Another is missed meanwhile: whoever draws it need not be among them.
    missing.looked(1.1, 2, 3, [], [])
    assert missing.writers == ["3/1", "3/2"]
    assert not missing.at_work(2.0, ["3/2"])
    assert missing.at_work(3.0, [])
    assert missing.rest() == [1]
    assert not missing.ended()
    assert missing.writers is None
    assert missing.due(9.0) == [3]
    assert missing.at_work(4.0, [])
    assert not missing.ended()
    assert not missing


@pytest.mark.parametrize(("after", "last"), [(0, LOOK + 1), (0, MOST + 1)])
def test_more_than_is_remembered_is_known_to_be(after: int, last: int) -> None:
    missing = Missing()
    missing.looked(0.0, after, last, [], [])
    assert not missing.is_known
    assert len(missing.due(9.0)) <= ASKED
    assert not missing.at_work(1.0, ["3/1"])
    assert not missing.is_known
    assert missing.at_work(2.0, [])
    assert missing.ended()
    assert missing.is_known
    assert not missing


def test_what_is_too_much_while_others_are_waited_for_waits_for_its_own() -> None:
    missing = Missing()
    missing.looked(0.0, 0, 1, [], [])
    assert not missing.at_work(1.0, ["3/1"])
    missing.looked(1.1, 1, 2 + LOOK, [], [])
    assert missing.at_work(2.0, [])
    assert not missing.ended()
    assert not missing.is_known
    assert missing.at_work(3.0, [])
    assert missing.ended()
    assert missing.is_known


def test_nothing_missing_waits_as_long_as_it_may() -> None:
    missing = Missing()
    missing.looked(0.0, 0, 3, [], [1, 2, 3])
    assert missing.pause(0.0, 0.2) == 0.2
    missing.looked(0.0, 3, 4, [], [])
    assert missing.pause(0.0, 0.2) == FIRST_PAUSE


@pytest.mark.parametrize("seed", range(20))
def test_every_message_is_told_of_before_its_writer_is_forgotten(seed: int) -> None:
    """Writers at random against a model of the watcher: what becomes visible is found."""
    choose = random.Random(seed)
    missing, told, visible = Missing(), set[int](), set[int]()
    open_writers: dict[str, list[int]] = {}
    drawn = last = 0
    for step in range(400):
        now = step * 0.01
        if choose.random() < 0.5:
            positions = list(range(drawn + 1, drawn + 1 + choose.randint(1, 3)))
            drawn = positions[-1]
            open_writers[f"3/{step}"] = positions
        if open_writers and choose.random() < 0.5:
            positions = open_writers.pop(choose.choice(list(open_writers)))
            if choose.random() < 0.7:
                visible.update(positions)
        asked = missing.due(now)
        seen = {p for p in visible if last < p <= drawn or p in asked}
        told |= seen
        missing.looked(now, last, drawn, asked, seen)
        last = drawn
        if missing.wants_writers(now):
            before = missing.writers
            at_work = [w for w in open_writers if before is None or w in before]
            if missing.at_work(now, at_work):
                rest = missing.rest()
                told |= visible & set(rest)
                missing.looked(now, last, last, rest, visible & set(rest))
                assert not missing.ended()
    assert visible - told <= set(missing.due(1e9)) | set(missing.rest())
    for number in range(200):
        now = 100.0 + number
        asked = missing.due(now)
        told |= visible & set(asked)
        missing.looked(now, last, last, asked, visible & set(asked))
    assert visible <= told
