"""How far something is: what is called meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Transferred: TypeAlias = Callable[[int, int], None]
"""Called with the bytes done so far and those there are in all."""

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with a step's name, what is done so far and what there is in all, where that is known.

``rows`` counts rows; ``upload`` and ``download`` count bytes; ``check`` counts rows.
"""


def progress_after(before: int, step: str, progress: Progress | None) -> Transferred | None:
    """The progress in bytes of a file, ``before`` bytes of others being done already."""
    if progress is None:
        return None
    return lambda done, total: progress(step, before + done, before + total)
