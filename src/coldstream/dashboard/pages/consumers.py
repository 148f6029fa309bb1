"""Consumers: where each is, what it went past, and what may be done about that."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coldstream.dashboard import audit
from coldstream.dashboard.context import Context, context_of, page
from coldstream.dashboard.forms import form_of
from coldstream.errors import ColdstreamError, ConsumerError

_MOST = 100


def consumers(request: Request, said: str | None = None) -> Response:
    of = request.query_params.get("of") or None
    calls = context_of(request).store.consumers
    members = calls.get_consumers()
    return page(
        request,
        "consumers.html",
        title="Consumers",
        members=members,
        positions={each.consumer: each for each in members},
        failures=calls.get_failures(of, _MOST),
        of=of,
        said=said,
    )


async def act(request: Request) -> Response:
    """Pause, resume, or go back to a message that was not handled."""
    from starlette.concurrency import run_in_threadpool

    form = await form_of(request)
    return await run_in_threadpool(_act, request, form)


def _act(request: Request, form: dict[str, str]) -> Response:
    context, verb = context_of(request), request.path_params["verb"]
    consumer, failure = form.get("consumer", ""), form.get("failure", "")
    arguments = {"consumer": consumer, **({"failure": failure} if failure else {})}
    try:
        said = _do(context, verb, consumer, failure)
    except ColdstreamError as error:
        audit.record(request, f"consumer {verb}", f"failed: {error}", **arguments)
        raise
    audit.record(request, f"consumer {verb}", said, **arguments)
    return consumers(request, said)


def _do(context: Context, verb: str, consumer: str, failure: str) -> str:
    calls = context.store.consumers
    if verb == "pause":
        calls.pause(consumer)
        return f"{consumer} is paused."
    if verb == "resume":
        calls.resume(consumer)
        return f"{consumer} goes on."
    found = next(
        (each for each in calls.get_failures(consumer, 1000) if str(each.id) == failure), None
    )
    member = next((each for each in calls.get_consumers() if each.consumer == consumer), None)
    if found is None or member is None:
        raise ConsumerError(
            f"There is no such failure of {consumer}, or it is no consumer any more"
        )
    # Of a stream its positions count, otherwise global ones.
    position = found.position if "-" in member.source else found.global_position
    if position >= member.position:
        raise ConsumerError(f"{consumer} is before that message already, at {member.position}")
    calls.reset(consumer, position)
    return f"{consumer} goes on at {found.stream_name} {found.position} again."


ROUTES = [
    Route("/consumers", consumers),
    Route("/consumers/{verb:str}", act, methods=["POST"]),
]
