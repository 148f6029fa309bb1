"""Whom the dashboard answers: every request passes here before any page sees it.

1. Its ``Host`` is one of ours. A page of another site whose name was made to lead here (DNS
   rebinding) has its own name in it.
2. It has a token or the cookie of a browser that gave one. Without, there are only the page that
   asks for a token, and the files that every installation has.
3. What changes something needs the role ``act``, and comes from our own pages: ``Origin`` is ours
   and the session's own secret is repeated. Another port of this machine is the same site to a
   browser, so the cookie's ``SameSite`` alone would not do.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coldstream.dashboard.sessions import Session, Sessions

_OPEN = ("/static/", "/login")
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": with that, browsers send no Origin with a form, which is looked at here.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Access:
    """``hosts``: what ``Host`` may be, with the port where it is not HTTP's own. ``login``: answers
    a request that has no session."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        sessions: Sessions,
        hosts: Collection[str],
        cookie: str,
        login: ASGIApp,
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._hosts = frozenset(each.lower() for each in hosts)
        self._cookie = cookie
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["cache-control"] = "no-store"
            await send(message)

        await self._answer(scope)(scope, receive, with_headers)

    def _answer(self, scope: Scope) -> ASGIApp:
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) != 1 or headers["host"].lower() not in self._hosts:
            return _refused(421, "This is not the name of this dashboard.")
        changes = scope["method"] not in ("GET", "HEAD")
        ours = _is_ours(headers)
        if scope["path"].startswith(_OPEN):
            return _refused(403, "Not from our page.") if changes and not ours else self._app
        session = self._session(headers)
        if session is None:
            return self._login if not changes else _refused(401, "No session.")
        if changes and session.csrf is not None:
            given = headers.get("x-csrf-token", "")
            if not ours or not hmac.compare_digest(given.encode(), session.csrf.encode()):
                return _refused(403, "Not from our page: load it again.")
        if changes and session.role != "act" and scope["path"] != "/logout":
            return _refused(403, "This token may only read.")
        scope["session"] = session
        return self._app

    def _session(self, headers: Headers) -> Session | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if token:
            return self._sessions.of_token(token) if scheme.lower() == "bearer" else None
        cookie = cookie_of(headers, self._cookie)
        return None if cookie is None else self._sessions.of_cookie(cookie)


def cookie_of(headers: Headers, name: str) -> str | None:
    """The value of a cookie."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return None if found is None else found.value


def _is_ours(headers: Headers) -> bool:
    """Whether a page of this very origin sent it. Every browser says so of what is no GET."""
    origin = headers.get("origin", "")
    return origin.lower() in (f"{scheme}://{headers['host'].lower()}" for scheme in _SCHEMES)


# Behind a proxy that ends TLS the browser's scheme is not ours.
_SCHEMES = ("http", "https")


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status)
