"""What every page works with: the store, who asks, and how a page is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from coldstream._version import __version__
from coldstream.cli.views.human import (
    human_bytes,
    human_count,
    human_duration,
    human_ratio,
    human_time,
)
from coldstream.client._sync.statements import connections_of
from coldstream.dashboard.places import STATIC, TEMPLATES
from coldstream.dashboard.sessions import Session, Sessions
from coldstream.dashboard.tasks import Plans, Tasks
from coldstream.insights.rates import Rates
from coldstream.insights.reading import Rows
from coldstream.insights.timeline import Timeline, read_timeline
from coldstream.lifecycle import Lifecycle, Progress
from coldstream.store import Store

MakeLifecycle: TypeAlias = Callable[[Store, Progress], Lifecycle]
Metrics: TypeAlias = Callable[[], bytes]

# Several tabs, and the parts of one page, ask for the same chunks at once.
_KEPT_SECONDS = 2.0


@dataclass
class Context:
    """One dashboard. ``show_bodies``: data and metadata of messages are shown. ``may_act``: there
    is a token that may change something."""

    store: Store
    sessions: Sessions
    lifecycle: MakeLifecycle
    show_bodies: bool = False
    may_act: bool = False
    metrics: Metrics | None = None
    rates: Rates = field(default_factory=Rates)
    tasks: Tasks = field(default_factory=Tasks)
    plans: Plans = field(default_factory=Plans)
    _timeline: tuple[float, Timeline] | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def rows(self) -> Rows:
        """The rows of a named statement."""
        return connections_of(self.store).rows

    @cached_property
    def is_timescale(self) -> bool:
        """Whether there are chunks; an ordinary table has none."""
        return bool(self.rows("status_of_store")[0][0] == "timescale")

    def rows_of(self, name: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a named statement that takes arguments."""
        return connections_of(self.store).rows(name, arguments)

    def timeline(self) -> Timeline:
        """The chunks, as they were two seconds ago at most."""
        with self._lock:
            now = time.monotonic()
            if not self.is_timescale:
                ((server_time, position),) = self.rows("timeline_now")
                return Timeline(server_time, position, [])
            if self._timeline is None or now - self._timeline[0] > _KEPT_SECONDS:
                self._timeline = (now, read_timeline(self.rows))
            return self._timeline[1]

    def forget(self) -> None:
        """Something was done to the chunks from here: the next page sees it."""
        with self._lock:
            self._timeline = None


def context_of(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


def session_of(request: Request) -> Session:
    """The session of a request; every page but the one that asks for a token has one."""
    found: Session = request.scope["session"]
    return found


def page(request: Request, template: str, code: int = 200, **values: Any) -> HTMLResponse:
    """A page; whatever is put into it stays text."""
    context, session = context_of(request), request.scope.get("session")
    text = _TEMPLATES.get_template(template).render(
        path=request.url.path,
        schema=context.store.schema,
        session=session,
        may_act=context.may_act and session is not None and session.role == "act",
        show_bodies=context.show_bodies,
        **values,
    )
    return HTMLResponse(text, code)


def _link(path: str, **query: object) -> str:
    """An address of ours: a name may hold any character."""
    return f"{path}?{urlencode({key: each for key, each in query.items() if each is not None})}"


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        # Not by the name of the file: every template is a page.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "bytes": human_bytes,
        "count": human_count,
        "duration": human_duration,
        "ratio": human_ratio,
        "time": human_time,
    }
    # A browser keeps what it loaded; another release has other files.
    stamp = max(int(each.stat().st_mtime) for each in STATIC.iterdir())
    made.globals |= {"link": _link, "release": __version__, "stamp": f"{__version__}-{stamp}"}
    return made


_TEMPLATES = _templates()
