"""What is compared: the store, Message DB's functions on a plain table and on a bare hypertable.

All three have functions of the same names and arguments: statements differ by their schema alone.
"""

from __future__ import annotations

from dataclasses import dataclass

COLDSTREAM, PLAIN, SEED = "coldstream", "plain", "seed"


@dataclass(frozen=True)
class Contender:
    """One of them, in its schema."""

    name: str
    schema: str

    def call(self, function: str, arguments: int) -> str:
        """The statement that reads a function's rows."""
        return f"SELECT * FROM {self.schema}.{function}({_places(arguments)})"

    def value(self, function: str, arguments: int) -> str:
        """The statement that takes a function's one value."""
        return f"SELECT {self.schema}.{function}({_places(arguments)})"

    @property
    def write(self) -> str:
        """Id, stream name, type, data, metadata."""
        return f"SELECT {self.schema}.write_message(%s, %s, %s, %s::jsonb, %s::jsonb)"


def _places(count: int) -> str:
    return ", ".join(["%s"] * count)
