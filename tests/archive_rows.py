"""Rows for the archive's tests: made from a seed, awkward on purpose."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.manifest import Manifest

START = datetime(2026, 11, 3, tzinfo=UTC)
END = START + timedelta(days=7)

# Text exactly as PostgreSQL's jsonb gives it, or NULL; parsed and written again most would differ.
JSON_TEXTS = (
    None,
    "null",
    "{}",
    '{"amount": 12345678901234567890.123456789012345678901234567890}',
    '{"big": 123456789012345678901234567890, "zero": 0.0, "exact": 1.10}',
    '{"line": "one\\ntwo", "comma": ",", "quote": "a \\"b\\" c", "apostrophe": "\'"}',
    '{"emoji": "🌊", "greek": "ψυχρός", "combining": "e\u0301", "line separator": "\u2028"}',
    '"just text"',
    "[1, [2, [3, []]]]",
    '""',
)
NAMES = (
    "account",
    "two\nlines",
    "account:command",
    "Ünïcode",
    "über,komma",
    'say "hi"',
    "a+b",
    "a",
)


def make_rows(count: int, *, seed: int = 1, first_global_position: int = 1) -> list[Row]:
    """``count`` rows in file order, in some streams of each category and without an id."""
    chosen = random.Random(seed)
    streams = [
        f"{name}-{number}" if number else name
        for name in NAMES
        for number in range(count // 40 + 2)
    ]
    positions: dict[str, int] = {}
    rows: list[Row] = []
    for number in range(count):
        stream = chosen.choice(streams)
        positions[stream] = position = positions.get(stream, -1) + 1
        rows.append(
            (
                first_global_position + number,
                position,
                START + timedelta(microseconds=number * 1_000_003),
                stream,
                chosen.choice(("Opened", "Deposited", "Zurückgezogen")),
                chosen.choice(JSON_TEXTS),
                chosen.choice((None, '{"correlationStreamName": "process-1"}', '{"n": 1.50}')),
                UUID(int=chosen.getrandbits(128)),
                stream.partition("-")[0],
            )
        )
    rows.sort(key=lambda row: (row[3].encode(), row[1]))
    return rows


def large_json(characters: int) -> str:
    return json.dumps({"text": "x" * characters})


def batches(rows: list[Row], size: int = 700) -> list[list[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def with_file(manifest: Manifest, **change: Any) -> Manifest:
    """The manifest with its first file described otherwise."""
    return replace(manifest, files=(replace(manifest.files[0], **change), *manifest.files[1:]))
