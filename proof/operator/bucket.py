"""What lies in an archive, read without the store: manifests and their files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq

from proof.model.truth import Fault, Made

_MANIFEST = re.compile(r"_manifest-(\d{6})\.json")
_CLAIM = re.compile(r"writer-(\d{6,})\.json")


class Bucket:
    """A folder with the archive of one history (and of nothing else, as its operator believes)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = folder.as_uri()
        self._read: dict[Path, dict[UUID, Made]] = {}
        # By range: what the newest manifest had when it was last looked at.
        self.known: dict[str, dict[UUID, Made]] = {}
        self._shared: set[str] = set()

    def share(self, ranges: dict[str, dict[UUID, Made]]) -> None:
        """Ranges that a fork reads where they were before."""
        self.known.update(ranges)
        self._shared |= set(ranges)

    def read(self, manifest: str) -> dict[UUID, Made]:
        """What the manifest of this key has."""
        return self._rows(self.folder / manifest)

    def _rows(self, path: Path) -> dict[UUID, Made]:
        if path not in self._read:
            self._read[path] = _rows(self.folder, path)
        return self._read[path]

    def listing(self) -> dict[str, int]:
        """Every object with its size."""
        return {
            str(path.relative_to(self.folder)): path.stat().st_size
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def claim(self) -> int:
        """The number of the newest claim."""
        return max(
            (int(found[1]) for name in self.listing() if (found := _CLAIM.search(name))), default=0
        )

    def messages(self) -> list[Made]:
        """All that it holds."""
        return [made for rows in self.known.values() for made in rows.values()]

    def look(self, deleted: set[UUID]) -> None:
        """Read what is new in it.

        Raises:
            Fault: a range is gone, or its newest manifest lacks messages that the one before had
                and nobody deleted; or a position is there twice.
        """
        found: dict[str, dict[UUID, Made]] = {}
        for folder, path in self._newest().items():
            found[folder] = self._rows(path)
        for folder, before in self.known.items():
            if folder not in found:
                if folder in self._shared:
                    continue
                raise Fault(f"{self.url}: the range {folder} has no manifest any more")
            lost = before.keys() - found[folder].keys() - deleted
            if lost:
                raise Fault(
                    f"{self.url}: the newest manifest of {folder} knows {len(found[folder])}"
                    f" messages, and the one before it {len(before)}; lost: {before[lost.pop()]}"
                )
        self.known.update(found)
        self._unique()

    def _unique(self) -> None:
        places: dict[tuple[str, int], Made] = {}
        numbers: dict[int, Made] = {}
        for made in self.messages():
            first = places.setdefault((made.stream_name, made.position), made)
            first = first if first != made else numbers.setdefault(made.global_position, made)
            if first.id != made.id:
                raise Fault(f"{self.url}: a position twice in the archive: {first} and {made}")

    def _newest(self) -> dict[str, Path]:
        newest: dict[str, tuple[int, Path]] = {}
        for path in self.folder.rglob("_manifest-*.json"):
            match = _MANIFEST.fullmatch(path.name)
            if match and not path.parent.name.startswith("_"):
                name = str(path.parent.relative_to(self.folder))
                newest[name] = max(newest.get(name, (0, path)), (int(match[1]), path))
        return {name: path for name, (_, path) in newest.items()}


def _rows(folder: Path, manifest: Path) -> dict[UUID, Made]:
    document = json.loads(manifest.read_bytes())
    found: dict[UUID, Made] = {}
    for file in document["files"]:
        path = folder / file["key"]
        for row in _parquet(path) if path.suffix == ".parquet" else _csv(path):
            made = Made(
                UUID(row["id"]),
                row["stream_name"],
                row["type"],
                int(row["position"]),
                int(row["global_position"]),
                row["data"] or "",
                row["metadata"] or None,
                row["time"],
            )
            if made.id in found:
                raise Fault(f"{manifest}: {made} twice")
            found[made.id] = made
    if len(found) != document["rows"]:
        raise Fault(f"{manifest} says {document['rows']} rows, and its files have {len(found)}")
    return found


def _parquet(path: Path) -> Iterable[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _csv(path: Path) -> Iterable[dict[str, Any]]:
    for row in csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")):
        yield {**row, "time": datetime.fromisoformat(row["time"])}
