"""Arguments and rows: what both clients share, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import simplejson
from uuid_utils import uuid7

from coldstream.client._arrays import (
    bigint_array,
    jsonb_array,
    timestamptz_array,
    uuid_array,
    varchar_array,
)
from coldstream.errors import InvalidInput, NotACategory, NotAStream
from coldstream.messages.json import JsonText, encode_json
from coldstream.messages.message import Message, NewMessage
from coldstream.messages.names import is_category

# A stream name is a key of an index, and PostgreSQL's B-tree refuses keys of 2,704 bytes and more.
MAX_NAME_BYTES = 2600


MessageArguments = tuple[str, str, str, str | None, str | None]
"""Id, stream name, type, data and metadata of a message, checked and encoded."""


Idempotent: TypeAlias = bool | Literal["database"]
"""Whether a write that was done before is found; ``"database"``: but for what has left it."""

Key: TypeAlias = tuple[str, str]
"""The name of a stream, and the canonical text of an id."""


def message_arguments(
    id: UUID | str | None, stream_name: str, type: str, data: Any, metadata: Any
) -> MessageArguments:
    """The parts of a message as a statement takes them; an id is made where there is none.

    Raises:
        InvalidInput: no server would take it.
    """
    return (
        str(uuid7()) if id is None else check_id(id),
        check_text("stream name", stream_name),
        check_text("type", type),
        _json("data", data),
        _json("metadata", metadata),
    )


def write_many_arguments(
    messages: Sequence[NewMessage], expected_versions: Mapping[str, int] | None
) -> tuple[Any, ...]:
    """The arguments of ``write_messages``: five arrays of one length, and a JSON object.

    Raises:
        InvalidInput: also for an expected version of a stream that no message is for.
    """
    for version in (expected_versions or {}).values():
        check_number("expected version", version)
    _check_all(messages, NewMessage)
    names = check_texts("stream name", [each.stream_name for each in messages])
    check_expected_streams(expected_versions or {}, names)
    return _write_arguments(
        [_hex(each.id) for each in messages],
        names,
        check_texts("type", [each.type for each in messages]),
        [_json("data", each.data) for each in messages],
        [_json("metadata", each.metadata) for each in messages],
        expected_versions,
    )


def write_rows_arguments(
    rows: Sequence[MessageArguments], expected_versions: Mapping[str, int] | None
) -> tuple[Any, ...]:
    """The arguments of ``write_messages``, from rows that were checked before."""
    ids, names, types, data, metadata = zip(*rows, strict=True)
    return _write_arguments(ids, names, types, data, metadata, expected_versions)


def _write_arguments(
    ids: Sequence[str],
    names: Sequence[str],
    types: Sequence[str],
    data: Sequence[str | None],
    metadata: Sequence[str | None],
    expected_versions: Mapping[str, int] | None,
) -> tuple[Any, ...]:
    return (
        varchar_array(ids),
        varchar_array(names),
        varchar_array(types),
        jsonb_array(data),
        jsonb_array(metadata) if any(each is not None for each in metadata) else None,
        simplejson.dumps(dict(expected_versions)) if expected_versions else None,
    )


def check_global_positions(value: object) -> bool:
    """Whether an import keeps the global positions of its messages."""
    if value not in ("new", "keep"):
        raise InvalidInput(f"global_positions must be new or keep: {value!r}")
    return value == "keep"


def import_arguments(messages: Sequence[Message], keep: bool = False) -> tuple[Any, ...]:
    """The arguments of ``import_messages``: arrays of one length.

    The last one, of global positions, is ``None`` unless they are kept.

    Raises:
        InvalidInput: no server would take it, or a time that has no time zone.
    """
    _check_all(messages, Message)
    for each in messages:
        check_number("position", each.position)
        if not isinstance(each.time, datetime):
            raise InvalidInput(f"The time of a message must be a datetime: {each.time!r}")
        if each.time.tzinfo is None:
            raise InvalidInput(f"The time of a message has no time zone: {each.time}")
    return (
        bigint_array([each.position for each in messages]),
        timestamptz_array([each.time for each in messages]),
        varchar_array(check_texts("stream name", [each.stream_name for each in messages])),
        varchar_array(check_texts("type", [each.type for each in messages])),
        jsonb_array([_json("data", _given(each.data_text)) for each in messages]),
        jsonb_array([_json("metadata", _given(each.metadata_text)) for each in messages]),
        uuid_array([_uuid(each.id) for each in messages]),
        bigint_array([each.global_position for each in messages]) if keep else None,
    )


def _check_all(messages: Any, kind: type) -> None:
    """Refuse what has not the parts of a message: those of another class that has them will do."""
    if not isinstance(messages, Sequence) or isinstance(messages, str | bytes):
        raise InvalidInput(f"Messages must be a list: {messages!r:.80}")
    for each in messages:
        if not isinstance(each, kind) and not hasattr(each, "stream_name"):
            raise InvalidInput(
                f"Not a message: {each!r:.80}", hint=f"Make a coldstream.{kind.__name__} of it."
            )


def _given(text: str | None) -> JsonText | None:
    return None if text is None else JsonText(text)


def check_id(id: UUID | str) -> str:
    """The canonical text of an id.

    Raises:
        InvalidInput: not a UUID.
    """
    try:
        return str(id if isinstance(id, UUID) else UUID(id))
    except (ValueError, AttributeError, TypeError):
        raise InvalidInput(
            f"Not a UUID: {id!r}", hint="Leave the id out and the client makes one."
        ) from None


def _uuid(id: UUID | str) -> UUID:
    return id if isinstance(id, UUID) else UUID(check_id(id))


def _hex(id: UUID | str) -> str:
    """An id as the server takes it too, for less than its canonical text costs."""
    return id.hex if isinstance(id, UUID) else check_id(id)


def check_text(what: str, value: str) -> str:
    """The text itself.

    Raises:
        InvalidInput: not a string, with a NUL or a lone surrogate (PostgreSQL's ``text`` holds
            neither), or longer than an index key may be.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"The {what} must be a string: {value!r}")
    # Nearly every name is ASCII, where characters are bytes.
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise InvalidInput(f"The {what} is not Unicode text: {value[:40]!r}") from None
    if "\0" in value:
        raise InvalidInput(f"The {what} must not contain NUL: {value[:40]!r}")
    if size > MAX_NAME_BYTES:
        raise InvalidInput(
            f"The {what} is too long: {size} bytes, {MAX_NAME_BYTES} at most: {value[:40]!r}..."
        )
    return value


