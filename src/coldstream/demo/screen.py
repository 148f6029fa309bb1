"""How the demo speaks: chapters with a sentence, tables, notes; or not at all, with ``--json``."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.text import Text

from coldstream.cli.views.chunks import show_chunks
from coldstream.cli.views.render import Column, console, render_table
from coldstream.lifecycle import Chunk

_WIDTH = 78


class Screen:
    """``seconds`` has what each step took, by its name."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.seconds: dict[str, float] = {}
        self._chapters = 0
        self._after_table = False

    def chapter(self, title: str, text: str) -> None:
        """Begin a chapter: what is done, and why."""
        self._chapters += 1
        self._print("")
        self._print(f"{self._chapters}. {title}", "bold cyan")
        self.say(text)

    def say(self, text: str) -> None:
        """A sentence or two, in lines that a terminal of 80 columns does not cut."""
        if self._after_table:
            self._print("")
        for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False):
            self._print(line)

    def quote(self, text: str) -> None:
        """What somebody else said, set off from what the demo says."""
        for line in textwrap.wrap(text, _WIDTH - 2, break_on_hyphens=False):
            self._print(f"  {line}", "yellow")

    def line(self, text: str, style: str = "") -> None:
        """One line as it is: a command, an error."""
        self._print(text, style)

    def table(
        self, title: str, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]
    ) -> None:
        if not self.quiet:
            self._print("")
            render_table(title, columns, rows)
            self._after_table = True

    def chunks(self, title: str, columns: Sequence[Column], chunks: Iterable[Chunk]) -> None:
        if not self.quiet:
            self._print("")
            show_chunks(title, columns, chunks)
            self._after_table = True

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note how long the body takes."""
        started = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - started, 3)

    def _print(self, text: str, style: str = "") -> None:
        self._after_table = False
        if not self.quiet:
            console().print(Text(text, style=style), soft_wrap=True)
