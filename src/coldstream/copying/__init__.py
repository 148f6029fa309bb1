"""Roads in and out: from a running Message DB into a store, and back."""

from coldstream.copying.awaited import AsyncCopy
from coldstream.copying.copy import Copy
from coldstream.copying.results import (
    Copied,
    CopyPlan,
    Difference,
    OnProgress,
    Outside,
    Switched,
    Verified,
)

__all__ = [
    "AsyncCopy",
    "Copied",
    "Copy",
    "CopyPlan",
    "Difference",
    "OnProgress",
    "Outside",
    "Switched",
    "Verified",
]
