"""One run of the demo: its place, its chapters, and what to type next."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import coldstream
from coldstream.cli.views.human import human_duration, printable
from coldstream.cli.views.render import write_json
from coldstream.demo.chapters import Demo
from coldstream.demo.deliveries import fetch_deliveries
from coldstream.demo.place import Place, prepared
from coldstream.demo.screen import Screen

_TITLE = "Coldstream: event history gets cheaper as it ages and never goes missing"


def run_demo(
    *,
    messages: int,
    dsn: str | None,
    schema: str | None,
    keep: Path | None,
    replace: bool,
    json: bool,
) -> None:
    """Run the demo and print it, or with ``json`` its figures alone (bytes, seconds, counts).

    Raises:
        EmbeddedError: a package cannot be downloaded, or the server cannot be started.
        ColdstreamError: what a store or its lifecycle raises.
    """
    screen = Screen(quiet=json)
    screen.line(_TITLE, "bold")
    started = time.monotonic()
    deliveries = fetch_deliveries(_progress)
    with prepared(dsn=dsn, schema=schema, keep=keep, replace=replace, progress=_progress) as place:
        screen.seconds["set_up"] = round(time.monotonic() - started, 3)
        screen.line(f"{place.server}; the archive is a folder:")
        screen.line(f"  {place.archive_url}")
        began = time.monotonic()
        with coldstream.connect(place.dsn, schema=place.schema, archive=place.archive_url) as store:
            demo = Demo(store, screen)
            demo.run(deliveries, messages)
        took = time.monotonic() - began
    screen.seconds["all"] = round(took, 3)
    if json:
        write_json({**demo.figures, "seconds": screen.seconds})
        return
    screen.line("")
    screen.line(f"Done in {human_duration(took)}. " + _left(place, keep))
    _next_steps(screen, place, demo.across, keep)


def _progress(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)


def _left(place: Place, keep: Path | None) -> str:
    if keep is None:
        return (
            "Server, data and archive are gone."
            if place.embedded
            else (f"Schema {place.schema} and the archive are gone.")
        )
    return f"It is all kept in {place.archive.parent}."


def _next_steps(screen: Screen, place: Place, stream: str, keep: Path | None) -> None:
    options = f"--archive {place.archive_url}"
    if place.schema != "message_store":
        options += f" --schema {place.schema}"
    lines: list[tuple[str, str]] = []
    if keep is not None and place.embedded:
        lines.append((f"coldstream dev --data-dir {place.data_dir}", "its server again"))
    elif keep is None:
        lines.append(("coldstream dev", "prints a DSN"))
    lines.append(("export COLDSTREAM_DSN=...", "that DSN, or yours"))
    if keep is None:
        lines.append(("coldstream init", "install a store"))
        lines.append(("""coldstream write account-1 Deposited '{"amount": 11}'""", "a message"))
        lines.append(("coldstream read account-1", "and back"))
    else:
        lines.append((f"coldstream chunks {options}", "what is where"))
        lines.append((f"coldstream read '{stream}' {options}", "a stream, from every tier"))
    lines.append(("coldstream --help", "all else; see docs/"))
    screen.line("Next:", "bold")
    width = min(60, max(len(command) for command, _ in lines))
    for command, why in lines:
        screen.line(f"  {command:<{width}}  # {why}")
