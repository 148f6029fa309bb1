"""The lifecycle: what comes next, what was done, and what may be begun from here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coldstream.cli.durations import parse_time
from coldstream.cli.views.human import human_time
from coldstream.dashboard import audit
from coldstream.dashboard.context import Context, context_of, page
from coldstream.dashboard.forms import form_of
from coldstream.dashboard.tasks import State, Work
from coldstream.errors import InvalidInput, LifecycleBusy
from coldstream.lifecycle import Progress, Step
from coldstream.lifecycle.session import no_progress

_HISTORY, _LONG_HISTORY = 25, 500


def lifecycle(request: Request) -> Response:
    context = context_of(request)
    most = _LONG_HISTORY if request.query_params.get("history") == "long" else _HISTORY
    return page(
        request,
        "lifecycle.html",
        title="Lifecycle",
        status=context.store.status(),
        history=context.store.lifecycle.get_transitions(most) if context.is_timescale else [],
        task=context.tasks.last,
        is_timescale=context.is_timescale,
    )


def dry_run(request: Request) -> Response:
    """What a run would do, kept so that it can be done as it was shown."""
    context = context_of(request)
    steps = list(context.lifecycle(context.store, no_progress).run(dry_run=True))
    return page(
        request,
        "plan.html",
        title="Dry run",
        steps=steps,
        plan=context.plans.keep(steps) if steps else None,
    )


def task(request: Request) -> Response:
    """How far the last one is; asked for again while it runs."""
    return page(request, "task.html", title="Task", task=context_of(request).tasks.last)


async def act(request: Request) -> Response:
    """Begin a run, a proof or a rehydration."""
    form = await form_of(request)
    return await run_in_threadpool(_act, request, form)


def _act(request: Request, form: dict[str, str]) -> Response:
    context, verb = context_of(request), request.path_params["verb"]
    name, work = _work(context, verb, form)

    def ended(state: State, lines: Sequence[str]) -> None:
        context.forget()
        audit.record(request, name, f"{state}: {'; '.join(lines)}", **form)

    # Before it begins, so that no line is missing where the program ends meanwhile.
    audit.record(request, name, "begun", **form)
    try:
        found = context.tasks.start(name, work, ended)
    except LifecycleBusy as error:
        audit.record(request, name, f"failed: {error}", **form)
        raise
    return page(request, "task.html", title="Task", task=found)


def _work(context: Context, verb: str, form: dict[str, str]) -> tuple[str, Work]:
    match verb:
        case "run":
            return "lifecycle run", _run(context, form)
        case "verify":
            return "verify", _verify(context, form)
        case "rehydrate":
            return "rehydrate", _rehydrate(context, form)
    raise InvalidInput(f"There is no such action: {verb!r}")


def _run(context: Context, form: dict[str, str]) -> Work:
    planned = context.plans.take(form.get("plan", ""))
    if planned is None:
        raise InvalidInput(
            "What is to be done was not shown, or was done already", hint="Look at a dry run first."
        )

    def work(progress: Progress) -> Sequence[str]:
        return _said(context.lifecycle(context.store, progress).run(planned=planned))

    return work


def _said(steps: Sequence[Step]) -> list[str]:
    lines = [
        f"{human_time(each.chunk.range_start)} {each.verb}: {each.outcome}"
        + (f": {each.problem}" if each.problem else "")
        for each in steps
    ]
    return lines or ["Nothing was due any more."]


def _verify(context: Context, form: dict[str, str]) -> Work:
    part = _part(form.get("sample", ""))

    def work(progress: Progress) -> Sequence[str]:
        done = context.lifecycle(context.store, progress).verify(again=True, sample=part)
        wrong = [each for each in done if each.problem]
        return [
            f"{len(done) - len(wrong)} proved, {len(wrong)} not",
            *(str(w.problem) for w in wrong),
        ]

    return work


def _part(text: str) -> float | None:
    if not text:
        return None
    try:
        percent = float(text)
    except ValueError:
        percent = 0
    if not 0 < percent <= 100:
        raise InvalidInput(f"Not a share in percent: {text!r}", hint="Such as 10.")
    return percent / 100


def _rehydrate(context: Context, form: dict[str, str]) -> Work:
    start, end = (parse_time(_needed(form, name)) for name in ("from", "to"))
    streams = form.get("streams", "").split() or None
    days = _needed(form, "keep")
    if not days.isascii() or not days.isdecimal() or not 0 < int(days) <= 3650:
        raise InvalidInput(f"Not a number of days: {days!r}", hint="Such as 7.")
    keep = timedelta(days=int(days))

    def work(progress: Progress) -> Sequence[str]:
        done = context.lifecycle(context.store, progress).rehydrate(
            start, end, streams=streams, keep_for=keep
        )
        return [
            f"{human_time(each.range_start)}: {each.messages_in_database or 0} messages"
            for each in done
        ] or ["Nothing of it was in the archive alone."]

    return work


def _needed(form: dict[str, str], name: str) -> str:
    if name not in form:
        raise InvalidInput(f"Nothing was given for {name!r}")
    return form[name]


ROUTES = [
    Route("/lifecycle", lifecycle),
    Route("/lifecycle/dry-run", dry_run),
    Route("/lifecycle/task", task),
    Route("/lifecycle/{verb:str}", act, methods=["POST"]),
]
