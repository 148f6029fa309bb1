"""Nothing is dropped that was not proved: damage in storage, changes in the database, no proof."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from tests.history import CHUNKS, START, WEEK
from tests.lifecycle.conftest import Store

from coldstream import ArchiveCorrupt, ArchiveUnavailable, ChunkChanged, ColdstreamError
from coldstream.settings import Format

OLD = datetime(2025, 12, 1, tzinfo=UTC)


def test_a_location_that_cannot_be_written_seals_nothing(store: Store) -> None:
    store.folder.parent.joinpath("file").write_text("")
    with store.opened(archive=f"{store.folder.parent.as_uri()}/file/archive") as opened:
        with pytest.raises(ArchiveUnavailable) as caught:
            opened.lifecycle.archive(OLD)
        assert "\n" not in str(caught.value)
    store.run("CALL close_ended_chunks()")
    assert store.states() == ["closed"] * CHUNKS
    # Rows can still be written.
    store.run(
        "INSERT INTO messages (stream_name, position, type, time) VALUES ('late-1', 0, 'T', %s)",
        [START],
    )


@pytest.mark.parametrize(
    ("format", "place"), [("parquet", "first"), ("parquet", "middle"), ("csv", "last")]
)
def test_a_damaged_object_is_found_and_its_chunk_stays(
    store: Store, format: Format, place: str
) -> None:
    with store.opened() as opened:
        opened.lifecycle.archive(OLD, format=format)
    damaged = store.objects()[1]
    data = bytearray(damaged.read_bytes())
    data[{"first": 0, "middle": len(data) // 2, "last": len(data) - 1}[place]] ^= 1
    damaged.write_bytes(data)

    with store.opened() as opened:
        problems = [v.problem for v in opened.lifecycle.verify()]
        drops = opened.lifecycle.drop(OLD)

    assert [type(p) for p in problems] == [type(None), ArchiveCorrupt] + [type(None)] * 4
    assert [d.reason for d in drops] == [None, "not verified: exported"] + [None] * 4
    assert store.states() == ["dropped", "exported"] + ["dropped"] * 4
    assert store.read_all() == store.truth


def test_a_lost_object_is_found_and_its_chunk_stays(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.archive(OLD)
        store.objects()[0].unlink()
        problems = [v.problem for v in opened.lifecycle.verify()]
        opened.lifecycle.drop(OLD)
    assert isinstance(problems[0], ArchiveCorrupt)
    assert problems[1:] == [None] * 5
    assert store.states() == ["exported"] + ["dropped"] * 5


def test_a_damaged_manifest_is_found(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.archive(OLD)
        manifest = next(path for path in store.files() if path.name.startswith("_manifest"))
        manifest.write_text(manifest.read_text().replace('"rows":', '"rows": 1'))
        problems = [v.problem for v in opened.lifecycle.verify()]
    assert isinstance(problems[0], ArchiveCorrupt)
    assert problems[1:] == [None] * 5


def test_verification_of_everything_again(store: Store) -> None:
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.archive(OLD)
        lifecycle.verify()
        lifecycle.drop(START + 3 * WEEK)
        assert [v.problem for v in lifecycle.verify(again=True)] == [None] * CHUNKS
        store.objects()[0].write_bytes(b"")
        problems = [v.problem for v in lifecycle.verify(again=True)]
    assert isinstance(problems[0], ArchiveCorrupt)
    # What has left the database stays so: there is nothing to go back to.
    assert store.states() == ["dropped"] * 3 + ["verified"] * 3


def test_damage_after_the_drop_is_an_error_of_the_read(store: Store) -> None:
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        lifecycle.archive(OLD)
        lifecycle.verify()
        lifecycle.drop(OLD)
        for path in store.objects():
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
        for read in (
            lambda: list(opened.get_category_messages("account")),
            lambda: opened.lifecycle.rehydrate(START, START + WEEK),
        ):
            with pytest.raises((ArchiveCorrupt, ArchiveUnavailable)):
                read()
    assert store.states() == ["dropped"] * CHUNKS


def change(store: Store, statement: str) -> None:
    """As the owner, on the chunk itself, behind the ledger's back."""
    [(chunk,)] = store.run("SELECT chunk_name FROM chunks ORDER BY range_start LIMIT 1")
    store.run("SELECT unfreeze(%s::regclass)", [chunk])
    store.run_behind(statement, {"until": START + WEEK})


@pytest.mark.parametrize(
    ("statement", "compressed"),
    [
        ("UPDATE messages SET data = '7' WHERE {of}", False),
        ("DELETE FROM messages WHERE {of}", True),
        ("UPDATE messages SET time = time + INTERVAL '1 microsecond' WHERE {of}", False),
        (
            "UPDATE messages SET metadata = CASE WHEN metadata IS NULL THEN 'null'::jsonb END "
            "WHERE {of}",
            True,
        ),
    ],
)
def test_rows_that_changed_after_the_export_stay(
    small: Store, statement: str, compressed: bool
) -> None:
    with small.opened() as opened:
        if compressed:
            opened.lifecycle.compress(OLD)
        opened.lifecycle.archive(OLD)
        opened.lifecycle.verify()
    of = "stream_name = 'account-2' AND time < %(until)s"
    change(small, statement.replace("{of}", of))
    kept = [
        ("SELECT to_jsonb(c) FROM chunks AS c ORDER BY range_start LIMIT 1", None),
        ("SELECT to_jsonb(m) FROM messages AS m WHERE time < %s ORDER BY 1", [START + WEEK]),
    ]
    before = [small.run(*each) for each in kept]

    with small.opened() as opened, pytest.raises(ChunkChanged, match="not the ones") as caught:
        opened.lifecycle.drop(OLD)

    assert "archive --again" in f"{caught.value.hint}"
    assert [small.run(*each) for each in kept] == before
    # And it keeps no other.
    assert small.states() == ["verified", "dropped"]


