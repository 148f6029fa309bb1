"""JSON is text::jsonb::text to the byte: whatever it is, whichever way it was written, wherever it
is, and whoever reads it."""

from __future__ import annotations

import csv
import os
import random
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pyarrow.parquet as pq
import pytest
from tests.clients import CLIENTS, opened
from tests.fix_store import InstalledStore
from tests.history import START, without_jobs
from tests.json_texts import json_texts

import coldstream
from coldstream import JsonText, Message, NewMessage
from coldstream.migrations import Settings

Key = tuple[str, int]  # stream name, position
Texts = tuple[str | None, str | None]  # data, metadata

# A write has the time at which it is made, and only what has ended can be compressed.
CHUNK = timedelta(seconds=5)
DOORS = ["client", "batch", "import", "function", "insert text", "insert jsonb", "update"]
STREAMS = 5  # a door's
NAMES = [f"json-{door}+{number}" for door in DOORS for number in range(STREAMS)]

INSERT = """
INSERT INTO messages (stream_name, position, type, data, metadata, time)
SELECT u.name, u.position, 'T', u.data::{type}, u.metadata::{type}, %s
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[])
  AS u (name, position, data, metadata)
"""
UPDATE = """
UPDATE messages AS m SET data = u.data::json, metadata = u.metadata::json
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[]) AS u (name, position, data, metadata)
WHERE m.stream_name = u.name AND m.position = u.position
"""
IN_SQL = {
    "the table": "SELECT stream_name, position, data::text, metadata::text FROM messages",
    "a category": (
        "SELECT stream_name, position, data, metadata FROM get_category_messages('json', 1, -1)"
    ),
    "everything": (
        "SELECT stream_name, position, data, metadata FROM get_all_messages(1, 1000000)"
    ),
    "streams": (
        "SELECT m.stream_name, m.position, m.data, m.metadata FROM unnest(%(names)s::text[]) AS n,"
        " get_stream_messages(n, 0, -1) AS m"
    ),
}


