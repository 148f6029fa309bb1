"""What was written once is not written again, in whatever tier the first copy is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.clients import Client
from tests.fix_store import InstalledStore
from tests.fix_tiers import TierStore
from tests.history import END, START, move

import coldstream
from coldstream import (
    ArchiveUnavailable,
    DuplicateMessageId,
    ExpectedVersionError,
    InvalidInput,
    Message,
    NewMessage,
    Unavailable,
    WriteResult,
)
from coldstream.archive.read.reader import ArchiveReader
from coldstream.client.archived import ArchivedIds


def results(messages: list[Message]) -> list[WriteResult]:
    return [WriteResult(each.position, each.global_position) for each in messages]


def new(message: Message) -> NewMessage:
    return NewMessage(message.stream_name, message.type, {"again": True}, id=message.id)


def unchanged(tier: TierStore, client: Client) -> bool:
    ids = [message.id for message in client.get_all_messages()]
    return sorted(ids) == sorted(message.id for message in tier.truth)


def test_each_message_is_found(tier: TierStore, client: Client) -> None:
    for message in tier.truth:
        again = client.write_message(
            message.stream_name, message.type, {"again": True}, id=message.id, idempotent=True
        )
        assert again == WriteResult(message.position, message.global_position)
    assert unchanged(tier, client)


def test_all_of_them_in_one_call(tier: TierStore, client: Client) -> None:
    again = client.write_messages([new(each) for each in tier.truth], idempotent=True)
    assert again == results(tier.truth)
    assert unchanged(tier, client)


def test_an_import_that_is_made_again(tier: TierStore, client: Client) -> None:
    assert client.import_messages(tier.truth, idempotent=True) == 0
    assert unchanged(tier, client)


def test_an_appender(tier: TierStore) -> None:
    with (
        coldstream.connect(tier.installed.dsn, schema=tier.installed.schema) as store,
        store.appender() as appender,
    ):
        futures = [
            appender.submit(each.stream_name, each.type, id=each.id, idempotent=True)
            for each in tier.truth
        ]
        assert [future.result() for future in futures] == results(tier.truth)
        assert len(list(store.get_all_messages())) == len(tier.truth)


def old(stream_name: str, position: int = 0) -> Message:
    """A message of the first chunk of tests.history."""
    time = START + timedelta(hours=1 + position)
    return Message(uuid4(), stream_name, "T", position, 0, "{}", None, time)


@pytest.fixture
def store(quiet_store: InstalledStore, tmp_path: Path) -> Iterator[coldstream.Store]:
    with coldstream.connect(
        quiet_store.dsn, schema=quiet_store.schema, archive=tmp_path.as_uri()
    ) as store:
        yield store


def again(store: coldstream.Store, message: Message) -> WriteResult:
    return store.write_message(message.stream_name, "T", id=message.id, idempotent=True)


def test_in_a_chunk_that_late_messages_opened_again(store: coldstream.Store) -> None:
    first, late = old("account-1", 0), old("account-1", 1)
    store.import_messages([first])
    store.lifecycle.compress(END)
    store.import_messages([late])
    assert again(store, first).position == 0
    assert again(store, late).position == 1
    store.lifecycle.compress(END)
    assert again(store, first).position == 0
    assert again(store, late).position == 1


@pytest.mark.native
def test_in_a_chunk_that_somebody_compressed(
    store: coldstream.Store, quiet_store: InstalledStore
) -> None:
    first = old("account-1")
    store.import_messages([first])
    quiet_store.run("SELECT public.compress_chunk(c) FROM public.show_chunks('messages') AS c")
    assert again(store, first).position == 0
    quiet_store.run("CALL close_ended_chunks()")
    assert again(store, first).position == 0


@pytest.mark.native
def test_an_old_message_that_was_imported_after_newer_ones(
    store: coldstream.Store, quiet_store: InstalledStore
) -> None:
    store.write_message("account-1", "T")
    quiet_store.run("CALL close_ended_chunks()")
    first = old("order-1")
    store.import_messages([first])
    assert again(store, first).position == 0
    with store.appender() as appender:
        assert appender.write_message("order-1", "T", id=first.id, idempotent=True).position == 0


@pytest.mark.native
def test_where_the_archive_cannot_be_read_nothing_is_written(
    store: coldstream.Store, quiet_store: InstalledStore, tmp_path: Path
) -> None:
    first = old("account-1")
    store.import_messages([first])
    move(quiet_store, tmp_path.as_uri(), "archived")
    tmp_path.rename(tmp_path.with_name("away"))
    with coldstream.connect(quiet_store.dsn, schema=quiet_store.schema) as other:
        for write in (other.write_message, other.appender().write_message):
            with pytest.raises(ArchiveUnavailable, match="written before cannot be found out"):
                write("account-1", "T", id=first.id, idempotent=True)
        assert other.stream_version("account-1") == 0
        # A stream that has nothing there does not ask, and who does not want to know does not.
        assert other.write_message("account-2", "T", id=uuid4(), idempotent=True).position == 0
        assert other.write_message("account-1", "T", idempotent="database").position == 1


@pytest.mark.native
def test_the_archive_of_a_stream_is_read_once(
    store: coldstream.Store, quiet_store: InstalledStore, tmp_path: Path, monkeypatch: Any
) -> None:
    messages = [old("account-1", n) for n in range(3)]
    store.import_messages(messages)
    move(quiet_store, tmp_path.as_uri(), "archived")
    reads = []
    read_stream = ArchiveReader.read_stream

    def counted(*arguments: Any, **options: Any) -> Any:
        reads.append(arguments)
        return read_stream(*arguments, **options)

    monkeypatch.setattr(ArchiveReader, "read_stream", counted)
    for n in range(3):
        result = store.write_message("account-1", "T", id=uuid4(), idempotent=True)
        assert result.position == 3 + n
        assert again(store, messages[n]).position == n
    assert len(reads) == 1
    # An id that is made for the write is nobody's.
    assert store.write_message("account-1", "T", idempotent=True).position == 6
    assert len(reads) == 1
    # What is more than may be kept is read each time, and not taken for all there is.
    monkeypatch.setattr(ArchivedIds, "MOST", 1)
    with coldstream.connect(
        quiet_store.dsn, schema=quiet_store.schema, archive=tmp_path.as_uri()
    ) as other:
        monkeypatch.setattr("coldstream.client._sync.written._PAGE", 1)
        for n in (2, 0, 1):
            assert other.write_message("account-1", "T", id=uuid4(), idempotent=True)
            assert again(other, messages[n]).position == n


def test_a_call_of_which_a_part_was_written(client_store: coldstream.Store) -> None:
    messages = [NewMessage(f"account-{n % 2}", "T", {"n": n}) for n in range(4)]
    first = client_store.write_messages(messages[:2])
    versions = {"account-0": 0, "account-1": 0}
    with pytest.raises(DuplicateMessageId, match="written before"):
        client_store.write_messages(messages)
    again = client_store.write_messages(messages, versions, idempotent=True)
    assert again[:2] == first
    assert [result.position for result in again] == [0, 0, 1, 1]
    # What a lost answer leads to: the same call, whose versions are not those of now.
    assert client_store.write_messages(messages, versions, idempotent=True) == again
    more = [*messages, NewMessage("account-0", "T")]
    with pytest.raises(ExpectedVersionError):
        client_store.write_messages(more, versions, idempotent=True)
    twice = client_store.write_messages([more[-1], more[-1]], idempotent=True)
    assert twice[0] == twice[1] == WriteResult(2, twice[0].global_position)
    with pytest.raises(InvalidInput, match="not written to: order-1"):
        client_store.write_messages(messages, {"order-1": 0}, idempotent=True)
    with pytest.raises(InvalidInput, match="idempotent must be"):
        client_store.write_message("account-1", "T", idempotent="yes")  # type: ignore[arg-type]


@pytest.fixture
def client_store(store_schema: InstalledStore) -> Iterator[coldstream.Store]:
    with coldstream.connect(store_schema.dsn, schema=store_schema.schema) as store:
        yield store


def test_an_import_that_was_broken_off(store: coldstream.Store) -> None:
    messages = [old("account-1", n) for n in range(5)]
    assert store.import_messages(messages[:3]) == 3
    store.lifecycle.compress(END)
    assert store.import_messages(messages, batch_size=2, idempotent=True) == 2
    assert [m.id for m in store.get_stream_messages("account-1")] == [m.id for m in messages]
    moved = replace(messages[0], position=7)
    with pytest.raises(DuplicateMessageId, match="is at position 0, not 7"):
        store.import_messages([moved], idempotent=True)


@pytest.mark.native
def test_a_connection_that_is_lost_costs_no_second_message(
    client_store: coldstream.Store, store_schema: InstalledStore
) -> None:
    """The server ends the connection just after the commit: the answer is lost."""
    sent: list[str] = []
    rows = client_store._connections.rows

    def lose(name: str, arguments: Any = ()) -> list[Any]:
        result = rows(name, arguments)
        if name.startswith("write_message") and not sent:
            sent.append(name)
            error = Unavailable("lost")
            error.__cause__ = psycopg.OperationalError("the connection was lost")
            raise error
        return result

    client_store._connections.rows = lose  # type: ignore[method-assign]
    assert client_store.write_message("account-1", "T", idempotent=True).position == 0
    sent.clear()
    messages = [NewMessage("account-1", "T"), NewMessage("account-1", "T")]
    results = client_store.write_messages(messages, {"account-1": 0}, idempotent=True)
    assert [result.position for result in results] == [1, 2]
    assert client_store.stream_version("account-1") == 2
