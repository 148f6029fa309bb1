"""A sample of the user's own messages, in place of the model.

Real messages only, none twice: copies would compress as no real history does. Times keep their
proportions and are moved into the benchmark's range; positions are counted anew from 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from coldstream.errors import InvalidInput
from coldstream.migrations.connection import direct_connection
from coldstream.sql import Names
from coldstream_bench.sql import query
from coldstream_bench.workload import Event

_FEWEST = 1000
_FETCHED = 2000


class Sample:
    """The newest messages of a store, kept in a file. ``count``: how many there are."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.count = 0
        self._path = path
        self._times = (0.0, 0.0)

    def events(self, count: int, start: datetime, end: datetime) -> Iterator[Event]:
        """The first ``count`` of the sample; see :class:`coldstream_bench.workload.Source`."""
        first, last = self._times
        scale = (end - start) / max(last - first, 1e-6) * (1 - 1e-6)
        positions: dict[str, int] = {}
        moment = start
        with self._path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                if number == count:
                    return
                id, stream_name, type, data, metadata, seconds = json.loads(line)
                position = positions.get(stream_name, -1) + 1
                positions[stream_name] = position
                # The clock of the store may have gone back; the benchmark's history does not.
                moment = max(moment, start + (seconds - first) * scale)
                yield Event(id, stream_name, type, position, data, metadata, moment)

    def take(self, dsn: str, schema: str, count: int) -> None:
        """Read the ``count`` newest messages of the store in ``schema`` of ``dsn``.

        Raises:
            InvalidInput: there are fewer than 1,000.
            Unavailable and what a store raises: they cannot be read.
        """
        statement = query("sample").replace("@extschema@", Names(schema).render("@extschema@"))
        times: list[float] = []
        with (
            direct_connection(dsn, schema) as connection,
            connection.transaction(),
            self._path.open("w", encoding="utf-8") as lines,
            connection.cursor("coldstream_bench_sample") as cursor,
        ):
            cursor.itersize = _FETCHED
            cursor.execute(statement.encode(), {"count": count})
            for row in cursor:
                lines.write(json.dumps(row) + "\n")
                times = [min(times[0], row[-1]), max(times[1], row[-1])] if times else [row[-1]] * 2
                self.count += 1
        if self.count < _FEWEST:
            raise InvalidInput(
                f"Only {self.count} messages in schema {schema}, {_FEWEST:,} at least are needed",
                hint="Leave --from-dsn out: the model makes as many as are asked for.",
            )
        self._times = (times[0], times[1])