def check_texts(what: str, values: Sequence[str]) -> Sequence[str]:
    """The texts themselves; each is looked at once, however often it is there.

    Raises:
        InvalidInput: see :func:`check_text`.
    """
    distinct: Iterable[str] = values
    # What has no hash is not text, and is refused where it is looked at.
    with suppress(TypeError):
        distinct = dict.fromkeys(values)
    for value in distinct:
        check_text(what, value)
    return values


def check_version(expected_version: int | None) -> int | None:
    """The expected version itself.

    Raises:
        InvalidInput: see :func:`check_number`.
    """
    if expected_version is None:
        return None
    return check_number("expected version", expected_version)


def check_number(what: str, value: int) -> int:
    """The number itself.

    Raises:
        InvalidInput: not an integer that a ``bigint`` holds.
    """
    # A bool is an int to Python, and another type to PostgreSQL.
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidInput(f"The {what} must be an integer: {value!r}")
    if not -(2**63) <= value < 2**63:
        raise InvalidInput(f"The {what} is out of range: {value}")
    return value


def check_not_idempotent(value: Any) -> None:
    """
    Raises:
        InvalidInput: it is; for that the message is looked for over other connections, which do not
            see what a transaction has not committed.
    """
    if check_idempotent(value):
        raise InvalidInput("A write over your own connection cannot be idempotent")


