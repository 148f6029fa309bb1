"""Streams and categories by name, with a search by how names begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coldstream.dashboard.context import context_of, page

_PAGE = 50


def streams(request: Request) -> Response:
    return _listed(request, "streams", context_of(request).store.get_streams, "stream_name")


def categories(request: Request) -> Response:
    return _listed(request, "categories", context_of(request).store.get_categories, "category")


def _listed(
    request: Request, what: str, listing: Callable[[str, int, str], Sequence[Any]], name: str
) -> Response:
    """A page of a listing; ``name``: the attribute that it is in the order of."""
    prefix = request.query_params.get("prefix", "")
    after = request.query_params.get("after", "")
    # One more says whether there are more.
    found = listing(prefix, _PAGE + 1, after)
    return page(
        request,
        f"{what}.html",
        title=what.capitalize(),
        prefix=prefix,
        after=after,
        found=found[:_PAGE],
        next=getattr(found[_PAGE - 1], name) if len(found) > _PAGE else None,
    )


ROUTES = [Route("/streams", streams), Route("/categories", categories)]
