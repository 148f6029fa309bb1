"""Where to read from for every message since a time: in every tier, nothing of it comes before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore
from tests.history import END, START, WEEK

import coldstream
from coldstream import Message

HOUR = timedelta(hours=1)
# At borders of chunks, inside them, and before and after all.
TIMES = [
    START - WEEK,
    *(START + n * WEEK for n in range(7)),
    *(START + n * WEEK + 10 * HOUR for n in range(6)),
    *(START + n * WEEK + 7 * HOUR for n in range(6)),
    END - timedelta(microseconds=1),
]
SOURCES = [None, "account", "order", "grün", "account-1", "account-3", "order-1", "border-9"]


def place(source: str | None, message: Message) -> int:
    is_stream = source is not None and "-" in source
    return message.position if is_stream else message.global_position


def of_source(tier: TierStore, source: str | None) -> list[Message]:
    if source is None:
        return tier.truth
    return tier.of(source) if "-" in source else tier.of_category(source)


@pytest.mark.parametrize("source", SOURCES)
def test_no_message_since_the_time_comes_before(tier: TierStore, source: str | None) -> None:
    messages = of_source(tier, source)
    assert messages
    with coldstream.connect(tier.installed.dsn, schema=tier.installed.schema, max_size=1) as store:
        end = store.consumers.position_at(source, None)
        found = [store.consumers.position_at(source, time) for time in TIMES]
    last = max(place(source, m) for m in messages)
    assert end > last
    if source is None:
        # Other tests have written since.
        end = last + 1
    for time, position in zip(TIMES, found, strict=True):
        since = [place(source, m) for m in messages if m.time >= time]
        first = min(since, default=end)
        assert position <= first, time
        if tier.tier in ("unclosed", "hot", "warm", "rehydrated"):
            assert position == first, time
        elif source is None or "-" not in source:
            # Not before the chunk that the time falls into.
            start = START + (time - START) // WEEK * WEEK
            assert position >= min(
                (place(source, m) for m in messages if m.time >= start), default=0
            )
    if tier.tier == "mixed":
        # What is in the database is not given away because something else is in the archive.
        assert found[6] == min(
            (place(source, m) for m in messages if m.time >= TIMES[6]), default=end
        )


def test_a_time_to_come_is_the_end(tier: TierStore) -> None:
    later = datetime(2999, 1, 1, tzinfo=UTC)
    with coldstream.connect(tier.installed.dsn, schema=tier.installed.schema, max_size=1) as store:
        for source in (None, "account", "account-1"):
            ends = {store.consumers.position_at(source, time) for time in (None, later)}
            assert len(ends) == 1


def test_what_is_not_there(store_schema: InstalledStore) -> None:
    with coldstream.connect(store_schema.dsn, max_size=1) as store:
        for source, end in ((None, 1), ("nothing", 1), ("nothing-1", 0)):
            assert store.consumers.position_at(source, START) == end
            assert store.consumers.position_at(source, None) == end


def test_a_stream_whose_times_go_back_is_read_from_its_start(fresh_store: InstalledStore) -> None:
    for position, days in enumerate((3, 1, 2)):
        fresh_store.run(
            "INSERT INTO messages (stream_name, position, type, time) "
            "VALUES ('account-1', %s, 'T', now() - %s * INTERVAL '1 day')",
            [position, 4 - days],
        )
    with coldstream.connect(fresh_store.dsn, schema=fresh_store.schema, max_size=1) as store:
        times = [message.time for message in store.get_stream_messages("account-1")]
        assert any(a > b for a, b in pairwise(times))
        assert store.consumers.position_at("account-1", sorted(times)[1]) == 0


def test_a_time_without_a_zone_is_refused(store_schema: InstalledStore) -> None:
    with (
        coldstream.connect(store_schema.dsn, max_size=1) as store,
        pytest.raises(coldstream.InvalidInput, match="no time zone"),
    ):
        store.consumers.position_at(None, datetime(2026, 1, 1))