def keys(door: str, count: int) -> list[Key]:
    return [(f"json-{door}+{number % STREAMS}", number // STREAMS) for number in range(count)]


def as_json(text: str | None) -> JsonText | None:
    return None if text is None else JsonText(text)


def write(store: InstalledStore, given: list[Texts]) -> None:
    """Every text through every door."""

    def columns(door: str) -> list[list[Any]]:
        rows = [(*key, *texts) for key, texts in zip(keys(door, len(given)), given, strict=True)]
        return [list(column) for column in zip(*rows, strict=True)]

    def new(door: str) -> list[NewMessage]:
        return [
            NewMessage(name, "T", as_json(data), as_json(metadata))
            for name, _, data, metadata in zip(*columns(door), strict=True)
        ]

    with opened("sync", store.dsn, schema=store.schema) as client:
        for each in new("client"):
            client.write_message(each.stream_name, each.type, each.data, each.metadata)
        client.import_messages(
            Message(uuid4(), name, "T", position, 0, data, metadata, START)
            for name, position, data, metadata in zip(*columns("import"), strict=True)
        )
    with opened("async", store.dsn, schema=store.schema) as client:
        client.write_messages(new("batch"))
    with store.connect() as connection:
        for name, _, data, metadata in zip(*columns("function"), strict=True):
            connection.execute(
                "SELECT write_message(gen_random_uuid()::varchar, %s, 'T', %s, %s)",
                [name, data, metadata],
            )
    store.run(INSERT.format(type="json"), [START, *columns("insert text")])
    store.run(INSERT.format(type="jsonb"), [START, *columns("insert jsonb")])
    name, position, data, metadata = columns("update")
    others = [data[1:] + data[:1], metadata[1:] + metadata[:1]]
    store.run(INSERT.format(type="json"), [START, name, position, *others])
    store.run(UPDATE, [name, position, data, metadata])


def in_database(store: InstalledStore) -> dict[str, Iterable[tuple[Any, ...]]]:
    return {name: store.run(statement, {"names": NAMES}) for name, statement in IN_SQL.items()}


def by_clients(store: InstalledStore) -> dict[str, Iterable[tuple[Any, ...]]]:
    found: dict[str, Iterable[tuple[Any, ...]]] = {}
    for kind in CLIENTS:
        with opened(kind, store.dsn, schema=store.schema) as client:
            read = {
                "everything": client.get_all_messages(),
                "a category": client.get_category_messages("json"),
                "streams": [m for name in NAMES for m in client.get_stream_messages(name)],
            }
        for name, messages in read.items():
            found[f"{name} ({kind})"] = [
                (m.stream_name, m.position, m.data_text, m.metadata_text) for m in messages
            ]
    return found


def exported(folder: Path, limit: int) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for path in folder.rglob("*.parquet"):
        table = pq.read_table(path, columns=["stream_name", "position", "data", "metadata"])
        rows += [tuple(row.values()) for row in table.to_pylist()]
    before = csv.field_size_limit(limit)
    for path in folder.rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            # No JSON text is empty: an empty field is NULL.
            rows += [
                (r["stream_name"], int(r["position"]), r["data"] or None, r["metadata"] or None)
                for r in csv.DictReader(file)
            ]
    csv.field_size_limit(before)
    return rows


EQUAL = ['{"amount": 1.1}', '{"amount": 1.10}', '{"amount": 1.100}']


@pytest.fixture
def compressed(quiet_store: InstalledStore) -> InstalledStore:
    for position, text in enumerate(EQUAL):
        quiet_store.run(
            "INSERT INTO messages (stream_name, position, type, data, time) "
            "VALUES ('account-1', %s, 'T', %s::jsonb, %s)",
            [position, text, START + timedelta(hours=position)],
        )
    quiet_store.run("SELECT compress_chunks_older_than(INTERVAL '60 days')")
    return quiet_store


def data(store: InstalledStore) -> list[str]:
    return [text for (text,) in store.run("SELECT data FROM get_stream_messages('account-1')")]


def test_the_values_stay_equal(compressed: InstalledStore) -> None:
    assert compressed.run(
        "SELECT bool_and(data::jsonb = '{\"amount\": 1.1}') FROM get_stream_messages('account-1')"
    ) == [(True,)]


def test_the_text_stays_the_same(compressed: InstalledStore) -> None:
    assert data(compressed) == EQUAL


def test_every_text(new_store: Callable[..., InstalledStore], tmp_path: Path) -> None:
    seed = int(os.environ.get("COLDSTREAM_TEST_SEED") or random.SystemRandom().getrandbits(32))
    store = without_jobs(new_store(Settings(chunk_interval=CHUNK)))
    texts = json_texts(seed, 100)
    given = list(zip(texts, texts[1:] + texts[:1], strict=True))
    exact = store.run(
        "SELECT u.d::jsonb::text, u.m::jsonb::text "
        "FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS u (d, m, n) ORDER BY n",
        [list(column) for column in zip(*given, strict=True)],
    )
    truth = {
        key: texts
        for door in DOORS
        for key, texts in zip(keys(door, len(exact)), exact, strict=True)
    }

    def check(where: str, reads: dict[str, Iterable[tuple[Any, ...]]]) -> None:
        for reader, rows in reads.items():
            found = {(name, position): (data, metadata) for name, position, data, metadata in rows}
            wrong = [
                (key, *(f"{text}"[:200] for text in (*texts, *found.get(key, ("missing",) * 2))))
                for key, texts in truth.items()
                if found.get(key) != texts
            ]
            assert wrong[:3] == [], f"{where}, {reader}: {len(wrong)} differ, seed {seed}"
            assert len(found) == len(truth)

    write(store, given)
    check("hot", in_database(store) | by_clients(store))

    ((last, now),) = store.run("SELECT max(time), clock_timestamp() FROM messages")
    until = last + CHUNK
    time.sleep(max(0, (until - now).total_seconds()))
    archive = tmp_path.as_uri()
    with coldstream.connect(store.dsn, schema=store.schema, archive=archive) as writer:
        writer.lifecycle.compress(until)
    assert store.run(
        "SELECT DISTINCT c.state FROM chunks AS c JOIN messages AS m"
        " ON m.time >= c.range_start AND m.time < c.range_end"
    ) == [("compressed",)]
    check("warm", in_database(store) | by_clients(store))

    with coldstream.connect(store.dsn, schema=store.schema, archive=archive) as writer:
        writer.lifecycle.archive(START + CHUNK, format="csv")
        writer.lifecycle.archive(until)
        assert [each.problem for each in writer.lifecycle.verify() if each.problem] == []
        assert [each.reason for each in writer.lifecycle.drop(until) if each.reason] == []
    assert store.run("SELECT count(*) FROM messages") == [(0,)]
    check("exported", {"the files": exported(tmp_path, 1 << 24)})
    check("archived", by_clients(store))

    with coldstream.connect(store.dsn, schema=store.schema, archive=archive) as writer:
        writer.lifecycle.rehydrate(START, until)
    assert store.run("SELECT count(*) FROM messages") == [(len(truth),)]
    check("rehydrated", in_database(store) | by_clients(store))


# Each is JSON, and jsonb holds none of them: not the character, no half of one, not the number.
@pytest.mark.parametrize("text", [r'"\u0000"', r'"\ud83d"', r'"\ude00\ud83d"', "1e200000"])
def test_what_jsonb_refuses_is_refused_by_every_door(
    store_schema: InstalledStore, text: str
) -> None:
    with pytest.raises(psycopg.DataError) as refused:
        store_schema.run("SELECT %s::jsonb", [text])
    doors = [
        "SELECT write_message(gen_random_uuid()::varchar, 'json-1', 'T', %(text)s)",
        "INSERT INTO messages (stream_name, position, type, data)"
        " VALUES ('json-1', 1, 'T', %(text)s)",
        "INSERT INTO messages (stream_name, position, type, metadata)"
        " VALUES ('json-1', 1, 'T', %(text)s)",
        "UPDATE messages SET data = %(text)s",
        "UPDATE messages SET metadata = %(text)s",
    ]
    store_schema.run("SELECT write_message(gen_random_uuid()::varchar, 'json-1', 'T', '1')")
    for door in doors:
        with pytest.raises(psycopg.DataError) as caught:
            store_schema.run(door, {"text": text})
        assert caught.value.sqlstate == refused.value.sqlstate
    assert store_schema.run("SELECT data::text, metadata FROM messages") == [("1", None)]
