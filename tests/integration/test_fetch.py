"""store.fetch, by either client: from every tier, with snapshots and a cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.clients import Client, opened
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore
from tests.history import CHUNKS, END, START, STREAMS, WEEK, history, insert, rows_of

import coldstream
from coldstream import (
    Archived,
    ArchiveUnavailable,
    Entity,
    EntityCache,
    ExpectedVersionError,
    InvalidInput,
    Message,
    NotAStream,
    PayloadMismatch,
    Projection,
    Snapshots,
    to_message,
)
from coldstream.entities.snapshots import record
from coldstream.messages.json import encode_json


@dataclass
class Seen:
    """What a stream's messages were, so that one that is missing or doubled shows."""

    positions: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def seen(version: int = 1) -> Projection[Seen]:
    projection = Projection(Seen, version=version)

    @projection.on("Opened", "Changed", "Closed")
    def add(state: Seen, message: Message) -> None:
        state.positions.append(message.position)
        state.ids.append(str(message.id))

    return projection


def expected(messages: list[Message]) -> Entity[Seen]:
    state = Seen([m.position for m in messages], [str(m.id) for m in messages])
    return Entity(messages[0].stream_name, state, messages[-1].position)


class TestTiers:
    """The history of tests/history.py, in each tier."""

    def test_a_stream_of_any_tier(self, tier: TierStore, client: Client) -> None:
        for name in STREAMS:
            if "-" in name and not name.startswith("continued"):
                for batch_size in (1, 4, 1000):
                    found = client.fetch(name, seen(), batch_size=batch_size)
                    assert found == expected(tier.of(name))

    def test_from_a_cached_state(self, tier: TierStore, client: Client) -> None:
        cache, projection = EntityCache(), seen()
        for _ in range(2):
            assert client.fetch("account-1", projection, cache=cache) == expected(
                tier.of("account-1")
            )


@pytest.fixture
def history_store(quiet_store: InstalledStore) -> tuple[InstalledStore, list[Message]]:
    insert(quiet_store, history())
    truth = [m for m in rows_of(quiet_store) if m.stream_name == "account-1"]
    return quiet_store, sorted(truth, key=lambda m: m.position)


@pytest.mark.parametrize("snapshot_at", [0, 9, 23])
def test_a_snapshot_that_ends_in_any_tier(
    history_store: tuple[InstalledStore, list[Message]],
    kind: str,
    tmp_path: Path,
    snapshot_at: int,
) -> None:
    store, truth = history_store
    half = seen()
    data = record(half, half.fold(truth[: snapshot_at + 1]), snapshot_at)
    # In the first week, so that the snapshot itself is archived with the beginning.
    store.run(
        "INSERT INTO messages (global_position, position, time, stream_name, type, data, id) "
        "VALUES (1, 0, %s, 'account:snapshot-1', 'Recorded', %s::jsonb, gen_random_uuid())",
        [START, encode_json(data)],
    )
    archive = tmp_path.as_uri()
    snapshots = Snapshots(every=1000)
    for until in (None, START + 2 * WEEK, END):
        if until is not None:
            archive_and_drop(store, archive, until)
        folded: list[int] = []
        projection = counted(seen(), folded)
        with opened(kind, store.dsn, schema=store.schema) as client:
            found = client.fetch("account-1", projection, snapshots=snapshots)
        assert found == expected(truth)
        # The snapshot was used: nothing before it was folded.
        assert folded == list(range(snapshot_at + 1, len(truth)))


def archive_and_drop(store: InstalledStore, archive: str, until: datetime) -> None:
    with coldstream.connect(store.dsn, schema=store.schema, archive=archive) as opened:
        opened.lifecycle.archive(until)
        opened.lifecycle.verify()
        assert [d.reason for d in opened.lifecycle.drop(until) if d.reason] == []


def counted(projection: Projection[Any], folded: list[int]) -> Projection[Any]:
    """The same projection, which tells what it folds."""
    apply = projection.apply

    def told(state: Any, message: Message) -> Any:
        folded.append(message.position)
        return apply(state, message)

    projection.apply = told  # type: ignore[method-assign]
    return projection


