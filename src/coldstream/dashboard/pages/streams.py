"""A stream's messages, from whatever tier they are in, and one message with its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coldstream.client.listed import StreamSummary
from coldstream.dashboard.context import Context, context_of, page
from coldstream.errors import ColdstreamError, InvalidInput
from coldstream.messages.message import Message

_PAGE = 50


@dataclass(frozen=True)
class Shown:
    """A message and the tier of its time."""

    message: Message
    tier: str | None


@dataclass(frozen=True)
class Neighbours:
    """What a message's metadata says of others. They are names and positions, no body: they are
    shown where bodies are not, too."""

    causation_stream: str | None
    causation_position: int | None
    correlation: str | None
    reply: str | None


def stream(request: Request) -> Response:
    context, name = context_of(request), request.query_params.get("name", "")
    head = _head(context, name)
    if head is None:
        return _none(request, f"There is no stream {name}.")
    last = max(0, head.position - _PAGE + 1)
    start = min(_number(request, "from", last), max(head.position, 0))
    found, problem = _messages(context, name, start)
    return page(
        request,
        "stream.html",
        title=name,
        head=head,
        found=found,
        problem=problem,
        start=start,
        before=max(0, start - _PAGE) if start > 0 else None,
        next=start + _PAGE if start + _PAGE <= head.position else None,
        last=last,
    )


def message(request: Request) -> Response:
    context, name = context_of(request), request.query_params.get("stream", "")
    position = _number(request, "position", 0)
    head = _head(context, name)
    if head is None or position > head.position:
        return _none(request, f"There is no message {position} in {name}.")
    found, problem = _messages(context, name, position, 1)
    if found and found[0].message.position != position:
        return _none(request, f"There is no message {position} in {name} any more.")
    return page(
        request,
        "message.html",
        title=f"{name} {position}",
        head=head,
        position=position,
        shown=found[0] if found else None,
        neighbours=neighbours_of(found[0].message) if found else None,
        problem=problem,
    )


def neighbours_of(message: Message) -> Neighbours:
    """By the names of Eventide's metadata; whatever else stands there is none."""
    try:
        metadata = message.metadata
    except ValueError:
        metadata = None
    found: dict[str, Any] = metadata if isinstance(metadata, dict) else {}

    def text(name: str) -> str | None:
        value = found.get(name)
        return value if isinstance(value, str) and value else None

    position = found.get("causationMessagePosition")
    is_position = isinstance(position, int) and not isinstance(position, bool) and position >= 0
    return Neighbours(
        text("causationMessageStreamName"),
        position if is_position else None,
        text("correlationStreamName"),
        text("replyStreamName"),
    )


def _head(context: Context, name: str) -> StreamSummary | None:
    found = context.store.get_streams(name, 1) if name else []
    return found[0] if found and found[0].stream_name == name else None


def _messages(
    context: Context, name: str, start: int, most: int = _PAGE
) -> tuple[list[Shown], ColdstreamError | None]:
    """At most ``most`` messages, and why there are no more where the archive cannot be read: the
    rest of the page is of use then, too."""
    timeline = context.timeline() if context.is_timescale else None
    found: list[Shown] = []
    try:
        for each in islice(context.store.get_stream_messages(name, start, most), most):
            # One by one: what came before an error is shown.
            found.append(  # noqa: PERF401
                Shown(each, timeline.tier_at(each.time) if timeline else "open")
            )
    except ColdstreamError as error:
        return found, error
    return found, None


def _number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, "")
    if not given:
        return default
    if not given.isascii() or not given.isdecimal() or len(given) > 18:
        raise InvalidInput(f"Not a position: {given!r}")
    return int(given)


def _none(request: Request, what: str) -> Response:
    return page(request, "error.html", 404, title="Not found", what=what, hint=None)


ROUTES = [Route("/stream", stream), Route("/message", message)]
