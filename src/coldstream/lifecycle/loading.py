"""A range of the archive into a table, a step a transaction, and the table into the store's.

Until the last step nobody reads the table: a reader sees all of the range in the archive, or all of
it in the database. The next run goes on with what one that was killed has loaded: the table's
comment says what that is, and how many of the archive's rows it has looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import timedelta

import msgspec
from psycopg import sql

from coldstream.archive.format.digest import RowsDigest
from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.restore import archived_rows
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.client.errors import mapped
from coldstream.errors import ChunkChanged
from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.session import Reporter, Session, patiently
from coldstream.sql import query

STEP_ROWS = 50_000
"""Rows of the archive that a step looks at: what a kill makes again at most."""

ROWS_A_SECOND = 40_000
"""What an estimate of the time goes by."""

STEPS_AFTER = 2
"""The indexes and the digest."""

_TYPES = ["int8", "int8", "timestamptz", "text", "text", "text", "text", "uuid", "int8", "text"]
_KEY = "correlationStreamName"
_METADATA = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Loading:
    """One chunk's. ``streams``: the patterns of those that are to come back; ``None``: all."""

    def __init__(
        self,
        session: Session,
        location: ArchiveLocation,
        chunk: Chunk,
        manifest: Manifest,
        streams: Sequence[str] | None,
        keep_for: timedelta | None,
        report: Reporter,
    ) -> None:
        self._session = session
        self._location = location
        self._chunk = chunk
        self._manifest = manifest
        self._keep_for = keep_for
        self._report = report
        loaded = chunk.part_streams or ()
        # Those of a part that is back come once more: its chunk goes when the new one is there.
        self._streams = streams and [
            *loaded,
            *(s for s in dict.fromkeys(streams) if s not in loaded),
        ]

    def run(self) -> None:
        """Load what is not loaded yet, and let readers find it."""
        start = self._chunk.range_start
        staged, done = self._begin()
        whole, part = RowsDigest(), RowsDigest()
        looked_at = 0
        for rows in self._steps():
            some = self._matching(rows)
            if self._streams is not None:
                whole.update(rows)
                part.update(some)
            looked_at += len(rows)
            if looked_at > done:
                # Steps are cut in the same places in every run: none is half behind it.
                self._step(staged, some, looked_at)
            self._report("rows", looked_at, self._manifest.rows)
        for number in range(1, STEPS_AFTER + 1):
            self._session.rows("digest_staged", [start, number])
        digests = [None, None] if self._streams is None else [str(whole), str(part)]
        try:
            patiently(
                self._session, "finish_rehydrate", [start, self._keep_for, self._streams, *digests]
            )
        except ChunkChanged:
            # The next run has to begin anew, and not to end with the same rows.
            self._session.rows("drop_staged", [start])
            raise

    def _begin(self) -> tuple[str, int]:
        """The table, and how many rows of the archive are behind it."""
        source = f"{self._manifest.digest} {self._streams} {STEP_ROWS}"
        named = hashlib.sha256(source.encode()).hexdigest()
        staged, done = self._session.one("begin_rehydrate", [self._chunk.range_start, named])
        return str(staged), int(done)

    def _steps(self) -> Iterator[list[Row]]:
        """The archive's rows in its order, always cut in the same places."""
        step: list[Row] = []
        for rows in archived_rows(self._location, self._manifest, progress=self._report):
            step += rows
            while len(step) >= STEP_ROWS:
                yield step[:STEP_ROWS]
                step = step[STEP_ROWS:]
        if step:
            yield step

    def _step(self, staged: str, rows: list[Row], looked_at: int) -> None:
        session = self._session
        statement = sql.SQL(query("fill_staged", session.schema)).format(staged=sql.SQL(staged))
        with mapped(session.schema), session.connection.transaction():
            with session.connection.cursor() as cursor, cursor.copy(statement) as copy:
                copy.set_types(_TYPES)
                for row in rows:
                    metadata = row[6]
                    copy.write_row(
                        (
                            *row[:8],
                            row[0] >> 14,
                            "-"
                            if metadata is None or _KEY not in metadata
                            else correlation(metadata),
                        )
                    )
            session.rows("keep_staged", [self._chunk.range_start, f'{{"rows": {looked_at}}}'])

    def _matching(self, rows: list[Row]) -> list[Row]:
        """The rows of the streams that are to come back. The server says which those are, because
        it is the server that a read asks later."""
        if self._streams is None:
            return rows
        names = list(dict.fromkeys(row[3] for row in rows))
        found = self._session.rows(
            "matching_streams", {"names": names, "streams": self._streams, "loaded": []}
        )
        matched = {name for name, _ in found}
        return [row for row in rows if row[3] in matched]


def correlation(metadata: str) -> str:
    """What the column correlation_category is for this metadata: the category of its
    correlationStreamName, ``-`` where it has none."""
    try:
        value = _METADATA.decode(metadata).get(_KEY)
    except msgspec.MsgspecError:
        return "-"
    text = "null" if value is None else str(bytes(value), "utf-8")
    if text == "null":
        return "-"
    name = msgspec.json.decode(text, type=str) if text.startswith('"') else text
    return name.split("-", 1)[0]
