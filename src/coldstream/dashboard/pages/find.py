"""One field that finds a message by its id or global position, a stream by its name, or names by
how they begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from coldstream.dashboard.context import Context, context_of, page

# Between an id that has a time in it and the message that was written with it.
_NEAR = timedelta(minutes=15)


def find(request: Request) -> Response:
    context, text = context_of(request), request.query_params.get("q", "").strip()
    if not text:
        return RedirectResponse("/streams", 303)
    id = _uuid(text)
    if id is not None:
        place = _of_id(context, id)
        if place is None:
            return page(
                request,
                "error.html",
                404,
                title="Not found",
                what=f"No message with the id {id} was found in the database.",
                hint="An id is found in row form, and wherever in the database its own time says "
                "(UUIDv7). Look for a message in the archive by its stream or global position.",
            )
        return _to_message(*place)
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        found = next(context.store.get_all_messages(int(text), batch_size=1), None)
        if found is None:
            return page(
                request,
                "error.html",
                404,
                title="Not found",
                what=f"There is no message at or after the global position {int(text)}.",
                hint=None,
            )
        return _to_message(found.stream_name, found.position)
    streams = context.store.get_streams(text, 1)
    if streams and streams[0].stream_name == text:
        return RedirectResponse(f"/stream?{urlencode({'name': text})}", 303)
    return RedirectResponse(f"/streams?{urlencode({'prefix': text})}", 303)


def _uuid(text: str) -> UUID | None:
    # Without its hyphens it might be a number.
    if len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def _of_id(context: Context, id: UUID) -> tuple[str, int] | None:
    if not context.is_timescale:
        # An index of the table has it.
        ever = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
        return _first(context.rows_of("message_of_time", [*ever, id]))
    for (position,) in context.rows_of("position_of_id", [id]):
        found = next(context.store.get_all_messages(position, batch_size=1), None)
        if found is not None and found.id == id:
            return found.stream_name, found.position
    if id.version != 7:
        return None
    time = datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
    return _first(context.rows_of("message_of_time", [time - _NEAR, time + _NEAR, id]))


def _first(rows: list[tuple[object, ...]]) -> tuple[str, int] | None:
    for stream, position in rows:
        assert isinstance(stream, str)
        assert isinstance(position, int)
        return stream, position
    return None


def _to_message(stream: str, position: int) -> Response:
    return RedirectResponse(f"/message?{urlencode({'stream': stream, 'position': position})}", 303)


ROUTES = [Route("/find", find)]
