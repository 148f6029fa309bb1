"""Damage archived files, one bit or a truncation at a time, and show that each is found.

    .venv/bin/python -m proof.damage [--seed N] [--rounds N]

Parquet, CSV and the manifest, ``--rounds`` flipped bits and as many truncations each. The proof
(``coldstream verify``) has to find every one. A client's read of everything, in ranges, has to fail
or to give exactly the messages that were archived: a bit in what it does not need changes nothing.
Needs no server.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

from coldstream.archive.export import Export, Files
from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.commit import commit_manifest, newest_of_range
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.read.verify import verify_files
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.errors import ArchiveError
from coldstream.messages.message import Message
from coldstream.settings import FORMATS, Format

START = datetime(2026, 1, 5, tzinfo=UTC)
END = START + timedelta(days=7)


@dataclass(frozen=True)
class Figures:
    """Of one file and one kind of damage. ``unchanged``: a read that gave what was archived."""

    file: str
    damage: str
    rounds: int
    verify_found: int
    reads_found: int
    reads_unchanged: int

    @property
    def held(self) -> bool:
        return (
            self.verify_found == self.rounds
            and self.reads_found + self.reads_unchanged == self.rounds
        )


def rows(seed: int, number: int) -> list[Row]:
    """A history in the archive's order: long streams and short ones, all kinds of NULL."""
    chosen = random.Random(seed)
    found: list[Row] = []
    streams = sorted(f"{chosen.choice(['account', 'order'])}-{n}" for n in range(number // 10))
    for stream in streams:
        for position in range(chosen.choice([1, 5, 24])):
            found.append(
                (
                    0,
                    position,
                    START + timedelta(minutes=len(found) % 10_000, microseconds=position),
                    stream,
                    chosen.choice(["Opened", "Changed"]),
                    chosen.choice(
                        [None, f'{{"n": {position}, "ü": "{chosen.getrandbits(99):x}"}}']
                    ),
                    chosen.choice([None, '{"correlationStreamName": "order-1"}']),
                    UUID(int=chosen.getrandbits(128)),
                    stream.partition("-")[0],
                )
            )
    numbers = chosen.sample(range(1, 3 * len(found)), len(found))
    return [(number, *row[1:]) for number, row in zip(numbers, found, strict=True)]


def flips(data: bytes, rounds: int, chosen: random.Random) -> Iterator[bytes]:
    """The data with one bit changed, each time another."""
    for bit in chosen.sample(range(len(data) * 8), rounds):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)


def truncations(data: bytes, rounds: int, chosen: random.Random) -> Iterator[bytes]:
    """The data without its end: without the last byte, without all of it, and in between."""
    sizes = {0, len(data) - 1}
    while len(sizes) < rounds:
        sizes.add(chosen.randrange(len(data)))
    for size in sorted(sizes)[:rounds]:
        yield data[:size]


DAMAGES: dict[str, Callable[[bytes, int, random.Random], Iterator[bytes]]] = {
    "flipped bits": flips,
    "truncations": truncations,
}


class Archived:
    """One archived range in memory."""

    def __init__(self, format: Format, seed: int, number: int) -> None:
        self.location = ArchiveLocation.open("memory://")
        # Two files, or three.
        export = Export(self.location, "s", Files(format, file_rows=number // 2))
        self.manifest = export.chunk([rows(seed, number)], "c", START, END)
        self.manifest_key = commit_manifest(self.location, self.manifest)
        self.truth = self.read()

    def read(self) -> list[Message]:
        """Everything, as a client reads it: in global order, and each stream of it in its own."""
        reader = ArchiveReader(self.location)
        found = list(chain.from_iterable(reader.read_category_batches([self.manifest], None)))
        for name in sorted({message.stream_name for message in found})[:3]:
            found += reader.read_stream([self.manifest], name)
        return found

    def replace(self, key: str, data: bytes) -> None:
        self.location.put_file(key, io.BytesIO(data))


def fails(action: Callable[[], object]) -> bool:
    """Does it say that something is wrong?"""
    try:
        action()
    except ArchiveError:
        return True
    return False


def prove_object(format: Format, damage: str, *, seed: int, rounds: int, number: int) -> Figures:
    """Damage a range's data files N times, now one and now another."""
    archived = Archived(format, seed, number)
    files = len(archived.manifest.files)
    proved = found = unchanged = 0
    for at, key in enumerate(archived.manifest.keys):
        share = rounds // files + (at < rounds % files)
        whole = archived.location.get(key)
        for damaged in DAMAGES[damage](whole, share, random.Random(seed)):
            archived.replace(key, damaged)
            proved += fails(lambda: verify_files(archived.location, archived.manifest))
            try:
                unchanged += archived.read() == archived.truth
            except ArchiveError:
                found += 1
        archived.replace(key, whole)
    verify_files(archived.location, archived.manifest)
    return Figures(format, damage, rounds, proved, found, unchanged)


def prove_manifest(damage: str, *, seed: int, rounds: int) -> Figures:
    """Damage a manifest N times: nobody may take it for one."""
    archived = Archived("parquet", seed, 100)
    whole = archived.location.get(archived.manifest_key)
    proved = found = 0
    for damaged in DAMAGES[damage](whole, rounds, random.Random(seed)):
        archived.replace(archived.manifest_key, damaged)
        proved += fails(lambda: newest_of_range(archived.location, "s", START, END))
        found += fails(lambda: Manifest.from_json(archived.location.get(archived.manifest_key)))
    return Figures("manifest", damage, rounds, proved, found, 0)


def prove(*, seed: int, rounds: int, number: int = 6_000) -> Iterator[Figures]:
    """Every file and every damage."""
    for damage in DAMAGES:
        for format in FORMATS:
            yield prove_object(format, damage, seed=seed, rounds=rounds, number=number)
        yield prove_manifest(damage, seed=seed, rounds=rounds)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=100)
    given = parser.parse_args(words)
    started, held = time.monotonic(), True
    print(f"{'':10}{'':14}{'found by verify':>17}{'by a read':>12}{'read as it was':>16}")
    for each in prove(seed=given.seed, rounds=given.rounds):
        of = f"{each.verify_found} of {each.rounds}"
        print(
            f"{each.file:10}{each.damage:14}{of:>17}{each.reads_found:>12}{each.reads_unchanged:>16}"
        )
        if not each.held:
            held = False
            print(f"FAILED: {each}", file=sys.stderr)
    print(f"seed {given.seed}, {time.monotonic() - started:.0f} s")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
