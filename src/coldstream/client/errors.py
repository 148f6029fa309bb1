"""From PostgreSQL's errors to ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from coldstream import errors

_EXPECTED_VERSION = re.compile(
    r"Wrong expected version: (-?\d+) \(Stream: (.*), Stream Version: (-?\d+)\)", re.DOTALL
)

_MISSING_EQUALS = re.compile(r'missing "=.*" in')
# What libpq and the server repeat of a DSN: values of options, and what stands before the last @,
# which is the end of a password that has one.
_VALUES = (
    (r"(?<!/)(\bvalue(?: for parameter \"\w+\"| for \w+)?:? )(?:\"[^\"]*\"|'[^']*')", r"\1..."),
    (r"(argument for server process: )\S+", r"\1..."),
    (r"'[^']*@", "'...@"),
    (r"\"[^\"]*@", '"...@'),
)
_QUOTED = re.compile(r'"(?!\w+"|.").*"')

ONE_LOOP = (
    "It belongs to the event loop that it was opened in: use and close it there, within one "
    "asyncio.run(...). Another loop, or thread, opens a store of its own."
)

_BY_STATE: dict[str, type[errors.ColdstreamError]] = {
    "CS001": errors.Archived,
    "CS003": errors.NotArchived,
    "CS004": errors.ClockAhead,
    "CS005": errors.LateMessage,
    "CS006": errors.LifecycleBusy,
    "CS007": errors.UnsupportedEdition,
    "CS008": errors.LifecycleError,
    "CS009": errors.ChunkChanged,
    "CS010": errors.ConsumerError,
    "CS011": errors.Unavailable,
    "CS012": errors.SetupError,
    "CS013": errors.UnsupportedEngine,
    "CS014": errors.ArchiveUnavailable,
    "CS015": errors.ArchiveCorrupt,
    "55000": errors.LifecycleError,
    "55P03": errors.LifecycleBusy,
    "57014": errors.Unavailable,
    "25P03": errors.Unavailable,
    "25P04": errors.Unavailable,
    "42501": errors.SetupError,
    "53300": errors.Unavailable,
    "53400": errors.Unavailable,
    "53100": errors.Unavailable,
    "53200": errors.Unavailable,
    "25006": errors.Unavailable,
    "40001": errors.Unavailable,
    "40P01": errors.Unavailable,
}

_HINTS = {
    "55P03": "Another transaction holds a lock on it. Run this again; nothing was changed.",
    "40001": "Another transaction changed the same. Run it again.",
    "40P01": "Run it again.",
    "57014": "The statement_timeout of the DSN, the role or the database is too short for it, or "
    "somebody cancelled it.",
    "25P03": "The idle_in_transaction_session_timeout of the DSN, the role or the database is too "
    "short for what is done between the statements of this transaction.",
    "25P04": "The transaction_timeout of the DSN, the role or the database is too short for it.",
    "25006": "It is a standby, or set to be read-only. Of several hosts in the DSN, "
    "target_session_attrs=read-write chooses the one that takes writes.",
    "42501": "Connect as the owner of the store, or as a role that has been granted its role.",
}

_BY_TEXT: tuple[tuple[str, type[errors.ColdstreamError]], ...] = (
    ("Must be a stream name", errors.NotAStream),
    ("Must be a category", errors.NotACategory),
    ("Correlation must be a category", errors.InvalidInput),
    ("Consumer group", errors.InvalidInput),
    ("Retrieval with SQL condition", errors.InvalidInput),
)


_WHOLE = (
    errors.InvalidInput,
    errors.ExpectedVersionError,
    errors.DuplicateMessageId,
    errors.NotInstalled,
    errors.Archived,
    errors.ClockAhead,
    errors.LateMessage,
)


class LedgerChanged(Exception):
    """The ledger is not at the epoch the caller knows; never leaves the client."""


@contextmanager
def mapped(schema: str, *, ours: bool = True) -> Iterator[None]:
    """Raise our errors for PostgreSQL's. ``ours``: whether the statements are our own."""
    try:
        yield
    except psycopg.Error as error:
        raised = _mapped(error, schema)
        # Where the text says it all, what PostgreSQL said of it first would only be in the way.
        raise raised from (None if ours and isinstance(raised, _WHOLE) else error)


