"""The lifecycle as a service: when it runs again, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.fix_cli import Cli

from coldstream.cli.service import RunMetrics, show_round
from coldstream.errors import InvalidInput, LifecycleBusy, LifecycleError, Unavailable
from coldstream.lifecycle import Chunk, Step
from coldstream.lifecycle.service import Round, Service

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    """Stands still but for sleeping, and for what a run takes."""

    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        if len(self.slept) == 8:
            raise KeyboardInterrupt


def runs(*outcomes: Any, takes: timedelta = timedelta(0)) -> tuple[Clock, list[Round], Service]:
    """A service whose runs end so, one after the other, the last one for ever."""
    clock, rounds, waiting = Clock(), list[Round](), list(outcomes)

    def run() -> Sequence[Step]:
        clock.now += takes
        outcome = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(outcome, Exception):
            raise outcome
        return list(outcome)

    service = Service(run, HOUR, rounds.append, clock=lambda: clock.now, sleep=clock.sleep)
    return clock, rounds, service


def step(problem: Exception | None = None) -> Step:
    chunk = Chunk.__new__(Chunk)
    object.__setattr__(chunk, "range_start", START)
    object.__setattr__(chunk, "range_end", START + HOUR)
    outcome: Any = "failed" if problem else "done"
    return Step(chunk, "verify", outcome, problem)  # type: ignore[arg-type]


def forever(service: Service) -> None:
    with pytest.raises(KeyboardInterrupt):
        service.forever()


def test_from_start_to_start() -> None:
    clock, rounds, service = runs([], takes=timedelta(minutes=10))
    forever(service)
    assert clock.slept == [3000.0] * 8
    assert [each.began_at for each in rounds] == [START + n * HOUR for n in range(8)]
    assert {each.outcome for each in rounds} == {"done"}


def test_runs_do_not_overlap() -> None:
    clock, rounds, service = runs([], takes=timedelta(minutes=90))
    forever(service)
    assert clock.slept == [0.0] * 8
    assert rounds[1].began_at == rounds[0].next_at == START + timedelta(minutes=90)


def test_after_a_failure_it_runs_sooner_and_then_less_and_less_often() -> None:
    clock, rounds, service = runs(Unavailable("away"))
    forever(service)
    assert clock.slept == [30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0]
    assert not service.is_healthy
    assert rounds[0].outcome == "failed"


def test_a_step_that_failed_is_a_failure_and_a_good_run_ends_it() -> None:
    clock, _, service = runs([step(LifecycleError("no"))], [step()])
    service.once()
    assert not service.is_healthy
    forever(service)
    assert service.is_healthy
    assert set(clock.slept) == {3600.0}


def test_another_one_at_work_is_no_failure_and_hides_none() -> None:
    busy = LifecycleBusy("another host")
    _, rounds, service = runs(busy, Unavailable("away"), busy)
    service.once()
    assert (rounds[0].outcome, service.is_healthy) == ("busy", True)
    service.once()
    service.once()
    assert (rounds[2].outcome, service.is_healthy) == ("busy", False)


def test_what_would_stay_ends_it() -> None:
    for error in (InvalidInput("no archive"), ZeroDivisionError()):
        _, rounds, service = runs(error)
        with pytest.raises(type(error)):
            service.forever()
        assert rounds == []


def test_a_line_for_each_run(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes: list[Any] = [[], LifecycleBusy("b"), Unavailable("No route", hint="Wait.")]
    for outcome in outcomes:
        _, rounds, service = runs(outcome)
        service.once()
        show_round(rounds[0], json=False)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "2026-01-01T00:00:00Z nothing is due; next 01:00:00Z",
        "2026-01-01T00:00:00Z another lifecycle is at work; next 01:00:00Z",
        "2026-01-01T00:00:00Z failed; next 00:00:30Z",
    ]
    assert printed.err == "coldstream: No route (Wait.)\n"


def test_what_is_counted() -> None:
    from prometheus_client.parser import text_string_to_metric_families

    metrics = RunMetrics()
    for outcome in ([step(), step()], [step(LifecycleError("no"))], LifecycleBusy("b")):
        _, rounds, service = runs(outcome, takes=timedelta(seconds=5))
        service.once()
        metrics.count(rounds[0])
    samples = {
        (each.name, *(each.labels[name] for name in sorted(each.labels, reverse=True))): each.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for each in family.samples
        if not each.name.endswith("_created")
    }
    assert samples == {
        ("coldstream_lifecycle_runs_total", "done"): 1,
        ("coldstream_lifecycle_runs_total", "failed"): 1,
        ("coldstream_lifecycle_runs_total", "busy"): 1,
        ("coldstream_lifecycle_steps_total", "verify", "done"): 2,
        ("coldstream_lifecycle_steps_total", "verify", "failed"): 1,
        ("coldstream_lifecycle_run_seconds",): 5,
        ("coldstream_lifecycle_last_success_timestamp_seconds",): START.timestamp() + 5,
    }


def test_what_makes_no_sense_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("lifecycle", "run", "--dsn", "host=nowhere")
    ran = cli(*words, "--every", "1h", "--dry-run")
    assert (ran.status, "--dry-run is for one run" in ran.err) == (2, True)
    ran = cli(*words, "--monitor", "127.0.0.1:0")
    assert (ran.status, "--every" in ran.err) == (2, True)
    monkeypatch.setattr("coldstream.cli.prompt.somebody_is_there", lambda: True)
    ran = cli(*words, "--every", "1h")
    assert (ran.status, "asks nobody" in ran.err) == (2, True)
