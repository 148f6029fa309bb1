"""``coldstream lifecycle run --every``: what the service says, and what a monitor is told."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from coldstream.cli.options import Database, opened
from coldstream.cli.views.human import one_line
from coldstream.cli.views.lifecycle import in_one_line, show_problems
from coldstream.cli.views.render import write_json_line
from coldstream.errors import SetupError
from coldstream.lifecycle.service import Round, Service

if TYPE_CHECKING:
    from coldstream.insights import Status
    from coldstream.lifecycle import Step
    from coldstream.metrics.collectors import Watched


class OfDatabase:
    """A store whose figures are asked for now and then: each time it has a connection of its
    own, so that a monitor does not wait for a run."""

    def __init__(self, database: Database) -> None:
        self.schema = database.schema
        self._database = database

    def status(self) -> Status:
        """As ``Store.status``."""
        with opened(self._database) as store:
            return store.status()


def serve(
    run: Callable[[], Sequence[Step]],
    every: timedelta,
    *,
    monitor: str | None,
    json: bool,
    watched: Watched | None = None,
) -> int:
    """Run until SIGTERM or Ctrl-C, which both end it with 0: a service that is told to stop has
    not failed. A monitor is also given the figures of ``watched``."""
    metrics = None if monitor is None else RunMetrics(watched)

    def after(found: Round) -> None:
        if metrics is not None:
            metrics.count(found)
        show_round(found, json=json)

    service = Service(run, every, after)
    with ExitStack() as stack:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        stack.callback(signal.signal, signal.SIGTERM, before)
        if metrics is not None:
            from coldstream.serve.health import monitored
            from coldstream.serve.run import Address

            address = Address.parse(str(monitor), name="--monitor")
            port = stack.enter_context(
                monitored(address.host, address.port, metrics, lambda: service.is_healthy)
            )
            print(f"health and metrics on http://{address.host}:{port}/health, /metrics")
            sys.stdout.flush()
        try:
            service.forever()
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
    return 0


def show_round(found: Round, *, json: bool) -> None:
    """A line for a run, and one for each problem on stderr."""
    if json:
        write_json_line(
            {
                "began_at": found.began_at,
                "seconds": found.seconds,
                "outcome": found.outcome,
                "problem": None if found.problem is None else str(found.problem),
                "steps": [
                    {
                        "step": step.verb,
                        "range_start": step.chunk.range_start,
                        "outcome": step.outcome,
                        "problem": None if step.problem is None else str(step.problem),
                    }
                    for step in found.steps
                ],
                "next_at": found.next_at,
            }
        )
    else:
        what = "another lifecycle is at work" if found.outcome == "busy" else _words(found)
        print(f"{found.began_at:%Y-%m-%dT%H:%M:%SZ} {what}; next {found.next_at:%H:%M:%SZ}")
    sys.stdout.flush()
    show_problems(found.steps)
    if found.problem is not None and found.outcome == "failed":
        hint = f" ({found.problem.hint})" if found.problem.hint else ""
        print(f"coldstream: {one_line(f'{found.problem}{hint}')}", file=sys.stderr)
    sys.stderr.flush()


def _words(found: Round) -> str:
    if found.problem is not None:
        return "failed"
    return in_one_line(found.steps) if found.steps else "nothing is due"


class RunMetrics:
    """What is counted of the runs, in a registry of its own.

    Raises:
        SetupError: prometheus_client is not installed.
    """

    def __init__(self, watched: Watched | None = None) -> None:
        try:
            import prometheus_client as prometheus
        except ModuleNotFoundError as error:
            raise SetupError(
                "--monitor needs prometheus_client", hint="pip install 'coldstream[metrics]'"
            ) from error
        self._prometheus: Any = prometheus
        self.registry = prometheus.CollectorRegistry()
        if watched is not None:
            from coldstream.metrics import StoreCollector

            self.registry.register(StoreCollector(watched))
        self._runs = prometheus.Counter(
            "coldstream_lifecycle_runs", "Runs, by outcome.", ["outcome"], registry=self.registry
        )
        self._steps = prometheus.Counter(
            "coldstream_lifecycle_steps",
            "Steps of runs: one of a chunk.",
            ["step", "outcome"],
            registry=self.registry,
        )
        self._seconds = prometheus.Gauge(
            "coldstream_lifecycle_run_seconds",
            "How long the last run took.",
            registry=self.registry,
        )
        self._good = prometheus.Gauge(
            "coldstream_lifecycle_last_success_timestamp_seconds",
            "When the last run ended in which nothing failed; 0 before the first.",
            registry=self.registry,
        )
        for outcome in ("done", "failed", "busy"):
            self._runs.labels(outcome)

    def count(self, found: Round) -> None:
        """A run that ended."""
        self._runs.labels(found.outcome).inc()
        for step in found.steps:
            self._steps.labels(step.verb, step.outcome).inc()
        if found.outcome != "busy":
            self._seconds.set(found.seconds)
        if found.outcome == "done":
            self._good.set(found.began_at.timestamp() + found.seconds)

    def text(self) -> bytes:
        """Prometheus' text format."""
        made: bytes = self._prometheus.generate_latest(self.registry)
        return made
