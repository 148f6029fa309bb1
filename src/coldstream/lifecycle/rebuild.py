"""The ledger's archive part, and the heads and marks of its streams, from the bucket alone.

For a new database, or one whose ledger was lost or is older than the archive. Every object that is
taken in is read whole and proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
import pyarrow as pa

from coldstream.archive import layout
from coldstream.archive.export import verify_object
from coldstream.archive.inventory import newest_manifest_keys, newest_manifests
from coldstream.archive.location import ArchiveLocation
from coldstream.archive.manifest import Manifest
from coldstream.client._errors import mapped
from coldstream.client._sync import Store
from coldstream.errors import ArchiveConflict
from coldstream.lifecycle.incarnation import own_location
from coldstream.lifecycle.session import Session, working

_STREAMS = 1_000


@dataclass(frozen=True)
class Rebuilt:
    """One archived range, with the first of its files. ``result``: ``restored``; ``known``, the
    ledger had it; ``database``, its rows are in the database and were left as they are."""

    range_start: datetime
    range_end: datetime
    messages: int
    archive_object: str
    result: str


def rebuild(store: Store, *, dry_run: bool) -> list[Rebuilt]:
    """Restore all ranges that the ledger does not know, in one transaction, or none of them."""
    results = []
    with working(store) as session:
        location = own_location(store, session)
        manifests = newest_manifests(location, session.schema)
        keys = {key.rpartition("/")[0]: key for key in newest_manifest_keys(location, store.schema)}
        if not manifests:
            return []
        stores = {manifest.store_id for manifest in manifests}
        if len(stores) > 1 or None in stores:
            raise ArchiveConflict(
                f"{location.url} holds ranges of several stores",
                hint="Give every store its own archive URL.",
            )
        with mapped(session.schema), session.connection.transaction():
            session.rows("adopt_store_id", [stores.pop()])
            for manifest in manifests:
                key = keys[
                    layout.range_prefix(manifest.schema, manifest.range_start, manifest.range_end)
                ]
                [result] = session.one(
                    "restore_range", [location.url, key, manifest.to_json().decode()]
                )
                if result == "restored":
                    _restore_heads(session, location, manifest)
                results.append(
                    Rebuilt(
                        manifest.range_start,
                        manifest.range_end,
                        manifest.rows,
                        manifest.keys[0],
                        result,
                    )
                )
            if dry_run:
                raise psycopg.Rollback
            session.rows("finish_restore")
            session.rows("keep_archive_url", [location.url])
            session.rows("set_behind", [False, False])
    return results


def _restore_heads(session: Session, location: ArchiveLocation, manifest: Manifest) -> None:
    streams = _Streams()

    def take(batch: pa.RecordBatch) -> None:
        streams.add(batch)
        while len(streams.ended) >= _STREAMS:
            _send(session, manifest, streams.ended[:_STREAMS])
            del streams.ended[:_STREAMS]

    verify_object(location, manifest, with_rows=take)
    streams.end()
    if streams.ended:
        _send(session, manifest, streams.ended)


def _send(session: Session, manifest: Manifest, streams: list[tuple[Any, ...]]) -> None:
    columns = [list(column) for column in zip(*streams, strict=True)]
    session.rows("restore_heads", columns)
    session.rows("restore_marks", [manifest.range_start, *columns[:2]])


class _Streams:
    """What a file holds of each stream, from rows in the archive's order: name, first and last
    position, first and last time, and whether time follows the positions."""

    def __init__(self) -> None:
        self.ended: list[tuple[Any, ...]] = []
        self._name: str | None = None
        self._positions: list[int] = []
        self._times: list[datetime] = []
        self._in_order = True

    def add(self, batch: pa.RecordBatch) -> None:
        for name, position, time in _rows(batch):
            if name != self._name:
                self.end()
                self._name, self._in_order = name, True
                self._positions, self._times = [position, position], [time, time, time]
                continue
            lowest, highest, before = self._times
            self._in_order = self._in_order and time >= before
            self._times = [min(lowest, time), max(highest, time), time]
            self._positions[1] = position

    def end(self) -> None:
        if self._name is not None:
            first, last, _ = self._times
            self.ended.append((self._name, *self._positions, first, last, self._in_order))
        self._name = None


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[str, int, datetime]]:
    return zip(
        batch["stream_name"].to_pylist(),
        batch["position"].to_pylist(),
        batch["time"].to_pylist(),
        strict=True,
    )
