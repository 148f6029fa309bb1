"""What went into a file, or came out of one."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

from coldstream.cli.views.human import human_bytes, human_count, human_time, printable
from coldstream.cli.views.render import write_json

if TYPE_CHECKING:
    from coldstream.files.export import Exported
    from coldstream.files.load import Imported


def show_exported(found: Exported, *, dry_run: bool, json: bool) -> None:
    """On stderr where the messages are on stdout."""
    on_stdout = found.target == "-" and not dry_run
    for path in found.unused_rules:
        print(f"warning: the rule for {printable(path)} changed nothing", file=sys.stderr)
    if json and not on_stdout:
        write_json(asdict(found))
        return
    out: TextIO = sys.stderr if on_stdout else sys.stdout
    if not found.messages:
        print(
            "no messages" + ("" if dry_run else f": {printable(found.target)} is empty"), file=out
        )
        return
    print(
        f"{'would export' if dry_run else 'exported'} {human_count(found.messages)} messages, "
        f"global positions {found.first_global_position} to {found.last_global_position}"
        + (f", {human_bytes(found.bytes)}" if found.bytes is not None else "")
        + f", to {'stdout' if found.target == '-' else printable(found.target)}",
        file=out,
    )


def show_imported(found: Imported, *, dry_run: bool, json: bool) -> None:
    if json:
        write_json(asdict(found))
        return
    if found.first_time is None or found.last_time is None:
        print("no messages: the file is empty")
        return
    print(
        f"{'would import' if dry_run else 'imported'} {human_count(found.messages)} messages, of "
        f"{human_time(found.first_time)} to {human_time(found.last_time)}"
    )
