"""States recorded in a stream, in Eventide's convention.

A snapshot of ``account-123`` is a message of type ``Recorded`` in ``account:snapshot-123``, with
``entityData``, ``entityVersion`` and ``time``; the last one counts
(https://github.com/eventide-project/entity-snapshot-postgres). ``projection`` and
``projectionVersion`` are ours: without them a changed projection would go on from a state that it
would not have made.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from coldstream.entities.cache import Kept
from coldstream.entities.projection import Projection
from coldstream.errors import InvalidInput
from coldstream.messages.json import decode_json, encode_json
from coldstream.messages.message import Message
from coldstream.messages.models import decode_text, is_model
from coldstream.messages.names import category, stream_id
from coldstream.messages.payloads import encode

RECORDED = "Recorded"

# What JSON gives back as it was: these are decoded without loss of decimals.
_PLAIN = (dict, list, str, int, bool)


@dataclass(frozen=True)
class Snapshots:
    """Snapshots of what is fetched.

    ``every``: messages from one snapshot to the next, at least. ``category``: that of the snapshot
    streams, before ``:snapshot``; left out, the stream's own. Two projections of one category need
    two. ``read_only``: use what is there, write none.

    Raises:
        InvalidInput: ``every`` less than 1, or no category.
    """

    every: int = 1000
    category: str | None = None
    read_only: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise InvalidInput(f"every is a number of messages, 1 at least: {self.every!r}")
        if self.category is not None and (not self.category or "-" in self.category):
            raise InvalidInput(
                f"Not a category: {self.category!r}",
                hint="Give the part before the first dash: account",
            )

    def stream_name(self, stream_name: str) -> str:
        """Where snapshots of a stream are: ``account:snapshot-123``; of a category that has types
        already, ``account:v2+snapshot-123``."""
        name = self.category or category(stream_name)
        joint = "+" if ":" in name else ":"
        return f"{name}{joint}snapshot-{stream_id(stream_name)}"


def recorded(projection: Projection[Any], message: Message) -> Kept | None:
    """The state that a snapshot holds; ``None`` where it is of another projection, of another
    version, or does not fit the class of the state."""
    data = message.data
    if not isinstance(data, dict) or data.get("projection") != projection.name:
        return None
    version = data.get("entityVersion")
    if data.get("projectionVersion") != projection.version:
        return None
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        return None
    try:
        state = _decoded(projection, data.get("entityData"))
    except ValueError:
        # The class has changed and the version has not: what cannot be read is folded anew.
        return None
    return Kept(state, version, version)


def is_newer(projection: Projection[Any], message: Message) -> bool:
    """Whether a later version of the projection wrote a snapshot, which an older one, still running
    beside it, must not cover with its own."""
    data = message.data
    return (
        isinstance(data, dict)
        and data.get("projection") == projection.name
        and isinstance(data.get("projectionVersion"), int)
        and data["projectionVersion"] > projection.version
    )


def record(projection: Projection[Any], state: Any, version: int) -> dict[str, Any]:
    """The data of a snapshot.

    Raises:
        InvalidInput: the state does not come back from JSON as it was.
    """
    data = decode_json(encode(state))
    try:
        same = _equal(state, _decoded(projection, data))
    except ValueError as error:
        raise _lost(projection, str(error)) from error
    if not same:
        raise _lost(projection, "it is another one when it is read")
    return {
        "entityData": data,
        "entityVersion": version,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "projection": projection.name,
        "projectionVersion": projection.version,
    }


def _decoded(projection: Projection[Any], data: Any) -> Any:
    kind = projection.state
    if kind in _PLAIN:
        if type(data) is not kind:
            raise ValueError(f"Expected `{kind.__name__}`, got `{type(data).__name__}`")
        return data
    text = encode_json(data)
    return decode_text(kind, "null" if text is None else text)


def _equal(state: Any, decoded: Any) -> bool:
    """Whether they are the same to a function of the projection: 1.5 is not Decimal("1.5")."""
    kind: Any = type(state)
    if kind is not type(decoded):
        return False
    if kind is dict:
        return state.keys() == decoded.keys() and all(_equal(state[k], decoded[k]) for k in state)
    if kind is list:
        return len(state) == len(decoded) and all(map(_equal, state, decoded))
    if state == decoded:
        return True
    # Where not even a copy is equal, nothing says when two are, except what is recorded of them.
    if state == deepcopy(state):
        return False
    return encode(state, order="deterministic") == encode(decoded, order="deterministic")


def _lost(projection: Projection[Any], reason: str) -> InvalidInput:
    hint = "Make the state a dataclass, a msgspec.Struct or a pydantic model with typed fields."
    if not is_model(projection.state):
        hint += " Where initial is a function, name the class: Projection(..., state=Account)."
    return InvalidInput(
        f"A state of {projection.name} cannot be kept in a snapshot: {reason}", hint=hint
    )
