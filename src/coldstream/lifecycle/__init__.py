"""A store's lifecycle: compress, archive, verify, drop, rehydrate. A file per verb;
``run`` is all that is due by a policy.

What is due is decided by age; what may be done is decided by the chunk's state in the ledger
(:mod:`coldstream.lifecycle.states`). Every verb can be killed at any point and run again.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from coldstream.lifecycle.chunk import Chunk
from coldstream.lifecycle.drop import Drop
from coldstream.lifecycle.lifecycle import Lifecycle
from coldstream.lifecycle.plan import Step
from coldstream.lifecycle.policy import Policy
from coldstream.lifecycle.published import Published
from coldstream.lifecycle.session import OlderThan, Progress
from coldstream.lifecycle.transition import Transition

if TYPE_CHECKING:
    from coldstream.archive.storage.location import ObjectInfo
    from coldstream.lifecycle.adopt import Adopted, Forked
    from coldstream.lifecycle.awaited import AsyncLifecycle
    from coldstream.lifecycle.publish import Publication
    from coldstream.lifecycle.rebuild import Rebuilt
    from coldstream.lifecycle.repair import Repaired
    from coldstream.lifecycle.verify import Verification

__all__ = [
    "Adopted",
    "AsyncLifecycle",
    "Chunk",
    "Drop",
    "Forked",
    "Lifecycle",
    "ObjectInfo",
    "OlderThan",
    "Policy",
    "Progress",
    "Publication",
    "Published",
    "Rebuilt",
    "Repaired",
    "Step",
    "Transition",
    "Verification",
]

# Results of verbs that bring pyarrow: loaded when they are asked for.
_LATE = {
    "Adopted": "coldstream.lifecycle.adopt",
    "AsyncLifecycle": "coldstream.lifecycle.awaited",
    "Forked": "coldstream.lifecycle.adopt",
    "ObjectInfo": "coldstream.archive.storage.location",
    "Publication": "coldstream.lifecycle.publish",
    "Rebuilt": "coldstream.lifecycle.rebuild",
    "Repaired": "coldstream.lifecycle.repair",
    "Verification": "coldstream.lifecycle.verify",
}

# Not for type checkers: to them every name would be there, a mistyped one too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATE[name]), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATE})
