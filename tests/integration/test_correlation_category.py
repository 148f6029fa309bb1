"""The correlation's category is a column, and finds what Message DB's expression finds."""

from __future__ import annotations

from pathlib import Path

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
    assert column == [(of_number[number],) for number in sorted(of_number)]

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
