"""The correlation's category is a column, and finds what Message DB's expression finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clients import CLIENTS, opened
from tests.fix_store import InstalledStore
from tests.history import END, START

import coldstream

# What may stand there: a stream name, a category, what is no text, nothing at all.
VALUES = [
    *('"order-1"', '"order"', '"order-2+3-4"', '"order:command-1"', '"orders-1"', '"Order-1"'),
    *('"-order"', '""', '"größe ✓-1"', r'"\u006frder-1"', r'"a\"b\\-1"', r'"\u0001\n-1"'),
    *("null", "true", "7", "-7", "1.50", "1e3", "{}", "[]", '["order-1"]', '{"a": 1.50, "b-c": 1}'),
]
METADATA = [
    None,
    *("null", '"correlationStreamName"', "7", "[]", "{}", '["correlationStreamName", "order-1"]'),
    *(f'{{"correlationStreamName": {value}}}' for value in VALUES),
    '{"nested": {"correlationStreamName": "order-1"}}',
    '{"correlationstreamname": "order-1", "correlationStreamName ": "order-1"}',
    '{"correlationStreamName": "other-1", "correlationStreamName": "order-1"}',
    '{"z": {"correlationStreamName": "other-1"}, "correlationStreamName": "order-1"}',
    '{"correlationStreamName": "order-1", "n": ' + "9" * 5000 + "}",
]


# Each writes the texts of $1 as the metadata of messages of account-0.
DOORS = {
    "write_message": """
        SELECT write_message(gen_random_uuid()::text, 'account-0', 'T', NULL, u.m::jsonb)
        FROM unnest(%s::text[]) WITH ORDINALITY AS u (m, n) ORDER BY u.n""",
    "write_messages": """
        SELECT w.position FROM (
          SELECT array_agg(gen_random_uuid()::varchar) AS ids,
            array_agg('account-0'::varchar) AS names, array_agg('T'::varchar) AS types,
            array_agg(NULL::jsonb) AS data,
            array_agg(u.m::jsonb ORDER BY u.n) AS metadata
          FROM unnest(%s::text[]) WITH ORDINALITY AS u (m, n)
        ) AS a, write_messages(a.ids, a.names, a.types, a.data, a.metadata) AS w""",
    "import_messages": """
        SELECT i FROM (
          SELECT array_agg(u.n - 1 ORDER BY u.n) AS positions,
            array_agg(now() - INTERVAL '1 hour') AS times,
            array_agg('account-0'::varchar) AS names, array_agg('T'::varchar) AS types,
            array_agg(NULL::jsonb) AS data, array_agg(u.m::jsonb ORDER BY u.n) AS metadata,
            array_agg(gen_random_uuid()) AS ids
          FROM unnest(%s::text[]) WITH ORDINALITY AS u (m, n)
        ) AS a, import_messages(
          a.positions, a.times, a.names, a.types, a.data, a.metadata, a.ids
        ) AS i""",
    "insert": """
        INSERT INTO messages (stream_name, position, type, metadata)
        SELECT 'account-0', u.n - 1, 'T', u.m::json
        FROM unnest(%s::text[]) WITH ORDINALITY AS u (m, n) ORDER BY u.n""",
    "update": """
        WITH w AS MATERIALIZED (
          SELECT write_message(gen_random_uuid()::text, 'account-0', 'T', NULL,
            '{"correlationStreamName": "before-1"}')
          FROM unnest(%s::text[])
        ) SELECT count(*) FROM w""",
}


@pytest.mark.parametrize("door", DOORS)
def test_whoever_writes_gives_each_message_its_category(
    quiet_store: InstalledStore, door: str
) -> None:
    store = quiet_store
    store.run(DOORS[door], [METADATA])
    if door == "update":
        store.run(
            "UPDATE messages AS m SET metadata = u.m::json "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS u (m, n) WHERE m.position = u.n - 1",
            [METADATA],
        )
    rows = store.run(
        "SELECT m.correlation_category, m.metadata::text, m.stream_category, "
        "m.position_bucket = m.global_position >> 14, u.m::jsonb::text, "
        "coalesce(split_part(u.m::jsonb ->> 'correlationStreamName', '-', 1), '-') "
        "FROM messages AS m "
        "JOIN unnest(%s::text[]) WITH ORDINALITY AS u (m, n) ON m.position = u.n - 1",
        [METADATA],
    )
    assert len(rows) == len(METADATA)
    for category, text, stream_category, is_in_bucket, normalised, expected in rows:
        assert (category, text) == (expected, normalised)
        assert (stream_category, is_in_bucket) == ("account", True)


def test_the_hits_are_message_dbs_in_every_tier(
    quiet_store: InstalledStore, tmp_path: Path
) -> None:
    store = quiet_store
    store.run(
        "INSERT INTO messages (stream_name, position, type, metadata, time) "
        "SELECT 'account-' || n %% 5, n / 5, 'T', u.metadata::json, %s + n * INTERVAL '1 hour' "
        "FROM unnest(%s::text[]) WITH ORDINALITY AS u (metadata, n)",
        [START, METADATA],
    )
    expression = "split_part(m::jsonb ->> 'correlationStreamName', '-', 1)"
    rows = store.run(
        f"SELECT n, {expression} FROM unnest(%s::text[]) WITH ORDINALITY AS u (m, n)", [METADATA]
    )
    of_number: dict[int, str | None] = dict(rows)
    # Nobody can ask for what has none.
    categories = sorted({category for category in of_number.values() if category is not None})
    assert {"order", "7", "1.50", "[]", '["order'} <= set(categories)
    column = store.run("SELECT correlation_category FROM messages ORDER BY global_position")
    # What has none has what no category is.
    assert column == [
        ("-" if of_number[number] is None else of_number[number],) for number in sorted(of_number)
    ]

    def in_sql() -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for category, number in store.run(
            "SELECT c, m.global_position FROM unnest(%s::text[]) AS c, "
            "get_category_messages('account', 1, -1, correlation => c) AS m",
            [categories],
        ):
            found.setdefault(category, []).append(number)
        return found

    def by_client(kind: str) -> dict[str, list[int]]:
        with opened(kind, store.dsn, schema=store.schema) as client:
            return {
                category: [
                    m.global_position
                    for m in client.get_category_messages("account", correlation=category)
                ]
                for category in categories
            }

    expected = {
        category: [number for number in sorted(of_number) if of_number[number] == category]
        for category in categories
    }

    def check(tier: str, *, is_in_database: bool = True) -> None:
        if is_in_database:
            assert in_sql() == expected, tier
        for kind in CLIENTS:
            assert by_client(kind) == expected, (tier, kind)

    check("hot")
    with coldstream.connect(store.dsn, schema=store.schema, archive=tmp_path.as_uri()) as writer:
        writer.lifecycle.compress(END)
    check("warm")
    with coldstream.connect(store.dsn, schema=store.schema, archive=tmp_path.as_uri()) as writer:
        writer.lifecycle.archive(END)
        assert [v.problem for v in writer.lifecycle.verify() if v.problem] == []
        assert [d.reason for d in writer.lifecycle.drop(END) if d.reason] == []
    check("archived", is_in_database=False)
    with coldstream.connect(store.dsn, schema=store.schema, archive=tmp_path.as_uri()) as writer:
        writer.lifecycle.rehydrate(START, END)
    check("rehydrated")