def _mapped(error: psycopg.Error, schema: str) -> Exception:
    state = error.sqlstate or ""
    message = (error.diag.message_primary or str(error)).strip()
    hint = error.diag.message_hint or _HINTS.get(state)

    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests):
        return errors.Unavailable(
            f"No connection to the server: {message}",
            hint="Is the server up, and is the pool large enough (max_size)?",
        )
    if state == "CS002":
        return LedgerChanged(message)
    if match := _EXPECTED_VERSION.fullmatch(message):
        return wrong_version(match[2], expected=int(match[1]), actual=int(match[3]))
    if state == "23505" and error.diag.constraint_name == "messages_id":
        return duplicate_id(error.diag.message_detail or message)
    if state == "23505" and (error.diag.constraint_name or "").endswith("messages_stream"):
        return errors.ColdstreamError(
            f"The stream has a message at this position: {error.diag.message_detail or message}",
            hint="Leave out what is there already, and import the rest.",
        )
    if not state and "NUL" in message:
        return errors.InvalidInput(message)
    if state == "P0001":
        for text, kind in _BY_TEXT:
            if message.startswith(text):
                return kind(message, hint=hint)
    if state == "25006":
        message = f"The server takes no writes: {message}"
    if state in _BY_STATE:
        return _BY_STATE[state](message, hint=hint)
    if state == "0A000" and "frozen chunk" in message:
        return errors.LateMessage(
            f"Message is too late: its chunk is sealed ({message})",
            hint="History that has been sealed or archived does not change. Is the clock right? "
            "Then somebody froze the chunk past the store: as its owner, "
            f"SELECT {schema}.unfreeze(...).",
        )
    if state == "3F000" and f'"{schema}"' in message:
        return not_installed(schema)
    if state in ("42P01", "42883") and f"{schema}." in message:
        return errors.NotInstalled(
            f"The store in schema {schema} lacks what this release needs: {message}",
            hint="Bring it up to this release with coldstream init.",
        )
    if state == "54001":
        return errors.InvalidInput(
            f"Nested too deeply: {message}", hint="The server takes several thousand levels."
        )
    if state[:2] in ("22", "54") or state == "23502":
        return errors.InvalidInput(message, hint=hint)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or state[:2] in (
        "08",
        "57",
        "58",
        "28",
        "3D",
    ):
        return errors.Unavailable(_one_line(message), hint=hint)
    return errors.ColdstreamError(message, hint=hint)


def wrong_version(stream_name: str, *, expected: int, actual: int) -> errors.ExpectedVersionError:
    return errors.ExpectedVersionError(
        f"Wrong expected version: {expected} (Stream: {stream_name}, Stream Version: {actual})",
        stream_name=stream_name,
        expected=expected,
        actual=actual,
        hint="Read the stream again and decide anew.",
    )


def duplicate_id(detail: str) -> errors.DuplicateMessageId:
    return errors.DuplicateMessageId(
        f"A message with this id was written before: {detail}",
        hint="For a retry after a lost connection, pass idempotent=True.",
    )


def not_installed(schema: str, *, renamed_to: str | None = None) -> errors.NotInstalled:
    """``renamed_to``: the schema that had this name when its store was made."""
    if renamed_to not in (None, schema):
        return errors.NotInstalled(
            f"No store in schema {schema}: it was renamed to {renamed_to}",
            hint=f"ALTER SCHEMA {renamed_to} RENAME TO {schema}, or "
            f"coldstream init --schema {renamed_to}, and name that one from then on.",
        )
    return errors.NotInstalled(
        f"No store in schema {schema}",
        hint="Install one with coldstream init, or name its schema.",
    )


def renamed(schema: str, made_in: str) -> errors.SetupError:
    return errors.SetupError(
        f"Schema {schema} was named {made_in} when its store was made, and its functions still are "
        "bound to that name",
        hint=f"coldstream init --schema {schema} binds them to the new one; or "
        f"ALTER SCHEMA {schema} RENAME TO {made_in}.",
    )


def not_open() -> errors.StoreClosed:
    return errors.StoreClosed(
        "The store is not open",
        hint="with coldstream.connect(dsn) as store: ..., or open() before and close() after.",
    )


def in_another_loop() -> errors.StoreClosed:
    return errors.StoreClosed("The store is open in another event loop", hint=ONE_LOOP)


def is_read_only(error: errors.Unavailable) -> bool:
    """Whether the server takes no writes, and has not written."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and cause.sqlstate == "25006"


def no_store_row() -> errors.SetupError:
    return errors.SetupError(
        "The table store, which has one row, is empty: nothing says what has left the database",
        hint="Was the store restored only in part? Restore all of it.",
    )


def cannot_connect(error: psycopg.Error) -> errors.ColdstreamError:
    """The error of a first connection: what libpq says, on one line, never the password. It is to
    be raised without its cause: that, and its traceback, may have it."""
    text = _one_line(str(error))
    for pattern, instead in _VALUES:
        text = re.sub(pattern, instead, text)
    check = "postgresql://user:password@host:port/database"
    if isinstance(error, psycopg.ProgrammingError):
        # libpq repeats what it could not read, and that may be, or contain, the password.
        text = _MISSING_EQUALS.sub('missing "=" in', _QUOTED.sub('"..."', text))
        return errors.InvalidInput(
            f"Not a DSN: {text}", hint=f"{check}, or host=... port=... user=... dbname=..."
        )
    if "ProactorEventLoop" in text:
        return errors.SetupError(
            "The event loop of asyncio on Windows cannot be used with PostgreSQL",
            hint="Run with asyncio.run(..., loop_factory=asyncio.SelectorEventLoop), "
            "or use the sync store.",
        )
    # Servers that give a hint know better than we do; the question is libpq's own.
    text, _, hint = text.partition(" HINT: ")
    text = text.removeprefix("connection failed: ").partition(" Is the server running")[0]
    check = f"Check the DSN: {check}."
    # A server that refuses is up.
    return errors.Unavailable(
        f"Cannot connect: {text}",
        hint=hint or (check if "FATAL: " in text else f"Is the server up? {check}"),
    )


def _one_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines()]
    # libpq repeats itself for every address of a host: the last attempt says enough.
    return " ".join(line for line in lines if line and not line.startswith("Multiple connection"))
