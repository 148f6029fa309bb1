"""What a call touches does not grow with the number of chunks: the chunks it locks, at a hundred of
them, in the first call of a new connection. A chunk that is planned is locked, so these are the
chunks in its plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.fix_store import InstalledStore, drop_store, install_store
from tests.history import Row, insert, without_jobs

from coldstream.migrations import Settings

# The embedded server keeps no locks that could be counted.
pytestmark = pytest.mark.native

DAYS = 100
DAY = timedelta(days=1)
# A stream a day of four messages, and two that have two and four messages every day.
LONG = "account-long"
DENSE = "ledger-dense"
A_DAY = 10
# What a kept plan holds at most (see recent_from): five intervals, and the chunk made ahead.
RECENT = 7


def rows() -> list[Row]:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[Row] = []
    for day in range(DAYS):
        names = [f"order-{day}", LONG, f"order-{day}", f"order-{day}", LONG, f"order-{day}"]
        names += 4 * [DENSE]
        for number, name in enumerate(names):
            before = [n for n in names[:number] if n == name]
            found.append(
                (
                    len(found) + 1,
                    len(before) + {LONG: 2, DENSE: 4}.get(name, 0) * day,
                    today + (day - DAYS) * DAY + number * timedelta(hours=2),
                    name,
                    "Happened",
                    '{"a": 1}',
                    None,
                    UUID(int=len(found) + 1),
                )
            )
    return found


@pytest.fixture(scope="module")
def hundred(dsn: str) -> Iterator[InstalledStore]:
    """A hundred closed chunks, and what is made for the messages of now; four are compressed."""
    store = without_jobs(install_store(dsn, "flat_cost", Settings(chunk_interval=DAY)))
    insert(store, rows())
    store.run("CALL close_ended_chunks()")
    assert store.run("SELECT count(*) FROM chunks WHERE state = 'closed'") == [(DAYS,)]
    store.run(
        "SELECT compress_range(range_start) FROM "
        "(SELECT range_start FROM chunks ORDER BY range_start OFFSET 50 LIMIT 4) AS c"
    )
    yield store
    drop_store(dsn, store.schema)


Touched = Callable[..., tuple[list[Any], int]]


@pytest.fixture
def touched(hundred: InstalledStore) -> Touched:
    """The first column of a statement's rows, and how many chunks it locked on a new connection."""

    def touched(statement: str, *arguments: Any) -> tuple[list[Any], int]:
        with hundred.connect() as connection, connection.transaction(force_rollback=True):
            answer = [row[0] for row in connection.execute(statement.encode(), arguments)]
            locked = connection.execute(
                r"""
                SELECT count(DISTINCT c.oid) FROM pg_locks AS l
                JOIN pg_class AS c ON c.oid = l.relation
                WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'
                  AND c.relkind = 'r' AND c.relname LIKE '\_hyper\_%\_chunk'
                """
            ).fetchone()
            assert locked is not None
            return answer, locked[0]

    return touched


@pytest.fixture
def unclosed(hundred: InstalledStore) -> int:
    """The chunks of now: two where the next one is near."""
    [(count,)] = hundred.run("SELECT count(*) FROM get_chunks() WHERE range_end > now()")
    assert count in (1, 2)
    return int(count)


def test_what_looks_at_every_chunk_shows_here(touched: Touched) -> None:
    # As the functions do that these guard against.
    answer, chunks = touched("SELECT max(position) FROM messages WHERE stream_name = %s", LONG)
    assert answer == [2 * DAYS - 1]
    assert chunks >= DAYS


@pytest.mark.parametrize("day", [0, 20, 51, 94])
def test_a_short_stream_is_one_chunk(touched: Touched, day: int) -> None:
    read = "SELECT position FROM get_stream_messages(%s)"
    assert touched(read, f"order-{day}") == ([0, 1, 2, 3], 1)


