"""A batch has the outcomes its messages would have had one after another, whatever goes wrong.

The server is a model of one, in memory: versions by stream, ids, all or none. So is the network.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg_pool import PoolTimeout

import coldstream.client._sync.batches as batches
from coldstream import (
    ColdstreamError,
    DuplicateMessageId,
    ExpectedVersionError,
    InvalidInput,
    Unavailable,
    WriteResult,
)
from coldstream.client._entries import Entry
from coldstream.client.errors import duplicate_id, wrong_version

POISON = '{"poison":true}'


def lost() -> Unavailable:
    error = Unavailable("the connection was lost")
    error.__cause__ = psycopg.OperationalError()
    return error


def no_connection() -> Unavailable:
    error = Unavailable("no connection")
    error.__cause__ = PoolTimeout()
    return error


class Rows(list[Any]):
    """Looks like a cursor that has been executed."""

    def fetchall(self) -> list[Any]:
        return self


class Server:
    """``faults``: what happens to the next calls that write: ``"before"`` and ``"after"`` lose the
    connection before or after the commit, ``"refused"`` gives no connection, ``None`` works."""

    timeout = 60.0

    def __init__(self, faults: Sequence[str | None] = ()) -> None:
        self.ids: dict[str, tuple[str, WriteResult]] = {}
        self.streams: dict[str, list[str]] = {}
        self.faults = list(faults)
        self.calls = 0
        self.reads = 0

    def rows(self, name: str, arguments: Sequence[Any]) -> list[Any]:
        if name == "stream_versions":
            self.reads += 1
            return [(each, self.version(each)) for each in elements(arguments[0])]
        if name == "find_messages":
            self.reads += 1
            found = [
                (stream, id, self.ids[id][1])
                for stream, id in zip(*map(elements, arguments), strict=True)
                if self.ids.get(id, (None,))[0] == stream
            ]
            return [(stream, id, r.position, r.global_position, 0) for stream, id, r in found]
        self.calls += 1
        if name == "write_message":
            columns, versions = [[each] for each in arguments[:5]], {arguments[1]: arguments[5]}
        else:
            assert name == "write_messages"
            columns = [elements(each) for each in arguments[:4]]
            columns.append(elements(arguments[4]) if arguments[4] else [None] * len(columns[0]))
            versions = eval(arguments[5]) if arguments[5] else {}
        fault = self.faults.pop(0) if self.faults else None
        if fault == "before":
            raise lost()
        if fault == "refused":
            raise no_connection()
        results = self.write(list(zip(*columns, strict=True)), versions)
        if fault == "after":
            raise lost()
        return [(each.position, each.global_position) for each in results]

    def unread(self, name: str, arguments: Sequence[Any]) -> Rows:
        return Rows(self.rows(name, arguments))

    def fetch(self, rows: Rows) -> list[Any]:
        return rows.fetchall()

    def version(self, stream_name: str | None) -> int:
        return len(self.streams.get(stream_name or "", [])) - 1

    def write(
        self, messages: Sequence[tuple[Any, ...]], versions: dict[str, int | None]
    ) -> list[WriteResult]:
        if any(message[3] == POISON for message in messages):
            raise InvalidInput("poison")
        for stream, version in versions.items():
            if version is not None and version != self.version(stream):
                raise wrong_version(stream, expected=version, actual=self.version(stream))
        ids = [message[0] for message in messages]
        for number, id in enumerate(ids):
            if id in self.ids or id in ids[:number]:
                raise duplicate_id(id)
        results = []
        for id, stream, *_ in messages:
            self.streams.setdefault(stream, []).append(id)
            results.append(WriteResult(self.version(stream), len(self.ids) + 1))
            self.ids[id] = (stream, results[-1])
        return results


def elements(array: bytes) -> list[str | None]:
    """The elements of a binary array of text or JSON."""
    _, _, oid, count, _ = struct.unpack_from("!iiIii", array)
    offset = 20
    found: list[str | None] = []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", array, offset)
        offset += 4
        if length < 0:
            found.append(None)
            continue
        found.append(array[offset + (oid == 3802) : offset + length].decode())
        offset += length
    assert offset == len(array)
    return found


def entry(
    stream_name: str = "account-1",
    expected_version: int | None = None,
    *,
    id: int | None = None,
    data: str = "{}",
    idempotent: bool = False,
) -> Entry:
    number = random.getrandbits(128) if id is None else id
    return Entry(
        (str(UUID(int=number)), stream_name, "T", data, None), expected_version, idempotent
    )


def outcomes(server: Server, entries: Sequence[Entry]) -> list[object]:
    """Write a batch; positions of those that were written, and errors of the others."""
    written = batches.write_batch(server, None, entries)  # type: ignore[arg-type]
    good = [each for each in entries if isinstance(each.outcome, WriteResult)]
    if not any(each.idempotent for each in entries) and not any(server.faults):
        assert sum(written) <= len(good)
    return [shown(each) for each in entries]


def shown(each: Entry) -> object:
    if isinstance(each.outcome, WriteResult):
        return each.outcome.position
    if isinstance(each.outcome, ExpectedVersionError):
        assert each.outcome.expected == each.expected_version
        assert each.outcome.stream_name == each.stream_name
        return f"at {each.outcome.actual}"
    assert isinstance(each.outcome, ColdstreamError)
    return type(each.outcome)


def one_after_another(server: Server, entries: Sequence[Entry]) -> list[object]:
    found: list[object] = []
    for each in entries:
        try:
            [result] = server.write([each.arguments], {each.stream_name: each.expected_version})
        except ExpectedVersionError as error:
            found.append(f"at {error.actual}")
        except ColdstreamError as error:
            found.append(type(error))
        else:
            found.append(result.position)
    return found


def test_all_good_ones_are_one_transaction() -> None:
    server = Server()
    entries = [entry(f"account-{n % 3}", n // 3 - 1) for n in range(12)]
    assert outcomes(server, entries) == [n // 3 for n in range(12)]
    assert (server.calls, server.reads) == (1, 0)


def test_a_wrong_version_costs_one_more_transaction_whatever_their_number() -> None:
    server = Server()
    entries = [entry(f"account-{n}", n % 2 - 1) for n in range(100)]
    assert outcomes(server, entries) == [0, "at -1"] * 50
    assert server.calls == 2


def test_versions_that_follow_each_other_in_a_batch() -> None:
    server = Server()
    batches.write_batch(server, None, [entry() for _ in range(5)])  # type: ignore[arg-type]
    entries = [entry("account-1", e) for e in [4, 5, 5, None, 7, 6, 8]]
    assert outcomes(server, entries) == [5, 6, "at 6", 7, 8, "at 8", 9]
    assert server.calls == 2


def test_a_version_no_stream_before_it_can_have_had() -> None:
    server = Server()
    entries = [entry(), entry(), entry("account-1", -1), entry("account-1", 1)]
    assert outcomes(server, entries) == [0, 1, "at 1", 2]
    assert server.calls == 1


def test_ids_that_were_written_before_are_found_in_one_look() -> None:
    server = Server()
    outcomes(server, [entry(id=n) for n in range(0, 100, 2)])
    found = outcomes(server, [entry(id=n) for n in range(100)])
    assert found == [DuplicateMessageId if n % 2 == 0 else 50 + n // 2 for n in range(100)]
    assert (server.calls, server.reads) == (3, 1)


def test_an_idempotent_write_finds_the_first_one() -> None:
    server = Server()
    outcomes(server, [entry("account-1", -1, id=1), entry("account-1", 0, id=2)])
    again = [
        entry("account-1", -1, id=1, idempotent=True),
        entry("account-1", id=2, idempotent=True),
        entry("account-2", id=2, idempotent=True),
        entry("account-1", 1, id=3, idempotent=True),
        entry("account-1", id=3, idempotent=True),
    ]
    assert outcomes(server, again) == [0, 1, DuplicateMessageId, 2, 2]
    assert len(server.ids) == 3


def test_each_gets_an_exception_of_its_own() -> None:
    server = Server(["refused"])
    entries = [entry(), entry()]
    assert outcomes(server, entries) == [Unavailable, Unavailable]
    first, second = (each.outcome for each in entries)
    assert first is not second
    assert str(first) == str(second) == "no connection"
    assert server.ids == {}


@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_lost_connection_is_no_error(fault: str) -> None:
    server = Server([fault])
    assert outcomes(server, [entry("account-1", n - 1) for n in range(5)]) == [0, 1, 2, 3, 4]
    assert len(server.ids) == 5


def test_what_was_refused_beside_a_lost_batch_keeps_its_error() -> None:
    server = Server(["after"])
    entries = [entry("account-1", -1), entry("account-1", -1), entry("account-1", 0)]
    assert outcomes(server, entries) == [0, "at 0", 1]


def test_an_error_after_a_lost_connection_that_had_committed() -> None:
    server = Server(["after"])
    write, calls = server.write, []

    def spoilt(*arguments: Any) -> list[WriteResult]:
        calls.append(arguments)
        if len(calls) == 2:
            raise coldstream_error()
        return write(*arguments)

    def coldstream_error() -> ColdstreamError:
        return ColdstreamError("a clock that jumped, say")

    server.write = spoilt  # type: ignore[method-assign, assignment]
    assert outcomes(server, [entry(), entry()]) == [0, 1]


def test_an_outcome_that_stays_unknown_is_called_so() -> None:
    server = Server(["after", "refused", "refused"])
    server.timeout = 0.0
    entries = [entry(), entry()]
    assert outcomes(server, entries) == [Unavailable, Unavailable]
    for each in entries:
        assert isinstance(each.outcome, Unavailable)
        assert "not known" in str(each.outcome)
        assert each.outcome.hint is not None
        assert "idempotent=True" in each.outcome.hint


def test_a_repeated_id_beside_a_lost_connection_is_not_taken_for_our_own() -> None:
    server = Server()
    outcomes(server, [entry(id=1)])
    server.faults = ["before"]
    assert outcomes(server, [entry(id=1), entry(id=2)]) == [DuplicateMessageId, 1]


@pytest.mark.parametrize("seed", range(200))
def test_any_batch_is_as_one_after_another(seed: int) -> None:
    chance = random.Random(seed)
    server, model = Server(), Server()
    # Not both: after a lost connection an id of the caller's own that was written before, to the
    # same stream, is taken for what was lost.
    losses = seed % 2 == 0

    for _ in range(3):
        entries = [anything(chance, own_ids=not losses) for _ in range(chance.randint(1, 12))]
        if losses:
            server.faults = [chance.choice(["before", "after", None]) for _ in range(3)]
        expected = one_after_another(model, entries)
        assert outcomes(server, entries) == expected
        assert server.streams == model.streams
        server.faults = []


def anything(chance: random.Random, *, own_ids: bool) -> Entry:
    data = POISON if chance.random() < 0.1 else "{}"
    return entry(
        f"account-{chance.randint(1, 3)}",
        # What is poisoned and wrong besides may get either error.
        chance.choice([None, None, -1, 0, 1, 2, 3, 4]) if data != POISON else None,
        id=chance.randint(1, 40) if own_ids and chance.random() < 0.3 and data != POISON else None,
        data=data,
    )


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "sleep_sync", lambda _: None)
