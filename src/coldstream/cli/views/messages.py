"""Messages as lines: for people, or one JSON object each."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator

from coldstream.cli.views.human import human_time, printable
from coldstream.messages.message import Message


def json_lines(messages: Iterable[Message]) -> Iterator[str]:
    """One object a line. Data and metadata are the text that PostgreSQL gives, never reparsed: a
    number of any size or precision passes unchanged."""
    for message in messages:
        names = {
            "id": str(message.id),
            "stream_name": message.stream_name,
            "type": message.type,
            "position": message.position,
            "global_position": message.global_position,
            "time": message.time.isoformat(),
        }
        head = json.dumps(names, ensure_ascii=False)[:-1]
        yield (
            f'{head}, "data": {message.data_text or "null"}, '
            f'"metadata": {message.metadata_text or "null"}}}\n'
        )


def human_lines(messages: Iterable[Message]) -> Iterator[str]:
    """One line a message; a terminal's is cut at its width."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for message in messages:
        line = printable(
            f"{message.global_position:>8}  {human_time(message.time)}  {message.stream_name} "
            f"{message.position}  {message.type}  {message.data_text or ''}"
        ).rstrip()
        if width is not None and len(line) > width:
            line = line[: width - 1] + "…"
        yield line + "\n"
