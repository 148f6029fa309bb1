"""What was found and a statement mends without harm: shown first, then run one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection

from coldstream.doctor.kind import Found


@dataclass(frozen=True)
class Fixed:
    """A statement that was run for a finding; ``problem``: why it failed, or ``None``."""

    code: str
    statement: str
    problem: str | None = None


def fixable(findings: Iterable[Found]) -> list[Found]:
    """Those that a statement mends, each statement once."""
    found: dict[str, Found] = {}
    for each in findings:
        if each.fix is not None:
            found.setdefault(each.fix, each)
    return list(found.values())


def fix(connection: Connection[Any], findings: Iterable[Found]) -> list[Fixed]:
    """Run what mends these findings. One that fails stops no other. ``connection``: in autocommit
    mode."""
    done = []
    for each in fixable(findings):
        statement = each.fix or ""
        try:
            connection.execute(statement.encode())
            done.append(Fixed(each.code, statement))
        except psycopg.Error as error:
            text = (error.diag.message_primary or str(error)).strip()
            done.append(Fixed(each.code, statement, text))
    return done
