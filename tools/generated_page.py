"""A page that is generated: written, or only compared (``--check``)."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable
from pathlib import Path


def write_or_check(words: list[str] | None, page: Path, generate: Callable[[], str]) -> int:
    """Write what ``generate`` gives to ``page``; with ``--check`` among ``words`` write nothing,
    print a diff and give 1 where the page is not current. Gives the exit status."""
    parser = argparse.ArgumentParser(description=f"Write {page.name}.")
    parser.add_argument("--check", action="store_true", help="only compare; 1 when it differs")
    check = parser.parse_args(words).check
    wanted = generate()
    if check:
        old = page.read_text() if page.exists() else ""
        diff = difflib.unified_diff(
            old.splitlines(), wanted.splitlines(), str(page), "generated", lineterm=""
        )
        print("\n".join(diff))
        if old != wanted:
            print(f"{page.name} is not current: run `make pages`.", file=sys.stderr)
        return int(old != wanted)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(wanted)
    print(f"wrote {page}")
    return 0
