"""What a server logs: a line for each record on stderr, for people or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

LogFormat: TypeAlias = Annotated[
    Literal["text", "json"],
    Parameter(
        metavar="FORMAT",
        help="Of the log on stderr: text, or json: an object a line, with time, level, logger and "
        "message, and the traceback of an error.",
    ),
]


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        found = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            found["error"] = self.formatException(record.exc_info)
        return json.dumps(found, ensure_ascii=False)


def log_to_stderr(format: Literal["text", "json"]) -> None:
    """Log from INFO on, as a server does whose operator reads or collects it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Json() if format == "json" else logging.Formatter("%(asctime)s %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
