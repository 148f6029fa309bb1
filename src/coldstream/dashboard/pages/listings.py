"""Streams and categories by name, with a search by how names begin."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coldstream.dashboard.context import context_of, page

_PAGE = 50


def streams(request: Request) -> Response:
    prefix, after = _asked(request)
    # One more says whether there are more.
    found = context_of(request).store.get_streams(prefix, _PAGE + 1, after)
    return page(
        request,
        "streams.html",
        title="Streams",
        prefix=prefix,
        after=after,
        found=found[:_PAGE],
        next=found[_PAGE - 1].stream_name if len(found) > _PAGE else None,
    )


def categories(request: Request) -> Response:
    prefix, after = _asked(request)
    found = context_of(request).store.get_categories(prefix, _PAGE + 1, after)
    return page(
        request,
        "categories.html",
        title="Categories",
        prefix=prefix,
        after=after,
        found=found[:_PAGE],
        next=found[_PAGE - 1].category if len(found) > _PAGE else None,
    )


def _asked(request: Request) -> tuple[str, str]:
    return request.query_params.get("prefix", ""), request.query_params.get("after", "")


ROUTES = [Route("/streams", streams), Route("/categories", categories)]
