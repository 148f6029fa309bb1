"""Importing is what plain INSERTs are: the same heads, the same ledger, the same refusals."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.clients import Client, opened
from tests.fix_store import InstalledStore
from tests.history import END, START, WEEK, history, insert, move, rows_of, without_jobs

import coldstream
from coldstream import ColdstreamError, DuplicateMessageId, InvalidInput, LateMessage, Message

ROUNDS = 15
NewStore = Callable[[], InstalledStore]


def messages(rows: Sequence[tuple[Any, ...]]) -> list[Message]:
    """As they are read: global position, position, time, stream name, type, data, metadata, id."""
    return [Message(i, n, y, p, g, d, m, t) for g, p, t, n, y, d, m, i in rows]


def state(store: InstalledStore) -> dict[str, list[tuple[object, ...]]]:
    """All that must be equal, but the global positions themselves."""
    return {
        "messages": store.run(
            "SELECT stream_name, position, time, type, data::text, metadata::text, id, "
            "stream_category, position_bucket = global_position >> 14 FROM messages "
            "ORDER BY global_position"
        ),
        "streams": store.run(
            "SELECT stream_name, position, first_time, time, time_ordered FROM streams ORDER BY 1"
        ),
        "chunks": store.run(
            "SELECT range_start, range_end, state, messages, streams, first_time, last_time "
            "FROM chunks ORDER BY range_start"
        ),
        "categories": store.run(
            "SELECT range_start, category, messages FROM chunk_categories ORDER BY 1, 2"
        ),
        "marks": store.run(
            "SELECT stream_key, position, range_start FROM stream_marks ORDER BY 1, 2, 3"
        ),
        "ids": store.run(
            "SELECT r.id, m.stream_name FROM recent_ids AS r JOIN messages AS m "
            "ON m.id = r.id AND m.global_position = r.global_position ORDER BY 1"
        ),
    }


def imported(store: InstalledStore, found: list[Message], batch_size: int = 1000) -> int:
    with coldstream.connect(store.dsn, schema=store.schema) as opened:
        return opened.import_messages(found, batch_size)


@pytest.fixture
def two_stores(new_store: NewStore) -> tuple[InstalledStore, InstalledStore]:
    return without_jobs(new_store()), without_jobs(new_store())


def test_a_history(two_stores: tuple[InstalledStore, InstalledStore], kind: str) -> None:
    plain, store = two_stores
    rows = history()
    insert(plain, rows)
    with opened(kind, store.dsn, schema=store.schema) as client:
        assert client.import_messages(messages(rows), 17) == len(rows)
    given = [m.global_position for m in rows_of(store)]
    assert given == sorted(set(given))
    # The history's own global positions run against time, and the importer gives new ones.
    by_id = {row[-1]: number for number, row in enumerate(rows)}
    assert [by_id[m.id] for m in rows_of(store)] == list(range(len(rows)))
    kept = {m.id: replace(m, global_position=0) for m in rows_of(plain)}
    assert {m.id: replace(m, global_position=0) for m in rows_of(store)} == kept
    assert state(store)["streams"] == state(plain)["streams"]


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_imported_is_as_inserted(
    two_stores: tuple[InstalledStore, InstalledStore], seed: int
) -> None:
    """Late, repeated and disordered messages, into chunks that close in between."""
    chance = random.Random(seed)
    positions: dict[str, int] = {}
    refused = 0
    for number in range(ROUNDS):
        rows = [one(chance, positions, number / ROUNDS) for _ in range(chance.choice([1, 2, 5]))]
        outcomes = [refusal(insert_plainly, store, rows) for store in two_stores[:1]]
        outcomes += [refusal(import_rows, store, rows) for store in two_stores[1:]]
        assert outcomes[0] == outcomes[1]
        refused += outcomes[0] is not None
        if chance.random() < 0.2:
            for each in two_stores:
                each.run("CALL close_ended_chunks()")
    plain, store = map(state, two_stores)
    assert store == plain
    assert 0 < refused < ROUNDS
    assert {ordered for *_, ordered in store["streams"]} == {True, False}


def one(chance: random.Random, positions: dict[str, int], progress: float) -> Message:
    name = f"{chance.choice('ab')}-{chance.randint(1, 4)}"
    position = positions.get(name, -1) + 1
    time = START + 4 * WEEK * progress + timedelta(seconds=chance.randint(0, 60))
    if chance.random() < 0.06:
        position = max(0, position - chance.randint(1, 3))
    if chance.random() < 0.06:
        time -= chance.random() * WEEK
    if chance.random() < 0.1:
        position += 2
    positions[name] = max(positions.get(name, -1), position)
    id = UUID(int=chance.randint(1, 2000))
    return Message(id, name, "T", position, 0, '{"a": 1.10}', None, time)


def insert_plainly(store: InstalledStore, rows: list[Message]) -> None:
    with store.connect() as connection, connection.transaction():
        for m in rows:
            connection.execute(
                "INSERT INTO messages (position, time, stream_name, type, data, id) "
                "VALUES (%s, %s, %s, %s, %s::jsonb, %s)",
                [m.position, m.time, m.stream_name, m.type, m.data_text, m.id],
            )


def import_rows(store: InstalledStore, rows: list[Message]) -> None:
    imported(store, rows)


def refusal(call: Callable[..., None], store: InstalledStore, rows: list[Message]) -> str | None:
    try:
        call(store, rows)
    except psycopg.errors.UniqueViolation:
        return "taken"
    except ColdstreamError as error:
        return (
            "taken" if isinstance(error.__cause__, psycopg.errors.UniqueViolation) else repr(error)
        )
    return None


NOW = datetime(2025, 3, 1, tzinfo=UTC)


def message(position: int, stream_name: str = "account-1", **changes: object) -> Message:
    id = UUID(int=1000 + position)
    return replace(Message(id, stream_name, "T", position, 0, None, None, NOW), **changes)  # type: ignore


@pytest.fixture
def client(fresh_store: InstalledStore, kind: str) -> Iterator[Client]:
    with opened(kind, fresh_store.dsn, schema=fresh_store.schema) as client:
        yield client


def test_times_and_positions_to_the_last_digit(client: Client) -> None:
    found = [
        message(0, time=datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)),
        message(7, time=datetime(2000, 1, 1, 0, 0, 0, 1, timezone(timedelta(hours=5, minutes=30)))),
        message(2**62 + 1, time=datetime(2023, 4, 5, 6, 7, 8, 123457, UTC)),
    ]
    client.import_messages(found)
    given = [(m.position, m.time) for m in client.get_stream_messages("account-1")]
    assert given == [(m.position, m.time) for m in found]


def test_what_is_refused(client: Client) -> None:
    client.import_messages([message(0), message(1)])
    for wrong, error in (
        ([message(2), message(3, id=UUID(int=1000))], DuplicateMessageId),
        ([message(2), message(1, id=UUID(int=5))], ColdstreamError),
        ([message(2), message(2, id=UUID(int=5))], ColdstreamError),
        ([message(2), message(3, time=NOW.replace(tzinfo=None))], InvalidInput),
        ([message(2), message(3, stream_name="a\0")], InvalidInput),
    ):
        with pytest.raises(error):
            client.import_messages(wrong)
        assert client.stream_version("account-1") == 1
    assert client.import_messages([]) == 0
    assert client.write_message("account-1", "T", expected_version=1).position == 2


def test_a_range_that_left_the_database(new_store: NewStore, tmp_path: object) -> None:
    store = without_jobs(new_store())
    insert(store, history())
    move(store, f"file://{tmp_path}", "archived")
    with pytest.raises(LateMessage):
        imported(store, [message(100, "order-9", time=START + WEEK)])
    # Its positions are gone with it, and are not given again.
    with pytest.raises(ColdstreamError, match="has a message at this position"):
        imported(store, [message(0, "account-1", time=END + WEEK)])
    assert imported(store, [message(100, "account-1", time=END + WEEK)]) == 1
    assert store.run("SELECT stream_version('account-1')") == [(100,)]


def test_the_application_s_role_may_not(fresh_store: InstalledStore) -> None:
    with fresh_store.connect() as connection:
        connection.execute(f"SET ROLE {fresh_store.role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT import_messages('{}', '{}', '{}', '{}', '{}', '{}', '{}')")


def test_global_positions_are_kept(client: Client) -> None:
    old = [
        replace(message(n, f"kept-{n}"), global_position=p) for n, p in enumerate((4, 8, 900_000))
    ]
    client.import_messages(old[:2], global_positions="keep")
    # Broken off, and run again as a whole.
    client.import_messages(old, global_positions="keep")
    found = list(client.get_category_messages("kept"))
    assert [m.global_position for m in found] == [4, 8, 900_000]
    assert client.write_message("kept-9", "T", {}).global_position == 900_001
    for wrong in ([900_001], [7], [900_003, 900_002], [900_002, 900_002]):
        rows = [
            replace(message(50 + n, f"wrong-{n}"), global_position=p) for n, p in enumerate(wrong)
        ]
        with pytest.raises(InvalidInput, match="beyond the last one, 90000"):
            client.import_messages(rows, global_positions="keep")


def test_an_import_that_was_broken_off_is_run_again(client: Client) -> None:
    rows = [message(n, id=UUID(int=5000 + n)) for n in range(5)]
    client.import_messages(rows[:2])
    client.import_messages(rows, batch_size=2)
    found = [
        (m.position, m.global_position) for m in client.get_stream_messages(rows[0].stream_name)
    ]
    assert [position for position, _ in found] == [0, 1, 2, 3, 4]
    assert len({global_position for _, global_position in found}) == 5
    other = replace(rows[3], id=UUID(int=9999))
    with pytest.raises(ColdstreamError, match="has a message at this position"):
        client.import_messages([other])


@pytest.mark.native
def test_an_import_does_not_grow_the_heads(quiet_store: InstalledStore) -> None:
    """One version of a head a transaction, whatever number of its messages come: the next ones
    use its place again, also where no VACUUM comes by."""
    quiet_store.run("ALTER TABLE streams SET (autovacuum_enabled = off)")
    size = "SELECT pg_relation_size('streams')"

    def bring(first: int, last: int) -> int:
        many = [
            Message(UUID(int=(n << 64) + p), f"many-{n}", "T", p, 0, "{}", None, START)
            for p in range(first, last)
            for n in range(100)
        ]
        assert imported(quiet_store, many, 500) == len(many)
        [(bytes_,)] = quiet_store.run(size)
        return int(bytes_)

    grown = bring(0, 40)
    assert bring(40, 160) <= 2 * grown


def test_a_kept_import_that_was_rolled_back_is_made_again(fresh_store: InstalledStore) -> None:
    found = sorted(messages(history()), key=lambda each: each.global_position)
    half = len(found) // 2
    drawn = "SELECT last_value, is_called FROM messages_global_position_seq"
    with coldstream.connect(fresh_store.dsn, schema=fresh_store.schema, max_size=1) as store:
        store.import_messages(found[:half], global_positions="keep")
        before = store_run(store, drawn)
        # The last one is refused, so that the whole batch is.
        wrong = replace(found[-1], id=found[0].id)
        with pytest.raises(DuplicateMessageId):
            store.import_messages([*found[half:-1], wrong], 10_000, global_positions="keep")
        assert store_run(store, drawn) == before
        store.import_messages(found, global_positions="keep")
        last = found[-1].global_position
        assert store_run(store, drawn) == [(last, True)]
        assert store.write_message("other-1", "T").global_position == last + 1


@pytest.mark.native  # so many ids take the embedded server half a minute
def test_the_ids_of_an_imported_history_leave_no_large_table(fresh_store: InstalledStore) -> None:
    fresh_store.run("SELECT setval('messages_global_position_seq', 300000)")
    with coldstream.connect(fresh_store.dsn, schema=fresh_store.schema, max_size=1) as store:
        written = coldstream.NewMessage("account-1", "T")
        store.write_messages([written])
        # As an import leaves them, once the chunks of its time are compressed.
        fill = (
            "INSERT INTO recent_ids SELECT n, gen_random_uuid() FROM generate_series(1, 200000) n"
        )
        store_run(store, fill)
        store_run(store, "SELECT prune_recent_ids()")
        assert store_run(store, "SELECT count(*) FROM recent_ids") == [(1,)]
        [(size,)] = store_run(store, "SELECT pg_total_relation_size('recent_ids')")
        assert size < 100_000
        with pytest.raises(DuplicateMessageId):
            store.write_messages([written])


def store_run(store: coldstream.Store, statement: str) -> list[tuple[Any, ...]]:
    with store.connection() as connection, connection.transaction():
        connection.execute(f"SET LOCAL search_path TO {store.schema}".encode())
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_a_table_of_the_sessions_own_is_let_be(
    two_stores: tuple[InstalledStore, InstalledStore],
) -> None:
    store, _ = two_stores
    with psycopg.connect(store.dsn) as connection:
        connection.execute("CREATE TEMPORARY TABLE incoming (a integer)")
        connection.execute("INSERT INTO incoming VALUES (1)")
        connection.execute(
            f"SELECT {store.schema}.import_messages(ARRAY[0::bigint], ARRAY[now()], "
            "ARRAY['account-1'::varchar], ARRAY['T'::varchar], ARRAY[NULL::jsonb], "
            "ARRAY[NULL::jsonb], ARRAY[gen_random_uuid()])".encode()
        )
        assert connection.execute("SELECT a FROM incoming").fetchall() == [(1,)]
