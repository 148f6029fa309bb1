"""From words to an exit status: errors become one line each, never a traceback."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from cyclopts.exceptions import MissingArgumentError, UnknownCommandError, UnusedCliTokensError

from coldstream.cli.app import load
from coldstream.cli.profiles import environment_kept
from coldstream.cli.views.human import one_line
from coldstream.errors import ColdstreamError, InvalidInput, LifecycleBusy

FAILED, WRONG_USAGE = 1, 2
# EX_TEMPFAIL of sysexits.h: nothing is wrong, and the same command may do it later.
BUSY = 75
INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + 13  # SIGPIPE, as any program in a pipeline whose reader has gone


def run(arguments: Sequence[str], app: App | None = None) -> int:
    """Run the command that ``arguments`` name (of ``app``, in tests) and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A message may hold any character; a terminal's encoding may not. Never fail on that.
            stream.reconfigure(errors="backslashreplace")
    try:
        with environment_kept():
            status = (app or load())(
                list(arguments),
                exit_on_error=False,
                print_error=False,
                result_action="return_value",
            )
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered has no reader; the flush at exit must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return PIPE_CLOSED
    except (KeyboardInterrupt, Exception) as error:
        if interrupted(error):
            return report(error, "interrupted", status=INTERRUPTED)
        return failed(error)
    return status if isinstance(status, int) else 0


def interrupted(error: BaseException | None) -> bool:
    """Is ``error`` an interrupt, or what went wrong while one unwound (a rollback, say)?"""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def failed(error: BaseException) -> int:
    """Report what a command raised, and return the exit status that its kind has."""
    match error:
        case CycloptsError():
            return report(error, usage(error), hint=usage_hint(error), status=WRONG_USAGE)
        case InvalidInput():
            return report(error, str(error), hint=error.hint, status=WRONG_USAGE)
        case LifecycleBusy():
            return report(error, str(error), hint=error.hint, status=BUSY)
        case ColdstreamError():
            return report(error, str(error), hint=error.hint)
        case OSError(filename=str(name)):
            return report(error, f"{name}: {error.strerror}")
        case OSError():
            return report(error, str(error))
        case _:
            return report(
                error,
                f"unexpected {type(error).__name__}: {error}",
                hint="this is a bug; COLDSTREAM_TRACEBACK=1 shows where it comes from",
            )


def report(
    error: BaseException, message: str, *, hint: str | None = None, status: int = FAILED
) -> int:
    """Write ``message`` and ``hint`` to stderr, one line each, and return ``status``."""
    if os.environ.get("COLDSTREAM_TRACEBACK"):
        traceback.print_exception(error)
    print(f"coldstream: {one_line(message)}", file=sys.stderr)
    if hint:
        print(f"  hint: {one_line(hint)}", file=sys.stderr)
    return status


def usage(error: CycloptsError) -> str:
    if isinstance(error, UnknownCommandError):
        # An option before the command is taken for one.
        word = next(iter(error.unused_tokens or ()), "")
        if word.startswith("-"):
            return f"{word}: options come after the command"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        if what := _PLACES.get(error.argument.name):
            return f"No {what}: give {error.argument.name} or set {_variable(error.argument.name)}"
        if error.argument.name.startswith("-"):
            return f"{error.argument.name} is missing"
    if isinstance(error, UnusedCliTokensError):
        # After an option that the command does not have, or where it takes no more words.
        return f"Not understood: {' '.join(error.unused_tokens or ())}"
    return str(error)


_PLACES = {"--dsn": "database", "--archive": "archive"}


def _variable(option: str) -> str:
    return "COLDSTREAM_" + option.removeprefix("--").replace("-", "_").upper()


def usage_hint(error: CycloptsError) -> str:
    help = f"{' '.join(['coldstream', *(error.command_chain or ())])} --help"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        option = error.argument.name
        if option.startswith("--") and option not in _PLACES:
            what = error.argument.parameter.metavar or option.removeprefix("--").upper()
            return f"{option} {what}; {help}"
    return help