def check_idempotent(idempotent: Idempotent) -> Idempotent:
    """The argument itself."""
    if not isinstance(idempotent, bool) and idempotent != "database":
        raise InvalidInput(f"idempotent must be True, False or 'database': {idempotent!r}")
    return idempotent


def check_expected_streams(expected_versions: Mapping[str, int], names: Iterable[str]) -> None:
    """Raise InvalidInput where a version is expected of a stream that no message is for."""
    unused = set(expected_versions).difference(names)
    # It would guard nothing, and most likely the name is misspelt.
    if unused:
        raise InvalidInput(
            f"An expected version of a stream that is not written to: {min(unused)}",
            hint="Name only streams of the messages in the same call.",
        )


def check_tiers(tiers: str) -> bool:
    """Whether every tier is read, or the database alone."""
    if tiers not in ("all", "database"):
        raise InvalidInput(f"tiers must be 'all' or 'database': {tiers!r}")
    return tiers == "all"


def check_stream(stream_name: str) -> str:
    """The stream name itself.

    Raises:
        NotAStream: it is a category.
        InvalidInput: see :func:`check_text`.
    """
    if is_category(check_text("stream name", stream_name)):
        raise NotAStream(
            f"Must be a stream name: {stream_name}",
            hint="A stream name is a category, a dash and an id, such as account-123.",
        )
    return stream_name


def check_category(category: str) -> str:
    """The category itself.

    Raises:
        NotACategory: it is a stream name.
        InvalidInput: see :func:`check_text`.
    """
    if not is_category(check_text("category", category)):
        raise NotACategory(
            f"Must be a category: {category}", hint="A category is the part before the first dash."
        )
    return category


def listing_arguments(prefix: str, limit: int, after: str) -> tuple[str, str, int]:
    """The arguments of a listing by name.

    Raises:
        InvalidInput: a limit that is not 1 to 2,147,483,647, or a text that no name has.
    """
    if not 1 <= check_number("limit", limit) < 2**31:
        raise InvalidInput(f"The limit must be at least 1: {limit}")
    return check_text("prefix", prefix), check_text("name", after), limit


def check_batch_size(batch_size: int) -> int:
    """The batch size itself.

    Raises:
        InvalidInput: less than 1.
    """
    if check_number("batch size", batch_size) < 1:
        raise InvalidInput(f"The batch size must be at least 1: {batch_size}")
    return batch_size


def _json(what: str, value: Any) -> str | None:
    text = encode_json(value)
    if text is not None and "\\u0000" in text and _has_nul(text):
        raise InvalidInput(
            f"The {what} contains \\u0000", hint="PostgreSQL's jsonb cannot hold that character."
        )
    return text


def _has_nul(text: str) -> bool:
    # An escaped backslash before u0000 is not the NUL character: pairs go first.
    return "\\u0000" in text.replace("\\\\", "")


def to_messages(rows: Iterable[Sequence[Any]]) -> list[Message]:
    """Rows of the ``message`` type. Most of a long read is spent here, so the fields are put where
    ``Message.__init__`` would put them, without a call for each; and ``replace(tzinfo=...)``, which
    takes ten arguments to change one, would be half of it all."""
    messages: list[Message] = []
    new, combine = Message.__new__, datetime.combine
    for id, stream_name, type, position, global_position, data, metadata, time in rows:
        message = new(Message)
        fields = message.__dict__
        fields["id"] = id if isinstance(id, UUID) else UUID(id)
        fields["stream_name"] = stream_name
        fields["type"] = type
        fields["position"] = position
        fields["global_position"] = global_position
        fields["data_text"] = data
        fields["metadata_text"] = metadata
        fields["time"] = combine(time, time.time(), UTC)
        messages.append(message)
    return messages
