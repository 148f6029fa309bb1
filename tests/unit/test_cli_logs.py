"""What servers log, for programs that collect it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coldstream.cli.logs import log_to_stderr


@contextmanager
def fresh() -> Iterator[None]:
    """As in a process of its own: nobody has set up logging."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def test_a_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    with fresh():
        log_to_stderr("json")
        logger = logging.getLogger("coldstream.serve")
        logger.debug("no")
        logger.info("a %s\n\x1b[31m", "line")
        try:
            raise ValueError("why")
        except ValueError:
            logger.exception("it failed")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"]) == ("info", "coldstream.serve")
    assert first["message"] == "a line\n\x1b[31m"
    assert first["time"].endswith("+00:00")
    assert second["error"].endswith("ValueError: why")


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    with fresh():
        log_to_stderr("text")
        logging.getLogger("coldstream.serve").info("a line")
    assert capsys.readouterr().err.endswith(" a line\n")
