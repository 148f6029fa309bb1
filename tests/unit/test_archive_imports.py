"""Who may import what: read from a fresh interpreter, not from the source."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import coldstream.archive


def modules_after(*names: str) -> set[str]:
    program = "import sys\n" + "".join(f"import {name}\n" for name in names)
    program += "print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", program], text=True).split())


def test_the_package_does_not_need_the_archive_extra() -> None:
    assert not modules_after("coldstream") & {"pyarrow", "obstore"}
    assert not modules_after("coldstream.archive.filters") & {"pyarrow", "obstore"}


def test_the_archive_knows_nothing_of_sessions_or_lifecycle() -> None:
    names = [
        f"coldstream.archive.{module.name}"
        for module in pkgutil.iter_modules(coldstream.archive.__path__)
    ]
    assert "coldstream.archive.reader" in names
    loaded = modules_after(*names)
    assert "pyarrow" in loaded
    foreign = ("psycopg", "coldstream.lifecycle", "coldstream.cli", "coldstream.client")
    assert not {name for name in loaded if name.startswith(foreign)}
