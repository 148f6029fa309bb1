"""Imports go one way, and a program that needs little imports little."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import coldstream

ROOT = Path(coldstream.__file__).parent
MODULES = {
    ".".join(["coldstream", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(
        ".__init__"
    ): path
    for path in sorted(ROOT.rglob("*.py"))
}

# Who may not import what, however late.
FORBIDDEN = [
    ("coldstream.client", "coldstream.consumers"),
    ("coldstream.client", "coldstream.entities"),
    ("coldstream.client", "coldstream.lifecycle"),
    ("coldstream.client", "coldstream.store"),
    ("coldstream.consumers", "coldstream.lifecycle"),
    ("coldstream.consumers", "coldstream.store"),
    ("coldstream.consumers", "coldstream.entities"),
    ("coldstream.entities", "coldstream.consumers"),
    ("coldstream.entities", "coldstream.lifecycle"),
    ("coldstream.entities", "coldstream.store"),
    ("coldstream.lifecycle", "coldstream.store"),
    ("coldstream.archive", "psycopg"),
    ("coldstream.archive", "psycopg_pool"),
    ("coldstream.archive", "coldstream.client"),
    ("coldstream.archive", "coldstream.lifecycle"),
    ("coldstream.migrations", "coldstream.lifecycle"),
    *(
        ("coldstream.messages", other)
        for other in ("psycopg", "coldstream.archive", "coldstream.client", "coldstream.consumers")
    ),
    ("coldstream.errors", "psycopg"),
]
# Only these may import the command line and what comes with it.
FRONTS = ("coldstream.cli", "coldstream.dashboard", "coldstream.demo")


def nodes(tree: ast.AST, *, typing: bool) -> Iterator[ast.AST]:
    """All of it; without ``typing``, not what only a type checker runs."""
    for node in ast.iter_child_nodes(tree):
        if typing or not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield node
            yield from nodes(node, typing=typing)


def imports(module: str, *, typing: bool = True) -> Iterator[str]:
    """The full names of what a module imports, inside functions too."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in nodes(ast.parse(path.read_text("utf-8")), typing=typing):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_every_module_is_looked_at() -> None:
    assert "coldstream.client._async.client" in MODULES
    assert "coldstream.archive.read.reader" in MODULES
    assert within("coldstream.client.errors", "coldstream.client")
    assert "psycopg_pool" in {n.split(".")[0] for n in imports("coldstream.client.errors")}


@pytest.mark.parametrize(("importer", "imported"), FORBIDDEN)
def test_it_is_never_imported(importer: str, imported: str) -> None:
    modules = [m for m in MODULES if within(m, importer)]
    assert modules
    assert [m for m in modules if any(within(name, imported) for name in imports(m))] == []


def circles(arrows: dict[str, set[str]]) -> list[str]:
    """What stands in circles and between them; empty where everything goes one way."""
    left = dict(arrows)
    while True:
        reached = {other for others in left.values() for other in others}
        inside = {one for one, others in left.items() if others & set(left) and one in reached}
        if inside == set(left):
            return sorted(left)
        left = {one: left[one] & inside for one in inside}


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == ["b", "c"]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_modules_and_rooms_import_one_way() -> None:
    """Also by imports inside of functions, which hide a circle and do not undo it. What is imported
    for types alone may name what stands above: an error has the message that a handler failed at.
    """
    modules: dict[str, set[str]] = {}
    rooms: dict[str, set[str]] = {}
    for module in MODULES:
        found = {name for name in imports(module, typing=False) if name in MODULES}
        # "from coldstream.archive import csv" names both, and needs the second.
        packages = {name for name in found if any(other.startswith(f"{name}.") for other in found)}
        modules[module] = found - packages - {module}
        rooms.setdefault(room_of(module), set()).update(map(room_of, modules[module]))
    rooms = {room: others - {room} for room, others in rooms.items()}
    assert circles(modules) == []
    assert circles(rooms) == []


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("front", FRONTS)
def test_nothing_imports_the_command_line(front: str) -> None:
    behind = [m for m in MODULES if not any(within(m, each) for each in FRONTS)]
    assert [m for m in behind if any(within(name, front) for name in imports(m))] == []


@pytest.mark.parametrize("module", ["psycopg", "pyarrow", "obstore", "cyclopts", "rich", "msgspec"])
def test_the_package_alone_loads_no_library(module: str) -> None:
    program = f"import sys, coldstream; print({module!r} in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert shown.stdout == b"False\n"


def test_a_store_without_an_archive_loads_no_archive_library() -> None:
    program = (
        "import sys, coldstream; coldstream.connect('host=nowhere'); "
        "print({'pyarrow', 'obstore'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert shown.stdout == b"set()\n"


def test_the_pytest_plugin_brings_nothing_heavy() -> None:
    """Every pytest run on a machine where Coldstream is installed loads it."""
    program = (
        "import sys, coldstream.embedded.pytest_plugin\n"
        "heavy = ('orjson', 'simplejson', 'uuid_utils', 'psycopg', 'msgspec', 'pyarrow', 'obstore',"
        " 'coldstream.messages.message', 'coldstream.embedded.server',"
        " 'coldstream.embedded.packages')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_the_module_of_messages_is_there_without_an_import_of_its_own() -> None:
    program = "import coldstream; print(coldstream.messages.category('account-1'))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "account"


def test_only_the_client_reaches_for_a_stores_connections() -> None:
    """Everybody else asks by :mod:`coldstream.client._async.statements`."""
    inside = ("coldstream.client",)
    others = [m for m in MODULES if not any(within(m, each) for each in inside)]
    assert [m for m in others if re.search(r"\._connections\b", MODULES[m].read_text())] == []


def test_a_module_with_an_underscore_is_its_rooms_own() -> None:
    """All but the two forms of a room, ``_async`` and ``_sync``, which others choose from."""
    wrong = []
    for module in MODULES:
        for name in imports(module):
            room, _, private = name.removesuffix(".__init__").partition("._")
            own = private.split(".")[0] in ("async", "sync", "version", "forks", "")
            if name in MODULES and private and not own and not within(module, room):
                wrong.append((module, name))
    assert wrong == []
