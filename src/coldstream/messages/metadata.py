"""Metadata that tie messages together: causation, correlation, replies. No I/O.

The names and what is copied are those of Eventide's messaging library
(https://docs.eventide-project.org/user-guide/messages-and-message-data/metadata.html), so services
in Ruby and in Python follow each other's messages:

- ``causationMessageStreamName``, ``causationMessagePosition``, ``causationMessageGlobalPosition``:
  stream, position and global position of the message that is followed.
- ``correlationStreamName``, ``replyStreamName``, ``properties``: copied from its metadata.
- ``localProperties`` and all else: not copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coldstream.errors import InvalidInput
from coldstream.messages.message import Message


def follow(message: Message, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The metadata of a message that follows from another one.

    What ``metadata`` has wins over what is copied; of ``properties`` each by its name.
    """
    before = _of(message)
    given = dict(metadata or {})
    result: dict[str, Any] = {
        "causationMessageStreamName": message.stream_name,
        "causationMessagePosition": message.position,
        "causationMessageGlobalPosition": message.global_position,
    }
    for name in ("correlationStreamName", "replyStreamName"):
        if before.get(name) is not None:
            result[name] = before[name]
    copied = before.get("properties")
    if isinstance(copied, dict) and copied:
        given["properties"] = {**copied, **(given.get("properties") or {})}
    return result | given


def correlate(stream_name: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Metadata by which the category of ``stream_name`` reads this message and all that follow it:
    ``get_category_messages(..., correlation="account")``.
    """
    return {**(metadata or {}), "correlationStreamName": stream_name}


def request(reply_stream_name: str, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Metadata that ask for an answer in a stream."""
    return {**(metadata or {}), "replyStreamName": reply_stream_name}


def reply_to(
    message: Message, metadata: Mapping[str, Any] | None = None
) -> tuple[str, dict[str, Any]]:
    """The stream for the answer to a message, and the metadata of the answer.

    The answer follows from the message, but asks for no answer itself: the request's
    ``replyStreamName`` has been used up.

    Raises:
        InvalidInput: the message names no stream.
    """
    stream_name = _of(message).get("replyStreamName")
    if not isinstance(stream_name, str) or not stream_name:
        raise InvalidInput(
            f"No reply stream name in the metadata of {message.type} at position "
            f"{message.position} of {message.stream_name}",
            hint="Write the request with reply_stream_name, or answer to a stream of your choice.",
        )
    result = follow(message)
    del result["replyStreamName"]
    given = dict(metadata or {})
    if "properties" in result:
        given["properties"] = {**result["properties"], **(given.get("properties") or {})}
    return stream_name, result | given


def _of(message: Message) -> dict[str, Any]:
    """The metadata, where they are an object; Message DB takes any JSON."""
    metadata = message.metadata
    return metadata if isinstance(metadata, dict) else {}
