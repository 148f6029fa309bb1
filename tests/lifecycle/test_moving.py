"""Reads that are under way while chunks leave the database and come back: nothing is missing, twice
or changed, with any filter and from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import pytest
from tests.archive_files import matches
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import Message

Lifecycle = Callable[[coldstream.Store], object]

# Each moves something that reads of the phase before it have begun with.
PHASES: list[Lifecycle] = [
    lambda store: store.lifecycle.compress(START + 3 * WEEK),
    lambda store: store.lifecycle.archive(END) and store.lifecycle.verify(),
    lambda store: store.lifecycle.drop(START + 3 * WEEK),
    lambda store: store.lifecycle.drop(END),
    lambda store: store.lifecycle.rehydrate(START, END, streams=["account-1", "border-*"]),
    lambda store: store.lifecycle.rehydrate(START + WEEK, START + 3 * WEEK),
    lambda store: store.lifecycle.drop(END),
]


@dataclass
class Read:
    name: str
    rest: Iterator[Message]
    found: list[Message]
    expected: list[Message]


def begin(store: Store, opened: coldstream.Store) -> list[Read]:
    """Reads of every kind, at their beginning, in pages of two."""
    truth = store.truth
    reads: list[Read] = []

    def add(name: str, rest: Iterator[Message], expected: list[Message]) -> None:
        assert len(expected) > 1
        reads.append(Read(name, rest, [], expected))

    for name in ("account-1", "order-1", "border-9"):
        stream = sorted((m for m in truth if m.stream_name == name), key=lambda m: m.position)
        for position in (0, 2):
            rest = opened.get_stream_messages(name, position, 2)
            add(f"{name} from {position}", rest, stream[position:])
    middle = truth[len(truth) // 3].global_position
    for position in (1, middle):
        after = [m for m in truth if m.global_position >= position]
        accounts = [m for m in after if m.category == "account"]
        add("all", opened.get_all_messages(position, 2), after)
        add("category", opened.get_category_messages("account", position, 2), accounts)
        add(
            "correlation",
            opened.get_category_messages("account", position, 2, "order"),
            [m for m in accounts if matches(m, correlation="order")],
        )
        member = next(
            n
            for n in range(2)
            if any(
                m.stream_name == "account-1"
                and matches(m, consumer_group_member=n, consumer_group_size=2)
                for m in accounts
            )
        )
        add(
            "consumer group",
            opened.get_category_messages("account", position, 2, None, member, 2),
            [
                m
                for m in accounts
                if matches(m, consumer_group_member=member, consumer_group_size=2)
            ],
        )
    return reads


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_reads_go_on_while_chunks_move(store: Store, taken: int) -> None:
    with store.opened() as opened:
        under_way: list[Read] = []
        for phase in PHASES:
            begun = begin(store, opened)
            # Those that began a phase ago go on for a little, and then everything moves again.
            for read in [*under_way, *begun]:
                read.found.extend(islice(read.rest, taken))
            phase(opened)
            for read in under_way:
                read.found.extend(read.rest)
                assert read.found == read.expected, read.name
            under_way = begun
        for read in under_way:
            read.found.extend(read.rest)
            assert read.found == read.expected, read.name
        last = {name: opened.get_last_stream_message(name) for name in ("account-1", "account-2")}
    for name, message in last.items():
        assert message == max(
            (m for m in store.truth if m.stream_name == name), key=lambda m: m.position
        )
    assert store.states() == ["dropped"] * 6
