# Generated from src/coldstream/client/_async/batches.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

"""A batch of messages is written, and each of them gets its own result or its own error."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count

from coldstream.again import Pauses
from coldstream.client._arrays import varchar_array
from coldstream.client._entries import Entry, Plan, expecting, fail, runs, same_id
from coldstream.client._sync.connections import Connections
from coldstream.client._sync.retries import connection_lost, retried_rows, rolled_back
from coldstream.client._sync.written import find_written
from coldstream.client.archived import Readers
from coldstream.client.arguments import Key
from coldstream.client.concurrency import sleep_sync
from coldstream.errors import (
    ColdstreamError,
    DuplicateMessageId,
    ExpectedVersionError,
    LifecycleError,
    SetupError,
    Unavailable,
)
from coldstream.messages.message import WriteResult

# Each round finds out what the round before got wrong; only other writers can spoil it again.
_ROUNDS = 4
_TRIES = 3
_PAUSES = Pauses(0.05, 1.0)


def write_batch(connections: Connections, readers: Readers, entries: Sequence[Entry]) -> list[int]:
    """Write the messages in their order, all in one transaction where none is at fault, and give
    every entry its outcome. Returns how many messages each transaction wrote.
    After a lost connection it goes on for as long as the store waits for a connection.
    """
    written: list[int] = []
    sought = [entry for entry in entries if entry.idempotent and not entry.new_id]
    _find_written(connections, readers, sought)
    batches = runs([entry for entry in entries if entry.outcome is None])[::-1]
    while batches:
        batch = batches.pop()
        try:
            _write(connections, batch, written)
        except Unavailable as error:
            fail([entry for entry in batch if entry.outcome is None], error)
            for rest in batches:
                fail(rest, _not_sent(error))
            break
        except ColdstreamError as error:
            batch = [entry for entry in batch if entry.outcome is None]
            if len(batch) == 1 or isinstance(error, SetupError | LifecycleError):
                fail(batch, error)
            else:
                # Whose fault it is the server does not say. The first half is written first.
                middle = len(batch) // 2
                batches += [batch[middle:], batch[:middle]]
    refused = [
        entry
        for entry in entries
        if entry.idempotent and isinstance(entry.outcome, DuplicateMessageId | ExpectedVersionError)
    ]
    # Another wrote it meanwhile, or an entry before it in the batch did.
    _find_written(connections, readers, refused)
    return written


def _write(connections: Connections, batch: list[Entry], written: list[int]) -> None:
    """Write in one transaction all but those whose version is wrong or whose id is not new."""
    versions: dict[str, int] = {}
    for last in [False] * (_ROUNDS - 1) + [True]:
        plan = Plan(batch, versions)
        try:
            results = _results(connections, plan) if plan.accepted else []
        except ExpectedVersionError:
            if last or len(batch) == 1:
                raise
            names = varchar_array(expecting(batch))
            versions = dict(retried_rows(connections, "stream_versions", [names]))
        except DuplicateMessageId:
            if last or len(batch) == 1:
                raise
            found = _find(connections, plan.accepted)
            if not found:
                raise
            for entry in plan.accepted:
                if (entry.stream_name, entry.id) in found:
                    entry.outcome = same_id(entry)
            batch = [entry for entry in batch if entry.outcome is None]
        else:
            plan.settle(results)
            if results:
                written.append(len(results))
            return


def _results(connections: Connections, plan: Plan) -> list[WriteResult]:
    """Write what a plan accepted, once, even when the connection is lost on the way.

    A repeated call cannot write twice: it waits for the category's lock until the first one has
    committed or is gone, and then finds the ids taken. So whatever error a repeated call ends in,
    the ids say whether the first one had committed.

    Raises:
        Unavailable: also when it could not be found out; then the message says so.
        ColdstreamError: nothing was written.
    """
    name, arguments = plan.statement
    lost_at: float | None = None
    tries = 1
    for round in count(1):
        try:
            return [WriteResult(*row) for row in connections.rows(name, arguments)]
        except ColdstreamError as caught:
            error = caught
        if lost_at is not None and not isinstance(error, Unavailable):
            try:
                found = _find(connections, plan.accepted)
            except Unavailable as again:
                error = again
            else:
                results = [found.get((entry.stream_name, entry.id)) for entry in plan.accepted]
                present = [result for result in results if result is not None]
                # All or none: if only some are there, others wrote them.
                if len(present) == len(results):
                    return present
        if not isinstance(error, Unavailable):
            raise error
        if lost_at is None and connection_lost(error):
            lost_at = time.monotonic()
        if lost_at is None:
            if not rolled_back(error) or tries == _TRIES:
                raise error
            tries += 1
        elif time.monotonic() - lost_at > connections.timeout:
            raise _unknown(error) from error
        sleep_sync(_PAUSES.after(round))
    raise AssertionError("not reached")


def _find(connections: Connections, entries: Sequence[Entry]) -> dict[Key, WriteResult]:
    """Those of these that are in the database: all that was written a moment ago is."""
    return find_written(connections, None, [(e.stream_name, e.id) for e in entries])


def _find_written(connections: Connections, readers: Readers, entries: Sequence[Entry]) -> None:
    """Give those that are in their streams already the outcome of the write that is repeated."""
    for which in (True, "database"):
        sought = [entry for entry in entries if entry.idempotent == which]
        keys = [(entry.stream_name, entry.id) for entry in sought]
        try:
            found = find_written(connections, readers if which is True else None, keys)
        except ColdstreamError as error:
            fail(sought, error)
            continue
        for entry in sought:
            entry.outcome = found.get((entry.stream_name, entry.id), entry.outcome)


def _unknown(error: Unavailable) -> Unavailable:
    return Unavailable(
        f"The connection was lost, and whether the message was written is not known: {error}",
        hint="Write it again with the same id and idempotent=True: it is written once.",
    )


def _not_sent(error: Unavailable) -> Unavailable:
    return Unavailable(
        f"The message was not sent, because another could not be: {error}",
        hint="Write it again.",
    )
