"""The application: a module a page, behind the access rules."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from coldstream.dashboard.access import Access
from coldstream.dashboard.context import Context, context_of, page
from coldstream.dashboard.pages import (
    consumers,
    find,
    lifecycle,
    listings,
    login,
    overview,
    streams,
)
from coldstream.dashboard.places import STATIC
from coldstream.errors import ColdstreamError, InvalidInput, LifecycleBusy, Unavailable

_log = logging.getLogger("coldstream.dashboard")

_LOOK_SECONDS = 5.0


class _Static(StaticFiles):
    """Files whose address changes with the release."""

    def file_response(self, *arguments: object, **options: object) -> Response:
        made: Response = super().file_response(*arguments, **options)  # type: ignore[arg-type]
        made.headers["cache-control"] = "public, max-age=31536000, immutable"
        return made

    async def get_response(self, path: str, scope: Scope) -> Response:
        return await super().get_response(path, scope)


def create(context: Context, *, hosts: Collection[str], cookie: str = "coldstream") -> Starlette:
    """The application on an open store. ``hosts``: what a request's ``Host`` may be. ``cookie``:
    its cookie's name; browsers do not tell the ports of a machine apart."""
    routes: list[BaseRoute] = [
        *(each for module in _PAGES for each in module.ROUTES),
        Route("/metrics", _metrics),
        Mount("/static", _Static(directory=STATIC)),
    ]

    @asynccontextmanager
    async def looking(app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(_look(context))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app = Starlette(
        routes=routes,
        lifespan=looking,
        middleware=[
            Middleware(
                Access,
                sessions=context.sessions,
                hosts=hosts,
                cookie=cookie,
                login=login.ask_for_token(lambda: app),
            )
        ],
        exception_handlers={ColdstreamError: _failed, 404: _not_found},
    )
    app.state.context = context
    app.state.cookie = cookie
    return app


_PAGES = (overview, listings, streams, find, consumers, lifecycle, login)


async def _look(context: Context) -> None:
    """Look how far the sequence is, every few seconds, for the rates."""
    while True:
        with suppress(ColdstreamError):
            now, position = (await run_in_threadpool(context.rows, "timeline_now"))[0]
            context.rates.add(now, position)
        await asyncio.sleep(_LOOK_SECONDS)


def _metrics(request: Request) -> Response:
    """What a monitor reads, where there is something for it."""
    metrics = context_of(request).metrics
    if metrics is None:
        return PlainTextResponse("not found\n", 404)
    return PlainTextResponse(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, ColdstreamError)
    match error:
        case InvalidInput():
            status = 400
        case LifecycleBusy():
            status = 409
        case Unavailable():
            status = 503
        case _:
            status = 500
    return page(
        request, "error.html", status, title="That failed", what=str(error), hint=error.hint
    )


def _not_found(request: Request, error: Exception) -> Response:
    return page(
        request, "error.html", 404, title="Not found", what="There is no such page.", hint=None
    )