def test_a_recent_stream_is_the_few_chunks_of_its_plan(touched: Touched) -> None:
    for function, positions in (
        ("get_stream_messages", [0, 1, 2, 3]),
        ("get_last_stream_message", [3]),
    ):
        answer, chunks = touched(f"SELECT position FROM {function}('order-99')")
        assert answer == positions
        assert chunks <= RECENT


@pytest.mark.parametrize("position", [0, 44, 102, 160, 198])
def test_a_page_of_a_long_lived_stream_is_the_window_it_lies_in(
    touched: Touched, position: int
) -> None:
    page = list(range(position, min(position + 6, 2 * DAYS)))
    answer, chunks = touched(f"SELECT position FROM get_stream_messages(%s, {position}, 6)", LONG)
    assert answer == page
    # Three or four days; where a mark lies further back, a second window.
    assert chunks <= 8


@pytest.mark.parametrize("position", [0, 2, 200, 204, 360])
def test_a_stream_of_many_messages_is_marked_more_often(touched: Touched, position: int) -> None:
    page = list(range(position, position + 4))
    answer, chunks = touched(f"SELECT position FROM get_stream_messages(%s, {position}, 4)", DENSE)
    assert (answer, chunks) == (page, 2)


def test_the_last_message_is_one_chunk(touched: Touched) -> None:
    read = "SELECT position FROM get_last_stream_message(%s)"
    assert touched(read, "order-51") == ([3], 1)
    assert touched(read, "order-94") == ([3], 1)
    assert touched("SELECT position FROM get_last_stream_message(%s, 'Happened')", LONG) == (
        [2 * DAYS - 1],
        1,
    )


def test_the_version_is_no_chunk(touched: Touched) -> None:
    assert touched("SELECT stream_version(%s)", LONG) == ([2 * DAYS - 1], 0)


@pytest.mark.parametrize("day", [0, 20, 51, 90])
def test_a_page_of_a_category_is_its_chunks_and_those_of_now(
    touched: Touched, unclosed: int, day: int
) -> None:
    first = day * A_DAY + 1
    answer, chunks = touched(
        f"SELECT global_position FROM get_category_messages('order', {first}, 8)"
    )
    assert answer == [first + day_of + n for day_of in (0, A_DAY) for n in (0, 2, 3, 5)]
    assert chunks == 2 + unclosed


def test_a_page_at_the_head_is_the_chunks_of_now(touched: Touched, unclosed: int) -> None:
    poll = f"SELECT position FROM get_category_messages('order', {DAYS * A_DAY + 1})"
    assert touched(poll) == ([], unclosed)


def test_a_page_of_everything_is_its_chunks_and_those_of_now(
    touched: Touched, unclosed: int
) -> None:
    answer, chunks = touched("SELECT global_position FROM get_all_messages(301, 6)")
    assert answer == list(range(301, 307))
    assert chunks == 1 + unclosed


@pytest.mark.parametrize("day", [0, 51, 90])
def test_a_time_is_found_in_its_chunk_and_those_of_now(
    touched: Touched, hundred: InstalledStore, unclosed: int, day: int
) -> None:
    [(start,)] = hundred.run("SELECT range_start FROM chunks ORDER BY 1 OFFSET %s LIMIT 1", [day])
    time = start + timedelta(hours=1)
    for source, position in (("order", day * A_DAY + 3), ("", day * A_DAY + 2)):
        answer, chunks = touched("SELECT position_at(%s, %s)", source, time)
        assert answer == [position]
        assert chunks == 1 + unclosed
    # A stream's is searched for in halves, each a read of one message.
    answer, chunks = touched("SELECT position_at(%s, %s)", LONG, time)
    assert answer == [2 * day]
    assert chunks < DAYS / 3


def test_a_write_is_one_chunk(touched: Touched) -> None:
    write = "SELECT write_message(gen_random_uuid()::varchar, %s, 'Happened', '{}')"
    assert touched(write, LONG) == ([2 * DAYS], 1)
    assert touched(write, "order-new") == ([0], 1)
