"""Who may import what: read from a fresh interpreter, not from the source."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import coldstream.archive


def modules_after(*names: str) -> set[str]:
    program = "import sys\n" + "".join(f"import {name}\n" for name in names)
    program += "print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", program], text=True).split())


def test_importing_the_package_is_quick() -> None:
    assert not modules_after("coldstream") & {"pyarrow", "obstore"}
    assert not modules_after("coldstream.archive.read.filters") & {"pyarrow", "obstore"}


def test_the_archive_knows_nothing_of_sessions_or_lifecycle() -> None:
    names = [
        module.name
        for module in pkgutil.walk_packages(coldstream.archive.__path__, "coldstream.archive.")
    ]
    assert "coldstream.archive.read.reader" in names
    loaded = modules_after(*names)
    assert "pyarrow" in loaded
    foreign = ("psycopg", "coldstream.lifecycle", "coldstream.cli", "coldstream.client")
    assert not {name for name in loaded if name.startswith(foreign)}


def test_a_plain_installation_reads_the_archive() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))[
        "project"
    ]
    wanted = {re.split(r"[\[<>=; ]", each)[0] for each in project["dependencies"]}
    assert {"obstore", "pyarrow"} <= wanted


def test_an_installation_without_its_dependencies_is_told() -> None:
    program = (
        "import sys\nsys.modules['obstore'] = None\nfrom coldstream import SetupError\n"
        "try:\n  import coldstream.archive.read.reader\n"
        "except SetupError as error:\n  print(error, '|', error.hint)"
    )
    said = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert said.startswith("The archive cannot be read: obstore is not installed | pip install")


ROOMS = ("storage", "format", "manifest", "read", "engines")


def test_a_room_of_the_archive_uses_those_before_it() -> None:
    folder = Path(coldstream.archive.__file__).parent
    assert {each.parent.name for each in folder.glob("*/__init__.py")} == set(ROOMS)
    for at, room in enumerate(ROOMS):
        named = set[str]()
        for path in (folder / room).glob("*.py"):
            named |= set(re.findall(r"coldstream\.archive\.(\w+)", path.read_text("utf-8")))
        assert named <= set(ROOMS[: at + 1]), room
