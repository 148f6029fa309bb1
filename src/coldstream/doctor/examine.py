"""All checks, one after the other."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, errors

from coldstream.client.errors import mapped
from coldstream.doctor.asked import Asked, Limits, NotLooked, checks_of
from coldstream.doctor.kind import LEVELS, TOPICS, Found
from coldstream.errors import ColdstreamError, Unavailable


@dataclass(frozen=True)
class Unchecked:
    """What was not looked at, and why."""

    topic: str
    title: str
    why: str


@dataclass(frozen=True)
class Examination:
    """What an examination found, worst first, and what it did not look at. ``checks``: how many
    were made; ``deep``: those that read messages, too."""

    schema: str
    deep: bool
    checks: int
    findings: list[Found]
    unchecked: list[Unchecked]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong; warnings and advice may stand."""
        return not any(each.level == "error" for each in self.findings)


def examine(
    connection: Connection[Any],
    schema: str,
    *,
    deep: bool = False,
    archive: str | None = None,
    archive_options: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> Examination:
    """Look at everything that may be wrong. Nothing is changed. ``connection``: in autocommit mode,
    and used by nobody else meanwhile.

    Raises:
        NotInstalled: no store in the schema.
        Unavailable: the connection was lost.
    """
    asked = Asked(connection, schema, deep, archive, archive_options, limits or Limits())
    with mapped(schema):
        asked.look_around()
    return examined(asked)


def examined(asked: Asked) -> Examination:
    """What the checks find."""
    made = 0
    found: list[Found] = []
    unchecked: list[Unchecked] = []
    for topic in TOPICS:
        importlib.import_module(f"coldstream.doctor.{topic}")
        for each in checks_of(topic):
            if each.engine not in (None, asked.engine) or (each.deep and not asked.deep):
                continue
            try:
                found.extend(each.run(asked))
                made += 1
            except NotLooked as error:
                unchecked.append(Unchecked(topic, each.title, str(error)))
            except psycopg.Error as error:
                if asked.connection.closed:
                    raise Unavailable(f"The connection was lost: {error}") from error
                unchecked.append(Unchecked(topic, each.title, _why(error, asked)))
            except ColdstreamError as error:
                unchecked.append(Unchecked(topic, each.title, str(error)))
    found.sort(key=lambda each: LEVELS.index(each.level))
    return Examination(asked.schema, asked.deep, made, found, unchecked)


def _why(error: psycopg.Error, asked: Asked) -> str:
    text = (error.diag.message_primary or str(error)).strip()
    if isinstance(error, errors.InsufficientPrivilege):
        return f"the role {asked.role} may not: {text}"
    if isinstance(error, errors.LockNotAvailable):
        return "it is locked by somebody: try again"
    if isinstance(error, errors.QueryCanceled):
        return "it took too long: try again when the server has less to do"
    if isinstance(error, errors.UndefinedTable | errors.UndefinedFunction | errors.UndefinedColumn):
        return f"the store lacks what this release needs ({text}): coldstream init"
    return text
