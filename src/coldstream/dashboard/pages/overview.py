"""The first page: what is wrong, the tiers, the picture of every chunk, and how it came to be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from coldstream.dashboard.context import context_of, page
from coldstream.insights.status import Status
from coldstream.insights.timeline import read_storage


def overview(request: Request) -> Response:
    status = context_of(request).store.status()
    return page(request, "overview.html", title="Overview", status=status, total=_total(status))


def _total(status: Status) -> dict[str, int | None]:
    """Over all tiers: what they take, what they would take in rows as far as that is known, and
    messages of those that are counted."""
    kept = [each for each in status.tiers if each.tier != "gone"]
    taken = sum(each.bytes for each in kept)
    as_rows = sum(each.bytes if each.as_rows is None else each.as_rows for each in kept)
    return {
        "bytes": taken,
        "as_rows": as_rows,
        "messages": sum(each.messages or 0 for each in kept),
        "chunks": sum(each.chunks for each in status.tiers),
    }


def timeline(request: Request) -> Response:
    """Every chunk, for the picture: short names, for there may be thousands."""
    found = context_of(request).timeline()
    chunks = [
        [
            _ms(each.range_start),
            _ms(each.range_end),
            each.tier,
            each.state,
            each.bytes,
            each.row_bytes,
            each.columnstore_bytes,
            each.archive_bytes,
            each.messages,
            each.first_global_position,
            each.last_global_position,
            _ms(each.verified_at),
            _ms(each.kept_until),
            each.part_messages,
        ]
        for each in found.chunks
    ]
    return JSONResponse({"now": _ms(found.time), "chunks": chunks})


def storage(request: Request) -> Response:
    """By form over time, in columns as uPlot has them."""
    context = context_of(request)
    points = read_storage(context.rows) if context.is_timescale else []
    return JSONResponse(
        [
            [each.time.timestamp() for each in points],
            [each.as_rows for each in points],
            [each.rows for each in points],
            [each.columnstore for each in points],
            [each.archive for each in points],
        ]
    )


def rates(request: Request) -> Response:
    """Messages a second, in columns as uPlot has them."""
    found = context_of(request).rates.per_second()
    return JSONResponse([[time.timestamp() for time, _ in found], [rate for _, rate in found]])


def _ms(time: datetime | None) -> Any:
    return None if time is None else round(time.timestamp() * 1000)


ROUTES = [
    Route("/", overview),
    Route("/data/timeline", timeline),
    Route("/data/storage", storage),
    Route("/data/rates", rates),
]
