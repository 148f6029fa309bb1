"""The numbered migrations: each runs once, and never changes once released."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from coldstream.sql.objects import Engine


@dataclass(frozen=True)
class Migration:
    """One file. ``checksum`` is the SHA-256 of its text before names are put in."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """Every migration of this release, in order."""
    entries = resources.files(__package__).iterdir()
    return [
        Migration(entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for entry in sorted(entries, key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    ]


def engine_text(engine: Engine) -> str:
    """What this engine adds to the first migration: the form of messages, and unique ids."""
    return resources.files(__package__).joinpath("engines", f"{engine}.sql").read_text("utf-8")
