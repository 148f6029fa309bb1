"""Some streams of archived history back in the database: they are read by SQL, and nobody takes
what is there for the whole range."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg import sql
from tests.fix_store import InstalledStore
from tests.history import CHUNKS, END, START, STREAMS, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import Archived, ChunkChanged, InvalidInput, Unavailable
from coldstream.lifecycle import Policy
from coldstream.lifecycle.loading import Loading

TYPES = [None, "Closed", "Never"]
LEFT = "CS001"
Answers: TypeAlias = dict[tuple[Any, ...], Any]


def run(opened: coldstream.Store, statement: str, arguments: Any = None) -> list[tuple[Any, ...]]:
    """The rows of one statement, over a connection of the client: the embedded server has one."""
    with opened.connection() as connection, connection.transaction():
        path = sql.SQL("SET LOCAL search_path TO {}, public").format(sql.Identifier(opened.schema))
        connection.execute(path)
        cursor = connection.execute(statement.encode(), arguments)
        return cursor.fetchall() if cursor.description else []


def sql_answers(store: Store) -> Answers:
    """What SQL says of everything: what it gives, or the SQLSTATE of the error."""
    answers: Answers = {}
    with store.installed.connect() as connection:
        connection.execute("SET message_store.sql_condition = 'on'")
        _ask_everything(store, connection, answers)
    return answers


def _ask_everything(store: Store, connection: psycopg.Connection, answers: Answers) -> None:
    def ask(key: tuple[Any, ...], statement: str, *arguments: Any) -> None:
        try:
            answers[key] = connection.execute(statement.encode(), arguments).fetchall()
        except psycopg.Error as error:
            answers[key] = error.sqlstate

    for name in STREAMS:
        for type in TYPES:
            if "-" in name:
                last = "SELECT global_position FROM get_last_stream_message(%s, %s)"
                ask((name, "last", type), last, name, type)
        ask((name, "version"), "SELECT stream_version(%s)", name)
        if "-" not in name:
            continue
        for position in (0, 9):
            for size in (-1, 2):
                page = "SELECT global_position FROM get_stream_messages(%s, %s, %s)"
                ask((name, position, size), page, name, position, size)
        ask(
            (name, "condition"),
            "SELECT global_position FROM get_stream_messages(%s, 0, -1, 'position >= 0')",
            name,
        )
    for category in ("account", "order", "ledger"):
        for position in (1, store.truth[len(store.truth) // 2].global_position):
            page = "SELECT global_position FROM get_category_messages(%s, %s, 3)"
            ask(("category", category, position), page, category, position)
            ask(("all", position), "SELECT global_position FROM get_all_messages(%s, 3)", position)


def whole_answers(store: Store) -> Answers:
    """What SQL said before anything left."""
    answers: Answers = {}
    for name in STREAMS:
        stream = sorted((m for m in store.truth if m.stream_name == name), key=lambda m: m.position)
        for type in TYPES:
            last = [(m.global_position,) for m in stream if type in (None, m.type)][-1:]
            answers[name, "last", type] = last
        for position in (0, 9):
            for size in (-1, 2):
                page = stream[position:] if size < 0 else stream[position : position + size]
                answers[name, position, size] = [(m.global_position,) for m in page]
        answers[name, "condition"] = [(m.global_position,) for m in stream]
    return answers


def check_reads(store: Store, streams: Callable[[str], bool], before: Answers) -> Answers:
    """Streams that were not named, and everything that is no stream, as before; of those that were,
    the truth or the error. And the client reads everything."""
    whole = whole_answers(store)
    after = sql_answers(store)
    for key, answer in after.items():
        if key[0] not in STREAMS or not streams(key[0]) or key[1] == "version":
            assert answer == before[key], key
        else:
            assert answer in (whole[key], LEFT), key
            # Nothing that could be read before is an error now.
            assert answer == whole[key] or before[key] == LEFT, key
    with store.opened() as opened:
        assert list(opened.get_all_messages(batch_size=7)) == store.truth
        for name in ("account-1", "account-2", "order-1", "border-9"):
            stream = sorted(
                (m for m in store.truth if m.stream_name == name), key=lambda m: m.position
            )
            assert list(opened.get_stream_messages(name, batch_size=3)) == stream
            assert opened.get_last_stream_message(name) == stream[-1]
        assert list(opened.get_category_messages("account", batch_size=5)) == [
            m for m in store.truth if m.category == "account"
        ]
    return after


@pytest.mark.parametrize("in_order", [True, False])
def test_the_named_streams_are_read_by_sql(archived: Store, in_order: bool) -> None:
    if not in_order:
        archived.run("UPDATE streams SET time_ordered = false")
    before = sql_answers(archived)
    assert before["account-1", 0, -1] == LEFT
    with archived.opened() as opened:
        back = opened.lifecycle.rehydrate(START, END, streams=["account-1", "order-?"])
    assert [(c.tier, c.state) for c in back] == [("cold", "dropped")] * CHUNKS
    named = {"account-1", "order-1", "order-2"}
    assert sum(c.part_messages or 0 for c in back) == sum(
        m.stream_name in named for m in archived.truth
    )

    after = check_reads(archived, named.__contains__, before)
    # Not one of them is an error any more, the last one of a type that there never was included.
    assert {key for key, answer in after.items() if key[0] in named and answer == LEFT} == set()
    assert after["account-2", 0, -1] == LEFT
    assert after["category", "account", 1] == after["all", 1] == LEFT
    with archived.opened() as opened:
        assert len(list(opened.get_stream_messages("account-1", tiers="database"))) == 24
        with pytest.raises(Archived):
            list(opened.get_category_messages("order", tiers="database"))


@pytest.mark.parametrize(
    ("first", "last", "pattern", "in_order"),
    [(1, 3, "account-*", True), (0, 1, "*-1", True), (1, 4, "border-9", False)],
)
def test_a_stream_of_which_a_part_is_missing(
    store: Store, first: int, last: int, pattern: str, in_order: bool
) -> None:
    # The last two chunks never left.
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.archive(START + 4 * WEEK)
        lifecycle.verify()
        lifecycle.drop(START + 4 * WEEK)
        if not in_order:
            run(opened, "UPDATE streams SET time_ordered = false")
    before = sql_answers(store)
    with store.opened() as opened:
        opened.lifecycle.rehydrate(START + first * WEEK, START + last * WEEK, streams=pattern)
    [named] = store.run(
        "SELECT array_agg(stream_name) FROM streams WHERE stream_matches(stream_name, %s)",
        [[pattern]],
    )
    check_reads(store, named[0].__contains__, before)


def test_again_and_more_and_all(archived: Store) -> None:
    end = START + WEEK
    with archived.opened() as opened:
        lifecycle = opened.lifecycle
        [part] = lifecycle.rehydrate(START, end, streams="account-1")
        assert (part.part_streams, part.part_messages) == (["account-1"], 4)
        assert lifecycle.rehydrate(START, end, streams="account-1") == []

        [part] = lifecycle.rehydrate(START, end, streams=["border-9", "account-*"])
        assert part.part_streams == ["account-1", "border-9", "account-*"]
        assert lifecycle.rehydrate(START, end, streams=["account-*", "account-1"]) == []
        there = [m.id for m in archived.truth if m.time < end]
        rows = run(opened, "SELECT id FROM messages ORDER BY global_position")
        assert rows == [
            (m.id,)
            for m in archived.truth
            if m.time < end
            and ((m.category == "account" and "-" in m.stream_name) or m.category == "border")
        ]

        [whole] = lifecycle.rehydrate(START, end, keep_for=timedelta(days=7))
        assert (whole.state, whole.part_streams, whole.part_messages) == ("rehydrated", None, None)
        rows = run(opened, "SELECT id FROM messages ORDER BY global_position")
        assert [id for (id,) in rows] == there
        # Until somebody drops them: that was said first, and is longer.
        assert (whole.is_kept, whole.kept_until) == (True, None)

        assert lifecycle.rehydrate(START, end, streams="ledger-?") == []
        assert [d.reason for d in lifecycle.drop(END)] == [None]
        assert lifecycle.rehydrate(START, end, streams="*")[0].state == "rehydrated"
    assert archived.read_all() == archived.truth


def test_a_range_that_is_half_in_the_database(store: Store) -> None:
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.archive(START + 3 * WEEK)
        lifecycle.verify()
        lifecycle.drop(START + 3 * WEEK)
        back = lifecycle.rehydrate(START - WEEK, END + WEEK, streams="border-9")
        assert [c.range_start for c in back] == [START + n * WEEK for n in range(3)]
    assert store.states() == ["dropped"] * 3 + ["closed"] * 3
    assert len(store.run("SELECT 1 FROM get_stream_messages('border-9')")) == CHUNKS


def test_what_cannot_be(archived: Store) -> None:
    before = archived.snapshot()
    with archived.opened() as opened:
        for streams, problem in (
            ("account", None),  # a stream of that name there is
            ("accounts-*", "No stream of that time is matched by accounts-[*]"),
            ("order-3", "No stream of that time is matched by order-3"),
            ("account_1", "No stream of that time is matched by account_1"),
            (["account-1", "nobody"], "No stream of that time is matched by nobody"),
            ("", "No stream name"),
            ([], "No stream name"),
        ):
            if problem is None:
                assert opened.lifecycle.rehydrate(START, END, streams=streams, dry_run=True)
                continue
            with pytest.raises(InvalidInput, match=problem):
                opened.lifecycle.rehydrate(START, END, streams=streams)
        with pytest.raises(InvalidInput, match="The store has no messages from"):
            opened.lifecycle.rehydrate(START - WEEK, START, streams="account-1")
    assert archived.snapshot() == before


def test_it_goes_again_by_itself(archived: Store) -> None:
    files = archived.files()
    with archived.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.rehydrate(START, END, streams="account-1", keep_for=timedelta(days=7))
        assert lifecycle.run(Policy(None, timedelta(days=1), timedelta(days=1))) == []
        # A promise is a promise, also to an old cron line.
        reasons = [drop.reason or "" for drop in lifecycle.drop(END)]
        assert [reason.startswith("kept until") for reason in reasons] == [True] * CHUNKS
        run(opened, "SELECT * FROM drop_chunks_older_than(INTERVAL '60 days')")
        assert len(run(opened, "SELECT 1 FROM get_stream_messages('account-1')")) == 24

        # Of two lengths the longer counts; the shorter one does not cut it.
        lifecycle.rehydrate(START, START + WEEK, streams="account-1", keep_for=timedelta(hours=1))
        run(
            opened,
            "UPDATE chunks SET kept_until = now() - INTERVAL '1 second' "
            "WHERE kept_until < now() + INTERVAL '6 days' OR range_start > %s",
            [START],
        )
        assert [s.outcome for s in lifecycle.run(Policy())] == ["done"] * (CHUNKS - 1)
        assert [d.reason for d in lifecycle.drop(END, kept=True)] == [None]
        assert lifecycle.drop(END, kept=True) == []
        assert [c.part_streams for c in lifecycle.get_chunks() if c.tier == "cold"] == [None] * 6
        history = [t for t in reversed(lifecycle.get_transitions()) if t.range_start == START]
    assert [(t.from_state, t.to_state, t.messages) for t in history[-2:]] == [
        ("dropped", "rehydrated in part", 4),
        ("rehydrated in part", "dropped", history[-3].messages),
    ]
    assert archived.run("SELECT count(*) FROM messages") == [(0,)]
    assert archived.files() == files
    with pytest.raises(psycopg.Error, match="have left the database"):
        archived.run("SELECT 1 FROM get_stream_messages('account-1')")
    assert archived.read_all() == archived.truth


def test_nobody_takes_it_for_the_whole(archived: Store) -> None:
    window = archived.run("SELECT rows_since, closed_before FROM store")
    with archived.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.rehydrate(START, END, streams="account-1")
        ledger = run(opened, "SELECT to_jsonb(c) FROM chunks AS c ORDER BY range_start")
        assert lifecycle.compress(END) == []
        assert lifecycle.archive(END) == lifecycle.archive(END, again=True) == []
        run(opened, "SELECT * FROM compress_chunks_older_than(INTERVAL '60 days')")
        assert {each.result for each in lifecycle.rebuild()} == {"known"}
        run(opened, "SELECT sync_store()")
        assert run(opened, "SELECT to_jsonb(c) FROM chunks AS c ORDER BY range_start") == ledger
        assert [v.problem for v in lifecycle.verify(again=True, deep=True)] == [None] * CHUNKS
        # Ids are unique among messages in row form, and these are none of them.
        assert run(opened, "SELECT rows_since, closed_before FROM store") == window
        assert opened.write_message("new-1", "T", id=archived.truth[0].id).position == 0
        assert opened.write_message("account-1", "T").position == 24
        run(
            opened,
            "DELETE FROM messages WHERE stream_name IN ('new-1', 'account-1') AND time > %s",
            [END],
        )
    assert archived.states() == ["dropped"] * CHUNKS


def refused(archived: Store, *statements: str) -> None:
    with archived.opened() as opened:
        opened.lifecycle.rehydrate(START, END, streams="account-1")
    before = archived.snapshot()
    for statement in statements:
        with pytest.raises(psycopg.Error):
            archived.run(statement)
    assert archived.snapshot() == before


def test_nothing_is_added_to_it_and_nothing_truncated(archived: Store) -> None:
    refused(
        archived,
        "TRUNCATE messages RESTART IDENTITY",
        "INSERT INTO messages (stream_name, position, type, time) "
        "VALUES ('late-1', 0, 'T', '2025-01-03')",
    )


@pytest.mark.native  # the release of the embedded server lets a frozen chunk's rows change
def test_its_rows_do_not_change(archived: Store) -> None:
    refused(
        archived,
        "DELETE FROM messages WHERE stream_name = 'account-1' AND position = 3",
        "UPDATE messages SET data = '7' WHERE stream_name = 'account-1'",
    )


def test_dropped_by_hand(archived: Store) -> None:
    with archived.opened() as opened:
        [part] = opened.lifecycle.rehydrate(START, START + WEEK, streams="account-2")
        assert len(run(opened, "SELECT 1 FROM get_stream_messages('account-2', 0, 2)")) == 2
        run(opened, "SELECT unfreeze(%s::regclass)", [part.chunk_name])
        run(opened, "SELECT public.drop_chunks('messages', older_than => %s)", [START + WEEK])
        # What the ledger still says is there is never a shorter answer.
        with pytest.raises(Unavailable, match="A chunk was compressed, changed or dropped"):
            run(opened, "SELECT 1 FROM get_stream_messages('account-2', 0, 2)")
        assert run(opened, "SELECT (drop_range(%s)).part_name", [START]) == [(None,)]
        with pytest.raises(Archived, match="have left the database"):
            run(opened, "SELECT 1 FROM get_stream_messages('account-2', 0, 2)")
        assert list(opened.get_all_messages()) == archived.truth


def test_rows_that_changed_stay_until_forced(archived: Store) -> None:
    with archived.opened() as opened:
        [part] = opened.lifecycle.rehydrate(START, START + WEEK, streams="account-1")
        run(opened, "SELECT unfreeze(%s::regclass)", [part.chunk_name])
        run(opened, "UPDATE messages SET data = '7'")
        with pytest.raises(ChunkChanged, match="not the ones"):
            opened.lifecycle.drop(END)
        for streams in (None, "border-9"):
            with pytest.raises(ChunkChanged, match="not the ones that were exported"):
                opened.lifecycle.rehydrate(START, START + WEEK, streams=streams)
        assert run(opened, "SELECT count(*) FROM messages") == [(4,)]
        [(state, key)] = run(
            opened,
            "SELECT r.state, r.archive_object FROM drop_range(%s, force => true) AS r",
            [START],
        )
        assert (state, key is None) == ("dropped", False)
        assert list(opened.get_all_messages()) == archived.truth


@pytest.mark.parametrize("loaded", [None, "border-9"])
@pytest.mark.parametrize("streams", ["account-*", None])
def test_what_is_loaded_is_proved(
    archived: Store, monkeypatch: pytest.MonkeyPatch, loaded: str | None, streams: str | None
) -> None:
    with archived.opened() as opened:
        if loaded:
            opened.lifecycle.rehydrate(START, START + WEEK, streams=loaded)
    before = archived.snapshot()
    with archived.opened() as opened:
        step = Loading._step
        monkeypatch.setattr(
            Loading, "_step", lambda self, to, rows, number: step(self, to, rows[:-1], number)
        )
        with pytest.raises(ChunkChanged, match="not the ones that were archived"):
            opened.lifecycle.rehydrate(START, START + WEEK, streams=streams)
    assert archived.snapshot() == before


def test_a_chunk_that_left_by_hand_can_be_dropped_by_force(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(END)
        opened.lifecycle.verify()
    [(chunk,)] = small.run("SELECT chunk_name FROM chunks WHERE range_start = %s", [START])
    small.run("SELECT unfreeze(%s::regclass)", [chunk])
    small.run("SELECT public.drop_chunks('messages', older_than => %s)", [START + WEEK])
    dropped = "SELECT r.state, r.archive_object IS NULL FROM drop_range(%s, force => true) AS r"
    assert small.run(dropped, [START]) == [("dropped", False)]
    assert small.read_all() == small.truth


PATTERNS: list[tuple[str, list[str], list[str]]] = [
    ("account-1", ["account-1"], ["account-10", "xaccount-1", "account", "Account-1", ""]),
    ("account-*", ["account-1", "account-", "account-a\nb"], ["account", "accounts-1"]),
    ("*", ["", "a", "a-b"], []),
    ("*-1?", ["a-10", "a-1-1x", "a-1\u00fc"], ["a-1", "a-100"]),
    ("a_b%c", ["a_b%c"], ["axbyc", "a_bc"]),
    ("a~b\\c[d]", ["a~b\\c[d]"], ["ab\\c[d]", "a~bcd", "a~b\\cd"]),
    ("a**b?", ["abc", "a*bx"], ["ab"]),
]


def test_patterns(quiet_store: InstalledStore) -> None:
    for pattern, matched, not_matched in PATTERNS:
        for name in [*matched, *not_matched]:
            asked = [name, ["never", pattern]]
            [(found,)] = quiet_store.run("SELECT stream_matches(%s, %s)", asked)
            assert found == (name in matched), (pattern, name)
