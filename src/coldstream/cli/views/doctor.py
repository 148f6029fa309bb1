"""What an examination found: a list, worst first, or one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from coldstream.cli.views.human import printable
from coldstream.cli.views.render import console, write_json

if TYPE_CHECKING:
    from coldstream.doctor import Examination, Fixed, Found

_STYLES = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def show_examination(
    found: Examination,
    *,
    json: bool,
    safe: Sequence[Found] | None = None,
    done: Sequence[Fixed] | None = None,
) -> None:
    """Print it. ``safe``: what ``--fix`` runs, where it was asked for; ``done``: what it ran."""
    if json:
        value = asdict(found) | {"is_healthy": found.is_healthy}
        if safe is not None:
            value["fixes"] = [{"code": each.code, "statement": each.fix} for each in safe]
            value["fixed"] = None if done is None else [asdict(each) for each in done]
        write_json(value)
        return
    from rich.text import Text

    out = console()
    for each in done or []:
        if each.problem is None:
            out.print(Text(f"done: {printable(each.statement)}", style="green"))
        else:
            out.print(Text(f"failed: {printable(each.statement)}", style="bold red"))
            out.print(Text(f"  {printable(each.problem)}"))
    for finding in found.findings:
        style = _STYLES[finding.level]
        what = f"{finding.level}: {printable(finding.what)} [{finding.code}]"
        out.print(Text(what, style=style))
        out.print(Text(f"  why: {printable(finding.why)}"))
        out.print(Text(f"  mend: {printable(finding.mend)}"))
    for missed in found.unchecked:
        out.print(Text(f"not looked at: {missed.title} ({printable(missed.why)})", style="dim"))
    checks = f"{found.checks} checks" + ("" if found.deep else ", without messages (--deep)")
    if found.findings:
        out.print(Text(f"{len(found.findings)} findings of {checks}"))
    else:
        out.print(Text(f"nothing is wrong: {checks}", style="green"))


def show_fixes(safe: Sequence[Found], *, title: str) -> None:
    """Print the statements that ``--fix`` runs."""
    out = console()
    out.print(f"{title}:")
    for each in safe:
        print(f"  {printable(each.fix or '')}")
