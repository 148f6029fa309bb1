"""What SQL refuses of a consumer, and a group that gets another size."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import psycopg
import pytest
from tests.consuming import Consuming, Seen, consuming
from tests.fix_store import InstalledStore

from coldstream import ConsumerError, InvalidInput


@pytest.fixture
def store(store_schema: InstalledStore) -> InstalledStore:
    for table in ("consumer_owners", "consumers", "consumer_failures"):
        store_schema.run(f"DELETE FROM {table}")
    return store_schema


@pytest.fixture
def using(store: InstalledStore, kind: str) -> Iterator[Consuming]:
    with consuming(kind, store.dsn, schema=store.schema) as using:
        yield using


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("join_consumer('', 'a')", "needs a name"),
        ("join_consumer(NULL, 'a')", "needs a name"),
        ("join_consumer('c', NULL)", "needs a name"),
        ("join_consumer(repeat('x', 2601), 'a')", "2600 bytes"),
        ("join_consumer('c', repeat('x', 2601))", "2600 bytes"),
        ("join_consumer('c', 'a', 200000)", "1 to 1024 members, not 200000"),
        ("join_consumer('c', 'a', 0)", "1 to 1024 members"),
        ("join_consumer('c', 'a', NULL)", "1 to 1024 members"),
        ("join_consumer('c', 'a-1', 2)", "can be divided"),
        ("join_consumer('c', '', 2)", "can be divided"),
        ("renew_consumer_leases('known', 'me', '-5 s')", "longer than nothing"),
        ("renew_consumer_leases('known', 'me', '0')", "longer than nothing"),
        ("renew_consumer_leases('known', 'me', NULL)", "longer than nothing"),
        ("renew_consumer_leases('known', 'me', '1000 years')", "not longer than a day"),
        ("renew_consumer_leases('known', '', '5 s')", "owner of a lease"),
        ("renew_consumer_leases('known', repeat('x', 2601), '5 s')", "owner of a lease"),
        ("resize_consumer('known', 1025)", "1 to 1024 members"),
        ("resize_consumer('unknown', 2)", "No consumer of this name"),
    ],
)
def test_what_is_refused(store: InstalledStore, call: str, error: str) -> None:
    store.run("SELECT join_consumer('known', 'account', 2)")
    with pytest.raises(psycopg.Error, match=error) as caught:
        store.run(f"SELECT {call}")
    assert caught.value.sqlstate == "CS010"
    assert caught.value.diag.message_hint
    assert store.run("SELECT count(*), count(owner) FROM consumers") == [(2, 0)]


def test_a_group_that_has_caught_up_is_resized(using: Consuming) -> None:
    names = [f"account-{n}" for n in range(20)]
    for name in names:
        using.call("write_message", name, "Opened", {})
    first = Seen()
    assert using.run(using.consumer("account", "g", handlers=first, group_size=3)) == 20
    with pytest.raises(ConsumerError, match="divided among 3 members, not 5") as caught:
        using.run(using.consumer("account", "g", handlers=first, group_size=5))
    assert "coldstream consumers resize" in (caught.value.hint or "")
    assert using.consumers("resize", "g", 5) == first.positions[-1] + 1
    for name in names:
        using.call("write_message", name, "Changed", {})
    second = Seen()
    assert using.run(using.consumer("account", "g", handlers=second, group_size=5)) == 20
    assert len(set(second.positions)) == 20
    assert using.query("SELECT count(*) FROM message_store.consumers") == [(5,)]
    with pytest.raises(InvalidInput, match="1 to 1024"):
        using.consumers("resize", "g", 5000)


def test_a_group_that_has_not_caught_up_or_runs_is_not(using: Consuming) -> None:
    for n in range(4):
        using.call("write_message", f"account-{n}", "Opened", {})
    using.query("SELECT message_store.join_consumer('g', 'account', 2)")
    using.query("UPDATE message_store.consumers SET position = 3, token = 7 WHERE member = 1")
    with pytest.raises(ConsumerError, match="at positions 0 to 3"):
        using.consumers("resize", "g", 4)
    using.query("SELECT * FROM message_store.renew_consumer_leases('g', 'me', '1 minute')")
    with pytest.raises(ConsumerError, match="is running"):
        using.consumers("resize", "g", 4)
    using.query("SELECT message_store.leave_consumer('g', 'me')")
    [(position,)] = using.query("SELECT message_store.resize_consumer('g', 4, may_repeat => true)")
    assert position == 0
    rows = using.query(
        "SELECT member, size, position, token > 7 FROM message_store.consumers ORDER BY 1"
    )
    assert rows == [(member, 4, 0, True) for member in range(4)]


def test_a_stream_without_an_id_is_nobodys(
    using: Consuming, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("account", "account-1", "account", "account-2"):
        using.call("write_message", name, "Opened", {})
    seen = Seen()
    with caplog.at_level(logging.WARNING, "coldstream.consumers"):
        assert using.run(using.consumer("account", "g", handlers=seen, group_size=2)) == 2
    assert "the 2 messages of the stream account, which has no id, fall to no member" in caplog.text
    lags = [member.lag_messages for member in using.consumers("get_consumers")]
    assert lags == [2, 0]
    assert using.consumers("get_consumers")[0].lag_seconds > 0
    # Without a group they are handled like any other.
    assert using.run(using.consumer("account", "one", handlers=Seen())) == 4


@pytest.mark.parametrize("name", ["a\0b", "\udcff", "x" * 3000, 7])
def test_a_name_that_no_consumer_can_have(using: Consuming, name: str) -> None:
    calls: list[tuple[object, ...]] = [
        ("reset", name, 0),
        ("pause", name),
        ("resume", name),
        ("delete", name),
        ("resize", name, 2),
        ("get_failures", name),
        ("position_at", name, None),
    ]
    for call in calls:
        with pytest.raises(InvalidInput):
            using.consumers(*call)  # type: ignore[arg-type]
