"""Names of streams. No I/O.

They follow Message DB (https://docs.eventide-project.org/user-guide/stream-names/):
``category-id``, where the category is everything before the first dash, and a compound id is
joined by ``+``; its first part is the cardinal id.
"""

from __future__ import annotations


def category(stream_name: str) -> str:
    """The part before the first dash; the whole name where there is none."""
    return stream_name.partition("-")[0]


def is_category(stream_name: str) -> bool:
    """Whether the name has no dash, and so names a category."""
    return "-" not in stream_name


def stream_id(stream_name: str) -> str | None:
    """The part after the first dash, or ``None`` for a category."""
    _, dash, rest = stream_name.partition("-")
    return rest if dash else None


def cardinal_id(stream_name: str) -> str | None:
    """The first part of a compound id (``a+b`` gives ``a``), or ``None`` for a category."""
    rest = stream_id(stream_name)
    return None if rest is None else rest.partition("+")[0]
