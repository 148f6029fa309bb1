"""How far a long step is: a bar on a terminal, a line at its end everywhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from coldstream.cli.views.human import human_bytes, human_count, human_duration, printable
from coldstream.cli.views.render import Unit, console


class Step:
    """A running step. ``done`` counts in the unit that :func:`step` was given."""

    def __init__(
        self, update: Callable[[float], None], name: Callable[[str], None] | None = None
    ) -> None:
        self.done: float = 0
        self._update = update
        self._name = name
        self._part = ""
        self._began = time.monotonic()

    def part(self, what: str) -> None:
        """What it is at now, such as one verb on one chunk. A bar has it beside its name; without a
        terminal each part is a line once the next one begins, or :meth:`end` is called."""
        if what == self._part:
            return
        self.end()
        self._part, self._began = what, time.monotonic()
        if self._name is not None:
            self._name(what)

    def end(self) -> None:
        """The last part has ended."""
        if self._part and self._name is None:
            took = human_duration(time.monotonic() - self._began)
            print(f"{printable(self._part)}: {took}", file=sys.stderr, flush=True)
        self._part = ""

    def advance(self, amount: float = 1) -> None:
        """``amount`` more is done."""
        self.to(self.done + amount)

    def to(self, done: float) -> None:
        """How much is done in all."""
        self.done = done
        self._update(done)


@contextmanager
def step(
    description: str, *, total: float | None = None, unit: Unit = Unit.COUNT, noun: str = ""
) -> Iterator[Step]:
    """Run the body as one step that people can watch, on stderr.

    A terminal shows a bar while it runs (without an end where ``total`` is ``None``); when it has
    ended, one line stays: ``description: 12,345 noun in 4.2 s``. A step that fails leaves none.
    ``unit`` is ``Unit.COUNT`` or ``Unit.BYTES``.
    """
    amount = human_bytes if unit is Unit.BYTES else lambda value: human_count(round(value))
    started = time.monotonic()
    if sys.stderr.isatty():
        with _bar(description, total, amount) as running:
            yield running
    else:
        running = Step(lambda done: None)
        yield running
    what = f"{amount(running.done)} {noun}".strip() + " in " if running.done else ""
    took = human_duration(time.monotonic() - started)
    print(f"{printable(description)}: {what}{took}", file=sys.stderr, flush=True)


@contextmanager
def _bar(description: str, total: float | None, amount: Callable[[float], str]) -> Iterator[Step]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeRemainingColumn(compact=True),
        console=console(sys.stderr),
        # The bar goes when the step ends: the line that stays is the same with and without it.
        transient=True,
    )
    with bar:
        task = bar.add_task(printable(description), total=total, amount="")

        def update(done: float) -> None:
            of = f" of {amount(total)}" if total is not None else ""
            bar.update(task, completed=done, amount=f"{amount(done)}{of}")

        def name(part: str) -> None:
            bar.update(task, description=printable(f"{description}: {part}"))

        yield Step(update, name)
