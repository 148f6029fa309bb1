"""A small history that has what reads stumble over, and ways to bring it into any tier.

Six chunks of a week. Streams end in different chunks, or are idle through some; global positions
have gaps, cross a bucket of the columnstore, and run against time at every border of two chunks.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from tests.fix_store import InstalledStore

import coldstream
from coldstream import Message

WEEK = timedelta(days=7)
START = datetime(2025, 1, 2, tzinfo=UTC)  # where TimescaleDB aligns chunks of a week
CHUNKS = 6
END = START + CHUNKS * WEEK
TIERS = ["unclosed", "hot", "warm", "archived", "several files", "rehydrated", "mixed"]
FILE_ROWS = 3  # a file's, where a chunk has several: they cut streams, and some have one stream

_NAMESPACE = UUID("6b0c9d6e-52a4-4cf4-9d1e-6b7a3f0e4a11")

# Stream name -> the chunks it has messages in, and how many in each. The order is that of writing.
STREAMS: dict[str, tuple[set[int], int]] = {
    "account-1": (set(range(CHUNKS)), 4),
    "account-2": ({0, 1}, 2),
    "account-3": ({0, 2, 3}, 2),
    "account-4+a": ({0, 5}, 1),
    "account-4+b": ({1, 4}, 1),
    "account-5": ({2}, 3),
    "account-6": ({5}, 3),
    "account": ({3}, 1),
    "order-1": ({1, 2, 3, 4, 5}, 3),
    "order-2": ({4, 5}, 2),
    "ledger-1": ({0}, 2),
    "grün-süß ✓+1": ({0, 2, 4}, 1),
    "continued-sync": ({0, 1}, 1),
    "continued-async": ({0, 1}, 1),
    "border-9": (set(range(CHUNKS)), 1),
}

JSON_TEXTS = [
    '{"amount": 1.10}',
    '{"number": 9007199254740993, "more": 123456789012345678901234567890}',
    '{"decimal": 123456789012345678901234567890.1234500}',
    '{"text": "z\u00fcrich \u2713 \U0001f600 \\u0001 \\" \\\\ \\n \\t /"}',
    "null",
    None,
    '"text"',
    "7",
    "-0.0",
    "1e3",
    "true",
    "[]",
    "{}",
    '[1, [2, {"a": null}], "\\\\u0000"]',
    '{"b": 1, "aa": 3, "a": 2}',
    '""',
]


def metadata_text(number: int) -> str | None:
    return [
        None,
        '{"correlationStreamName": "order-1"}',
        "null",
        '{"correlationStreamName": "account-1", "ratio": 0.500}',
        '{"correlationStreamName": 5}',
        "[]",
    ][number % 6]


Row = tuple[int, int, datetime, str, str, str | None, str | None, UUID]


def history() -> list[Row]:
    """Rows of messages in the order of time: global position, position, time, stream name, type,
    data, metadata, id."""
    written: list[tuple[str, datetime]] = []
    for chunk in range(CHUNKS):
        start = START + chunk * WEEK
        names = [n for n, (chunks, _) in STREAMS.items() if chunk in chunks]
        rounds = [n for i in range(4) for n in names if i < STREAMS[n][1]]
        for number, name in enumerate(rounds):
            moment = start + number * timedelta(hours=3, microseconds=number)
            # The first is at the very start, the last in the last microsecond of the chunk, and two
            # messages in a row have one time.
            if number == len(rounds) - 1:
                moment = start + WEEK - timedelta(microseconds=1)
            elif number % 5 == 4:
                moment = written[-1][1]
            written.append((name, moment))

    global_positions: list[int] = []
    last = 16_384 - 60
    for number in range(len(written)):
        last += 1 if number % 4 else 3
        global_positions.append(last)
    for number in range(1, len(written)):
        if (written[number - 1][1] - START) // WEEK != (written[number][1] - START) // WEEK:
            pair = global_positions[number - 1 : number + 1]
            global_positions[number - 1 : number + 1] = reversed(pair)

    positions: dict[str, int] = {}
    rows: list[Row] = []
    for number, ((name, moment), global_position) in enumerate(
        zip(written, global_positions, strict=True)
    ):
        positions[name] = position = positions.get(name, -1) + 1
        rows.append(
            (
                global_position,
                position,
                moment,
                name,
                ["Opened", "Changed", "Closed"][position % 3],
                JSON_TEXTS[number % len(JSON_TEXTS)],
                metadata_text(number),
                uuid5(_NAMESPACE, str(number)),
            )
        )
    return rows


def without_jobs(store: InstalledStore) -> InstalledStore:
    """Switch the store's background jobs off: they would compress and close chunks as they like."""
    if store.run("SELECT engine FROM store") == [("postgres",)]:
        return store
    jobs = store.run(
        "SELECT (public.alter_job(job_id, scheduled => false)).job_id "
        "FROM timescaledb_information.jobs "
        "WHERE hypertable_schema = %(schema)s OR proc_schema = %(schema)s",
        {"schema": store.schema},
    )
    # An install wakes them: one may be at work already, or be about to be, which the scheduler's
    # notes say before there is a process.
    names = [f"%[{job}]" for (job,) in jobs]
    until = time.monotonic() + 60
    while store.run(
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE ANY (%s) UNION ALL "
        "SELECT 1 FROM timescaledb_information.job_stats WHERE job_id = ANY (%s) "
        "AND job_status = 'Running'",
        [names, [job for (job,) in jobs]],
    ):
        assert time.monotonic() < until, "a job does not end"
        time.sleep(0.02)
    return store


def insert(store: InstalledStore, rows: list[Row]) -> None:
    """Plain INSERTs, as the owner."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    store.run(
        """
        INSERT INTO messages
          (global_position, position, time, stream_name, type, data, metadata, id)
        SELECT u.g, u.p, u.t, u.n, u.y, u.d::jsonb, u.m::jsonb, u.i
        FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[],
          %s::text[], %s::text[], %s::uuid[]) WITH ORDINALITY AS u (g, p, t, n, y, d, m, i, o)
        ORDER BY u.o
        """,
        columns,
    )


def rows_of(store: InstalledStore) -> list[Message]:
    """What the table itself holds now, in the order of global positions."""
    return [
        Message(id, name, type, position, at, data, metadata, moment.replace(tzinfo=UTC))
        for id, name, type, position, at, data, metadata, moment in store.run(
            "SELECT id, stream_name, type, position, global_position, data::text, metadata::text, "
            "time AT TIME ZONE 'UTC' FROM messages ORDER BY global_position"
        )
    ]


def move(store: InstalledStore, archive: str, tier: str) -> None:
    """Bring a store that holds the history into a tier."""
    if tier == "unclosed":
        return
    if tier == "hot":
        store.run("CALL close_ended_chunks()")
        return
    with coldstream.connect(store.dsn, schema=store.schema, archive=archive) as opened:
        lifecycle = opened.lifecycle
        compress_until, archive_until = {
            "warm": (END, None),
            "archived": (END, END),
            "several files": (END, END),
            "rehydrated": (END, END),
            "mixed": (START + 4 * WEEK, START + 2 * WEEK),
        }[tier]
        lifecycle.compress(compress_until)
        if archive_until:
            file_rows = None if tier == "archived" else FILE_ROWS
            lifecycle.archive(archive_until, file_rows=file_rows)
            assert [v.problem for v in lifecycle.verify() if v.problem] == []
            assert [d.reason for d in lifecycle.drop(archive_until) if d.reason] == []
        if tier == "rehydrated":
            lifecycle.rehydrate(START, END)