def test_a_beginning_that_cannot_be_read_is_an_error_and_a_snapshot_spares_it(
    history_store: tuple[InstalledStore, list[Message]],
    kind: str,
    tmp_path: Path,
) -> None:
    store, truth = history_store
    archive = tmp_path / "archive"
    archive.mkdir()
    snapshots = Snapshots(every=24)
    with opened(kind, store.dsn, schema=store.schema) as client:
        # Written now, so it stays in the database when the history leaves it.
        assert client.fetch("account-1", seen(), snapshots=snapshots) == expected(truth)
    archive_and_drop(store, archive.as_uri(), END)
    archive.rename(tmp_path / "elsewhere")
    with opened(kind, store.dsn, schema=store.schema) as client:
        with pytest.raises((Archived, ArchiveUnavailable)):
            client.fetch("account-1", seen())
        with pytest.raises((Archived, ArchiveUnavailable)):
            client.fetch("account-1", seen(version=2), snapshots=snapshots)
        assert client.fetch("account-1", seen(), snapshots=snapshots) == expected(truth)
        client.write_message("account-1", "Changed")
        found = client.fetch("account-1", seen(), snapshots=snapshots)
    assert (found.version, found.state.positions) == (24, list(range(25)))


def test_a_snapshot_that_was_dropped_by_force_is_none(
    history_store: tuple[InstalledStore, list[Message]], kind: str
) -> None:
    store, truth = history_store
    folded: list[int] = []
    with opened(kind, store.dsn, schema=store.schema) as client:

        def nowhere(*_: Any, **__: Any) -> None:
            raise Archived("It is nowhere.")

        client.store.get_last_stream_message = nowhere  # type: ignore[method-assign]
        found = client.fetch("account-1", counted(seen(), folded), snapshots=Snapshots(every=9))
    assert found == expected(truth)
    assert folded == list(range(24))


