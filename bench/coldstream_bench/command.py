"""The benchmark: is it for you? On your own server, and with messages like yours."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import TRY_IT, app
from coldstream.cli.options import ArchiveOptions, as_mapping


# Without the environment: COLDSTREAM_DSN names a store that somebody uses, and an archive that
# somebody relies on.
@app.command(group=TRY_IT, config=())
def bench(
    *,
    dsn: Annotated[
        str | None,
        Parameter(
            metavar="DSN",
            help="The server to measure, with TimescaleDB in the database; schemas of its own are "
            "made there and go at the end. With --quick it may be left out: an embedded server.",
        ),
    ] = None,
    messages: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=1000),
            help="Messages to read, and to write after (default: 200,000; 1,000,000 with --full).",
        ),
    ] = None,
    history: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=1000),
            help="Messages of a chunk that is stored, archived or dropped (default: 1,000,000).",
        ),
    ] = None,
    from_dsn: Annotated[
        str | None,
        Parameter(
            metavar="DSN",
            help="Take the messages from this Message DB, the newest ones, instead of making them "
            "up. They are only read, and copied into the schemas of the benchmark.",
        ),
    ] = None,
    from_schema: Annotated[
        str,
        Parameter(metavar="SCHEMA", help="The schema of the store that messages are taken from."),
    ] = "message_store",
    rows: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="PATTERN",
            negative="",
            show_default=False,
            help="Only rows whose key matches: 'write.*', '*.warm', growth.version. May be given "
            "more than once.",
        ),
    ] = (),
    chunks: Annotated[
        tuple[Annotated[int, Parameter(metavar="N", validator=Number(gte=1, lte=5000))], ...],
        Parameter(
            negative="",
            show_default=False,
            help="The numbers of chunks that growth is measured at (default: 1, 10, 100, 500).",
        ),
    ] = (),
    rounds: Annotated[
        int | None,
        Parameter(
            metavar="N",
            validator=Number(gte=1),
            help="Rounds in which both take turns (default: 5).",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        Parameter(
            metavar="SECONDS",
            validator=Number(gt=0),
            help="How long each has in a round, at most (default: 1).",
        ),
    ] = None,
    seed: Annotated[int, Parameter(metavar="N", help="The seed of the random generator.")] = 1,
    v4_share: Annotated[
        float,
        Parameter(
            metavar="SHARE",
            validator=Number(gte=0, lte=1),
            help="The share of ids that are UUIDv4; the others are v7, as the client makes them.",
        ),
    ] = 0.0,
    full: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="A million messages: for figures to decide by."
        ),
    ] = False,
    quick: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="See it run, in a minute: the figures say little."
        ),
    ] = False,
    keep: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Keep the schemas, to look into them."),
    ] = False,
    archive: Annotated[
        str | None,
        Parameter(
            metavar="URL",
            help="An archive to read from in the rows that say so: s3://bucket/prefix, gs://..., "
            "az://..., file:///folder. Objects of its own are made below it and go at the end. "
            "Without it, a folder.",
        ),
    ] = None,
    archive_option: ArchiveOptions = (),
    html: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Write a page with tables and plots, which loads nothing."),
    ] = None,
    plot: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Write the growth plot alone, as SVG."),
    ] = None,
    json: Annotated[
        bool,
        Parameter(
            name="--json",
            negative="",
            show_default=False,
            help="Print JSON: every value in the unit that stands beside it, ratios, targets, and "
            "machine, versions, settings and seed.",
        ),
    ] = False,
) -> None:
    """Measure Coldstream against Message DB's functions on a plain table, on your server.

    Both have the same messages and take turns; medians are compared. Each row has the value, the
    ratio to plain PostgreSQL, and whether it meets the target that the project has set itself. It
    reads no COLDSTREAM_ variable: give --dsn.
    """
    from coldstream_bench.run import run_bench

    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        run_bench(
            dsn=dsn,
            messages=messages,
            history=history,
            rows=rows,
            chunks=chunks,
            from_dsn=from_dsn,
            from_schema=from_schema,
            rounds=rounds,
            seconds=seconds,
            seed=seed,
            v4_share=v4_share,
            full=full,
            quick=quick,
            keep=keep,
            archive=archive,
            archive_options=as_mapping(archive_option),
            html=html,
            plot=plot,
            json=json,
        )
    except _Terminated:
        raise SystemExit(128 + signal.SIGTERM) from None
    finally:
        signal.signal(signal.SIGTERM, previous)


class _Terminated(KeyboardInterrupt):
    """SIGTERM. Like Ctrl-C it cancels the statement that runs: a schema can be dropped only when
    nothing in it is at work."""


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise _Terminated
