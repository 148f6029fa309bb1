"""One run of the benchmark: options, place, figures, table."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from coldstream.cli.views.human import printable
from coldstream.cli.views.progress import step
from coldstream.cli.views.render import write_json
from coldstream.errors import InvalidInput
from coldstream_bench.context import Bench, Options
from coldstream_bench.groups import rows as all_rows
from coldstream_bench.groups import run
from coldstream_bench.page import html_page
from coldstream_bench.place import prepared
from coldstream_bench.plot import growth_svg
from coldstream_bench.report import Report, describe
from coldstream_bench.sample import Sample
from coldstream_bench.table import show

_FULL = Options(messages=1_000_000, history=1_000_000)
_QUICK = Options(
    messages=1000,
    history=1000,
    growth=(1, 4),
    growth_messages=100,
    imported=100,
    rounds=2,
    seconds=0.05,
    reads=10,
)


def run_bench(
    *,
    dsn: str | None,
    messages: int | None,
    history: int | None,
    rows: tuple[str, ...],
    chunks: tuple[int, ...],
    from_dsn: str | None,
    from_schema: str,
    rounds: int | None,
    seconds: float | None,
    seed: int,
    v4_share: float,
    full: bool,
    quick: bool,
    keep: bool,
    archive: str | None,
    archive_options: dict[str, str],
    html: Path | None,
    plot: Path | None,
    json: bool,
) -> None:
    """Run the benchmark and print it, or with ``json`` all that was measured.

    Raises:
        InvalidInput: no server, or no row of that name.
        MissingExtension, UnsupportedEdition: the server has no columnstore.
        ColdstreamError: what a store or its lifecycle raises.
    """
    for file in (html, plot):
        # Before an hour is spent on what then cannot be written.
        if file is not None and not file.absolute().parent.is_dir():
            raise InvalidInput(f"There is no folder for {file}")
    if full and quick:
        raise InvalidInput("--full and --quick exclude each other")
    options = _QUICK if quick else _FULL if full else Options()
    options = replace(
        options,
        messages=messages or options.messages,
        history=history or options.history,
        growth=tuple(sorted(set(chunks))) or options.growth,
        rounds=rounds or options.rounds,
        seconds=seconds or options.seconds,
        seed=seed,
        v4_share=v4_share,
        rows=rows,
    )
    if not any(options.names(row.key) and (from_dsn or not row.needs_sample) for row in all_rows()):
        groups = dict.fromkeys(row.key.partition(".")[0] for row in all_rows())
        raise InvalidInput(
            f"No row matches {' '.join(rows)}",
            hint="Rows are of " + ", ".join(f"{group}.*" for group in groups) + ".",
        )
    with ExitStack() as stack:
        if dsn is None:
            if not quick:
                raise InvalidInput(
                    "No server to measure",
                    hint="Give --dsn; --quick alone runs on an embedded server.",
                )
            from coldstream.embedded import EmbeddedServer

            dsn = stack.enter_context(EmbeddedServer(progress=_say)).dsn
        started = datetime.now(UTC)
        place = stack.enter_context(
            prepared(
                dsn, keep=keep, progress=_say, archive=archive, archive_options=archive_options
            )
        )
        sample = None
        if from_dsn is not None:
            sample = Sample(place.folder / "sample.jsonl", f"messages of schema {from_schema}")
            with step("take a sample", noun="messages") as taking:
                sample.take(from_dsn, from_schema, max(options.messages, 2 * options.history))
                taking.advance(sample.count)
            options = replace(
                options,
                messages=min(options.messages, sample.count),
                history=min(options.history, sample.count // 2),
            )
        bench = Bench(place, options, step, sample)
        figures = list(run(bench))
        report = Report(describe(bench, started), figures).to_json()
    if html is not None:
        html.write_text(html_page(report), encoding="utf-8")
        _say(f"wrote {html}")
    if plot is not None:
        svg = growth_svg(report)
        if svg is None:
            _say("no growth was measured: no plot")
        else:
            plot.write_text(svg, encoding="utf-8")
            _say(f"wrote {plot}")
    if json:
        write_json(report)
    else:
        show(report)


def _say(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)