def test_what_changed_is_exported_again(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(OLD)
        opened.lifecycle.verify()
    change(small, "UPDATE messages SET data = '7' WHERE time < %(until)s")
    with small.opened() as opened:
        assert [c.state for c in opened.lifecycle.archive(OLD, again=True)] == ["exported"] * 2
        assert [v.problem for v in opened.lifecycle.verify()] == [None, None]
        opened.lifecycle.drop(OLD)
        assert opened.get_last_stream_message("ledger-1").data == 7  # type: ignore[union-attr]
    assert small.states() == ["dropped"] * 2


@pytest.mark.parametrize("step", ["nothing", "compress", "archive"])
def test_what_was_not_verified_stays(small: Store, step: str) -> None:
    with small.opened() as opened:
        if step != "nothing":
            getattr(opened.lifecycle, step)(OLD)
        reasons = [d.reason for d in opened.lifecycle.drop(OLD)]
    state = {"nothing": "closed", "compress": "compressed", "archive": "exported"}[step]
    assert reasons == [f"not verified: {state}"] * 2
    assert small.states() == [state] * 2


def test_sql_refuses_to_drop_what_is_not_archived(small: Store) -> None:
    before = small.snapshot()
    with pytest.raises(psycopg.Error, match="is not archived: it is open") as caught:
        small.run("SELECT * FROM drop_chunks_older_than(INTERVAL '60 days')")
    assert caught.value.sqlstate == "CS003"
    assert "coldstream archive" in f"{caught.value.diag.message_hint}"
    assert small.snapshot() == before


def test_sql_drops_all_or_nothing(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(START + WEEK)
        opened.lifecycle.verify()
    before = small.snapshot()
    with pytest.raises(psycopg.Error, match="is not archived"):
        small.run("SELECT * FROM drop_chunks_older_than(INTERVAL '60 days')")
    assert small.snapshot() == before


def test_sql_drops_what_is_verified(small: Store) -> None:
    with small.opened() as opened:
        opened.lifecycle.archive(OLD)
        opened.lifecycle.verify()
    dropped = small.run("SELECT * FROM drop_chunks_older_than(INTERVAL '60 days')")
    assert [(row[0], row[1]) for row in dropped] == [
        (START, START + WEEK),
        (START + WEEK, START + 2 * WEEK),
    ]
    assert sum(row[2] for row in dropped) == len(small.truth)
    assert small.states() == ["dropped"] * 2
    assert small.read_all() == small.truth


def test_reads_below_the_archived_edge_from_sql(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.archive(START + 2 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 2 * WEEK)
    for read in (
        "get_stream_messages('account-1')",
        "get_stream_messages('account-1', 7)",
        "get_stream_messages('account-2', 3)",
        "get_last_stream_message('account-2')",
        "get_last_stream_message('account-1', 'Unheard')",
        "get_category_messages('account')",
        "get_all_messages()",
    ):
        with pytest.raises(psycopg.Error, match="Messages have left the database") as caught:
            store.run(f"SELECT * FROM {read}")
        assert caught.value.sqlstate == "CS001"
        offered = "message_store.archived_reads" in f"{caught.value.diag.message_hint}"
        assert offered == ("stream" not in read)
        assert store.archive in f"{caught.value.diag.message_detail}"
    with store.installed.connect() as connection:
        connection.execute("SET message_store.archived_reads = 'skip'")
        rows = connection.execute("SELECT position FROM get_category_messages('border')").fetchall()
        assert rows[0] == (2,)
        for read in ("get_stream_messages('account-1')", "get_last_stream_message('account-2')"):
            with pytest.raises(psycopg.Error, match="Messages have left the database"):
                connection.execute(f"SELECT position FROM {read}".encode())
        rows = connection.execute("SELECT global_position FROM get_all_messages()").fetchall()
        connection.execute("RESET message_store.archived_reads")
    assert [position for (position,) in rows] == [
        m.global_position for m in store.truth if m.time >= START + 2 * WEEK
    ]


def test_a_read_above_the_archived_edge_needs_no_archive(store: Store) -> None:
    with store.opened() as opened:
        opened.lifecycle.archive(START + 2 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 2 * WEEK)
    assert len(store.run("SELECT * FROM get_stream_messages('account-1', 8)")) == 16
    assert len(store.run("SELECT * FROM get_stream_messages('order-2')")) == 4
    assert len(store.run("SELECT * FROM get_last_stream_message('account-1')")) == 1


def test_dropping_by_force(small: Store) -> None:
    dropped = small.run("SELECT * FROM drop_chunks_older_than(INTERVAL '60 days', force => true)")
    assert [row[3] for row in dropped] == [None, None]
    assert small.run("SELECT tier FROM get_chunks() WHERE state = 'dropped'") == [("gone",)] * 2
    with pytest.raises(psycopg.Error) as caught:
        small.run("SELECT * FROM get_stream_messages('account-1')")
    assert caught.value.sqlstate == "CS001"
    assert "dropped by force" in f"{caught.value.diag.message_hint}"
    with small.opened() as opened, pytest.raises(ColdstreamError, match="dropped by force"):
        opened.lifecycle.rehydrate(START, START + WEEK)
    [(version,)] = small.run("SELECT stream_version('account-1')")
    assert version == max(m.position for m in small.truth if m.stream_name == "account-1")