def test_the_history_has_what_these_tests_need(
    history_store: tuple[InstalledStore, list[Message]],
) -> None:
    _, truth = history_store
    assert [m.position for m in truth] == list(range(24))
    assert [(m.time - START) // WEEK for m in truth] == sorted(list(range(CHUNKS)) * 4)


@dataclass
class Deposited:
    amount: Decimal


@dataclass
class Account:
    balance: Decimal = Decimal(0)


def accounts(version: int = 1) -> Projection[Account]:
    projection = Projection(Account, version=version)

    @projection.on(Deposited)
    def deposited(account: Account, event: Deposited) -> None:
        account.balance += event.amount

    return projection


@pytest.fixture
def store_client(store_schema: InstalledStore, open_client: Callable[..., Client]) -> Client:
    return open_client(store_schema)


def deposit(client: Client, count: int, stream_name: str = "account-1") -> None:
    event = Deposited(Decimal("1.10"))
    client.write_messages([to_message(stream_name, event) for _ in range(count)])


def snapshots_of(client: Client, stream_name: str = "account:snapshot-1") -> list[Any]:
    return [
        (m.type, m.data["entityVersion"], m.data["projectionVersion"])
        for m in client.get_stream_messages(stream_name)
    ]


def test_a_stream_without_messages(store_client: Client) -> None:
    cache = EntityCache()
    for _ in range(2):
        found = store_client.fetch("account-9", accounts(), snapshots=Snapshots(1), cache=cache)
        assert found == Entity("account-9", Account(), -1)
    assert len(cache) == 0
    assert snapshots_of(store_client, "account:snapshot-9") == []
    # The version is what the first write expects.
    store_client.write_message("account-9", "Deposited", {"amount": 1}, expected_version=-1)
    assert store_client.fetch("account-9", accounts()) == Entity(
        "account-9", Account(Decimal(1)), 0
    )


def test_messages_without_a_function_count_for_the_version(store_client: Client) -> None:
    store_client.write_message("account-1", "Noted", {"amount": "not a number"})
    assert store_client.fetch("account-1", accounts()) == Entity("account-1", Account(), 0)


def test_a_write_that_was_decided_on_an_old_state_is_refused(store_client: Client) -> None:
    cache = EntityCache()
    projection = accounts()
    deposit(store_client, 1)
    mine = store_client.fetch("account-1", projection, cache=cache)
    deposit(store_client, 1)
    with pytest.raises(ExpectedVersionError):
        store_client.write_message("account-1", "Closed", expected_version=mine.version)
    mine = store_client.fetch("account-1", projection, cache=cache)
    assert mine == Entity("account-1", Account(Decimal("2.20")), 1)
    store_client.write_message("account-1", "Closed", expected_version=mine.version)


@pytest.mark.native
@pytest.mark.parametrize(
    "options", [{}, {"cache": True}, {"snapshots": Snapshots(every=2)}], ids=str
)
@pytest.mark.parametrize("left", [2, 0])
def test_a_write_goes_on_where_the_last_messages_were_deleted(
    store_schema: InstalledStore, store_client: Client, options: dict[str, Any], left: int
) -> None:
    projection = accounts()
    if "cache" in options:
        options = {"cache": EntityCache()}
    deposit(store_client, 3)
    store_schema.run(
        "DELETE FROM messages WHERE stream_name = 'account-1' AND position >= %s", [left]
    )
    for _ in range(2):
        found = store_client.fetch("account-1", projection, **options)
        assert found == Entity("account-1", Account(Decimal("1.10") * left), 2)
    written = store_client.write_message("account-1", "Noted", expected_version=found.version)
    assert written.position == store_client.fetch("account-1", projection, **options).version == 3


def test_snapshots_are_written_every_so_often(store_client: Client) -> None:
    snapshots = Snapshots(every=10)
    wanted = []
    for count, version in ((9, None), (1, 9), (9, None), (30, 48), (0, None)):
        deposit(store_client, count)
        store_client.fetch("account-1", accounts(), snapshots=snapshots)
        wanted += [("Recorded", version, 1)] if version else []
        assert snapshots_of(store_client) == wanted
    store_client.write_message("account-1", "Noted")
    found = store_client.fetch("account-1", accounts(), snapshots=snapshots)
    assert found == Entity("account-1", Account(Decimal("53.90")), 49)


def test_only_what_came_after_a_snapshot_is_read(store_client: Client) -> None:
    deposit(store_client, 20)
    folded: list[int] = []
    projection = counted(accounts(), folded)
    for _ in range(2):
        store_client.fetch("account-1", projection, snapshots=Snapshots(20))
    deposit(store_client, 2)
    found = store_client.fetch("account-1", projection, snapshots=Snapshots(20))
    assert folded == [*range(20), 20, 21]
    assert found == Entity("account-1", Account(Decimal("24.20")), 21)


def test_read_only_snapshots_are_not_written(store_client: Client) -> None:
    deposit(store_client, 5)
    store_client.fetch("account-1", accounts(), snapshots=Snapshots(1, read_only=True))
    assert snapshots_of(store_client) == []


def test_a_changed_projection_folds_anew_and_an_old_one_does_not_cover_it(
    store_client: Client,
) -> None:
    snapshots, cache, old = Snapshots(every=5), EntityCache(), accounts()
    deposit(store_client, 5)
    store_client.fetch("account-1", old, snapshots=snapshots, cache=cache)
    changed = Projection(Account, version=2)
    changed.on(Deposited)(lambda account, event: Account(account.balance - event.amount))
    found = store_client.fetch("account-1", changed, snapshots=snapshots, cache=cache)
    assert found.state == Account(Decimal("-5.50"))
    assert snapshots_of(store_client) == [("Recorded", 4, 1), ("Recorded", 4, 2)]
    deposit(store_client, 5)
    for kept in (cache, None):
        found = store_client.fetch("account-1", old, snapshots=snapshots, cache=kept)
        assert found == Entity("account-1", Account(Decimal("11.00")), 9)
    assert snapshots_of(store_client) == [("Recorded", 4, 1), ("Recorded", 4, 2)]


def test_a_snapshot_of_another_process_is_not_written_again(store_client: Client) -> None:
    snapshots, cache, projection = Snapshots(every=10), EntityCache(), accounts()
    deposit(store_client, 5)
    store_client.fetch("account-1", projection, snapshots=snapshots, cache=cache)
    deposit(store_client, 6)
    store_client.fetch("account-1", accounts(), snapshots=snapshots)
    found = store_client.fetch("account-1", projection, snapshots=snapshots, cache=cache)
    assert found.version == 10
    assert snapshots_of(store_client) == [("Recorded", 10, 1)]


@pytest.mark.parametrize("kept_by", ["cache", "snapshots"])
def test_a_state_that_is_ahead_of_its_stream_is_not_used(
    store_schema: InstalledStore, store_client: Client, kept_by: str
) -> None:
    options: dict[str, Any] = (
        {"cache": EntityCache()} if kept_by == "cache" else {"snapshots": Snapshots(every=3)}
    )
    projection = accounts()
    deposit(store_client, 3)
    assert store_client.fetch("account-1", projection, **options).version == 2
    snapshot = store_client.get_last_stream_message("account:snapshot-1")
    # As after a restored backup: a shorter stream, and a snapshot of the longer one.
    store_client.close()
    store_schema.run("TRUNCATE messages RESTART IDENTITY")
    store_client.open()
    if snapshot:
        store_client.write_message("account:snapshot-1", "Recorded", snapshot.data)
    assert store_client.fetch("account-1", projection, **options) == Entity(
        "account-1", Account(), -1
    )
    deposit(store_client, 1)
    assert store_client.fetch("account-1", projection, **options) == Entity(
        "account-1", Account(Decimal("1.10")), 0
    )


def test_what_is_done_to_a_state_stays_there(store_client: Client) -> None:
    cache, projection = EntityCache(), accounts()
    deposit(store_client, 1)
    for _ in range(3):
        found = store_client.fetch("account-1", projection, cache=cache)
        assert found == Entity("account-1", Account(Decimal("1.10")), 0)
        found.state.balance += 1000


def test_a_fold_that_fails_leaves_the_cache_as_it_was(store_client: Client) -> None:
    cache, projection = EntityCache(), accounts()
    deposit(store_client, 1)
    store_client.fetch("account-1", projection, cache=cache)
    deposit(store_client, 1)
    store_client.write_message("account-1", "Deposited", {"amount": "x"})
    for _ in range(2):
        with pytest.raises(PayloadMismatch, match=r"position 2 of account-1.*\$\.amount"):
            store_client.fetch("account-1", projection, cache=cache)
    assert store_client.fetch("account-2", projection, cache=cache).version == -1


def test_a_cache_keeps_stores_streams_and_projections_apart(
    store_client: Client,
    new_store: Callable[..., InstalledStore],
    open_client: Callable[..., Client],
) -> None:
    cache, first, second = EntityCache(), accounts(), accounts(2)
    deposit(store_client, 1)
    deposit(store_client, 2, "account-2")
    assert store_client.fetch("account-1", first, cache=cache).version == 0
    assert store_client.fetch("account-2", first, cache=cache).version == 1
    assert store_client.fetch("account-1", second, cache=cache).version == 0
    assert len(cache) == 3
    store_client.close()
    other = open_client(new_store())
    assert other.fetch("account-1", first, cache=cache).version == -1
    other.close()


def test_wrong_arguments(store_client: Client) -> None:
    with pytest.raises(NotAStream):
        store_client.fetch("account", accounts())
    for arguments in (
        {"projection": Account},
        {"projection": accounts(), "snapshots": 100},
        {"projection": accounts(), "cache": {}},
        {"projection": accounts(), "batch_size": 0},
    ):
        with pytest.raises(InvalidInput):
            store_client.fetch("account-1", **arguments)


def test_a_state_that_no_snapshot_can_hold(store_client: Client) -> None:
    projection = Projection(lambda: {"count": 0.5})
    deposit(store_client, 1)
    with pytest.raises(InvalidInput, match="cannot be kept in a snapshot"):
        store_client.fetch("account-1", projection, snapshots=Snapshots(1))
    assert store_client.fetch("account-1", projection).version == 0
