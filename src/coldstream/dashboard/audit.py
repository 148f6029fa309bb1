"""A line for whatever acts, and for whoever comes in: who, from where, what, and how it ended."""

from __future__ import annotations

import json
import logging
from typing import Any

from starlette.requests import Request

_log = logging.getLogger("coldstream.dashboard.audit")


def record(request: Request, action: str, outcome: str, **arguments: Any) -> None:
    """Write the line: JSON, so that no argument can look like another line."""
    session = request.scope.get("session")
    line = {
        "action": action,
        "outcome": outcome,
        "role": None if session is None else session.role,
        "address": request.client.host if request.client else None,
        **({"arguments": arguments} if arguments else {}),
    }
    _log.info("%s", json.dumps(line, default=str))
