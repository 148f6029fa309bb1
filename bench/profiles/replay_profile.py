"""Where the time of a replay goes: decoding, bringing in order, making messages.

    .venv/bin/python bench/profiles/replay_profile.py [ARCHIVE --schema NAME] [--category NAME]

Reads a category of an archive, or all of it, from storage alone; without an archive, one of its
own in a temporary folder. Printed is the best of some rounds, in microseconds a message: the time
on the processor, of all threads, which depends little on other programs; and the time that passes,
which does. A part is what it takes alone; the replay makes messages while it does the rest.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from coldstream.archive.export import Export
from coldstream.archive.format.parquet_rows import open_parquet
from coldstream.archive.format.rows import COLUMNS, to_messages
from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.manifest.inventory import newest_manifests
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.ordering import pieces, tables_in_global_order
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ColdstreamError

START = datetime(2025, 1, 2, tzinfo=UTC)
MESSAGES, ROUNDS = 200_000, 3


def made(location: ArchiveLocation) -> None:
    """One chunk: streams of ten, whose global positions lie beside one another."""
    chosen = random.Random(1)
    numbers = range(MESSAGES)
    names = [f"account-{number // 10:08d}" for number in numbers]
    note = "lorem ipsum dolor sit amet " * 8
    bodies = [
        f'{{"amount": {n}, "note": "{note}", "id": "{chosen.getrandbits(128):x}"}}' for n in numbers
    ]
    columns = {
        "global_position": pa.array(chosen.sample(numbers, MESSAGES), pa.int64()),
        "position": pa.array([number % 10 for number in numbers]),
        "time": pa.array(
            [START + timedelta(seconds=n) for n in numbers], pa.timestamp("us", "UTC")
        ),
        "stream_name": pa.array(names),
        "type": pa.array(["Deposited"] * MESSAGES),
        "data": pa.array(bodies),
        "metadata": pa.array([f'{{"causationMessageStreamName": "{name}"}}' for name in names]),
        "id": pa.array([chosen.randbytes(16) for _ in numbers], pa.binary(16)),
        "category": pa.array(["account"] * MESSAGES),
    }
    manifest = Export(location, "message_store").chunk(
        [pa.record_batch([columns[name] for name in COLUMNS], names=list(COLUMNS))],
        "profile",
        START,
        START + timedelta(days=7),
    )
    commit_manifest(location, manifest)


class Replay:
    """A category of an archive, and the parts that reading it consists of. Each gives how many."""

    def __init__(
        self, location: ArchiveLocation, manifests: list[Manifest], category: str | None
    ) -> None:
        self._location = location
        self._manifests = [each for each in manifests if each.format == "parquet"]
        self._category = category

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for manifest in self._manifests:
            for file in manifest.files:
                rows = open_parquet(self._location.open_object(file.key, file.bytes))
                yield from rows.batches(category=self._category)
                rows.close()

    def decode(self) -> int:
        return sum(batch.num_rows for batch in self._batches())

    def in_order(self) -> int:
        found = 0
        for manifest in self._manifests:
            for file in manifest.files:
                rows = open_parquet(self._location.open_object(file.key, file.bytes))
                tables = tables_in_global_order(rows, self._category, reading_on=True)
                found += sum(table.num_rows for table in tables)
                rows.close()
        return found

    def read_and_make(self) -> int:
        return sum(
            len(to_messages(piece))
            for batch in self._batches()
            for piece in pieces(pa.Table.from_batches([batch]))
        )

    def whole(self) -> int:
        reader = ArchiveReader(self._location)
        return sum(map(len, reader.read_category_batches(self._manifests, self._category)))


def best(part: Callable[[], int]) -> tuple[int, float, float]:
    """How many messages; the least processor time and time of the rounds, in seconds."""
    found, used, passed = 0, float("inf"), float("inf")
    for _ in range(ROUNDS):
        started, worked = time.perf_counter(), time.process_time()
        found = part()
        used = min(used, time.process_time() - worked)
        passed = min(passed, time.perf_counter() - started)
    return found, used, passed


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("archive", nargs="?", default=None)
    parser.add_argument("--schema", default="message_store")
    parser.add_argument("--category", default=None)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="coldstream-profile-") as folder:
        location = ArchiveLocation.open(given.archive or Path(folder).as_uri())
        if given.archive is None:
            made(location)
        try:
            manifests = newest_manifests(location, given.schema)
        except ColdstreamError as error:
            print(error, file=sys.stderr)
            return 1
        replay = Replay(location, manifests, given.category)
        _, decoding, _ = best(replay.decode)
        messages, ordering, passed = best(replay.in_order)
        if not messages:
            print("Nothing to read there, in Parquet", file=sys.stderr)
            return 1
        _, making, _ = best(replay.read_and_make)
        print(f"{'':28}{'processor':>12}{'passed':>12}   microseconds a message")
        for title, seconds in (
            ("decoding", decoding),
            ("making messages", making - decoding),
        ):
            print(f"{title:28}{seconds / messages * 1e6:12.2f}")
        for title, seconds, took in (
            ("decoding, in global order", ordering, passed),
            ("the replay, all of it", *best(replay.whole)[1:]),
        ):
            print(
                f"{title:28}{seconds / messages * 1e6:12.2f}{took / messages * 1e6:12.2f}"
                f"   {messages / seconds:,.0f} and {messages / took:,.0f} messages/s"
            )
        print(f"{messages:,} messages, the best of {ROUNDS} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
