"""The page that asks for a token. The token comes in the body of a form, never in an address: those
are kept in histories and logs. A link that has it has it after a ``#``, which no browser sends."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coldstream.dashboard import audit
from coldstream.dashboard.access import cookie_of
from coldstream.dashboard.context import context_of, page

_LONGEST = 4096


def ask_for_token(app: Callable[[], Starlette]) -> ASGIApp:
    """Answers a request that has no session: with the page where a browser wants one."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = app()
        request = Request(scope, receive)
        response: Response = PlainTextResponse("No session.\n", 401)
        if "text/html" in request.headers.get("accept", "") and not _is_part(request):
            response = await run_in_threadpool(page, request, "login.html", 401, wrong=False)
        elif _is_part(request):
            # The whole page is loaded again, and asks for the token.
            response.headers["hx-refresh"] = "true"
        await response(scope, receive, send)

    return answer


def _is_part(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def show(request: Request) -> Response:
    return page(request, "login.html", wrong=False)


async def enter(request: Request) -> Response:
    """Take a token, and give a cookie for it."""
    sessions = context_of(request).sessions
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST:
            return PlainTextResponse("Too long.\n", 413)
    given = parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0].strip()
    role = sessions.role_of(given)
    if role is None:
        audit.record(request, "login", "refused")
        return await run_in_threadpool(page, request, "login.html", 401, wrong=True)
    audit.record(request, "login", role)
    response = RedirectResponse("/", 303)
    response.set_cookie(
        request.app.state.cookie,
        sessions.begin(role),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


def leave(request: Request) -> Response:
    """Forget the browser."""
    cookie = cookie_of(request.headers, request.app.state.cookie)
    if cookie is not None:
        context_of(request).sessions.end(cookie)
    response = Response(headers={"hx-redirect": "/login"})
    response.delete_cookie(request.app.state.cookie, httponly=True, samesite="strict")
    return response


ROUTES = [
    Route("/login", show),
    Route("/login", enter, methods=["POST"]),
    Route("/logout", leave, methods=["POST"]),
]
