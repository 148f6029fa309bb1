"""Imports go one way, and a program that needs little imports little."""

from __future__ import annotations

import ast
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
    ("coldstream.client", "coldstream.lifecycle"),
    ("coldstream.client", "coldstream.store"),
    ("coldstream.consumers", "coldstream.lifecycle"),
    ("coldstream.consumers", "coldstream.store"),
    ("coldstream.entities", "coldstream.lifecycle"),
    ("coldstream.archive", "psycopg"),
    ("coldstream.archive", "psycopg_pool"),
    ("coldstream.archive", "coldstream.client"),
    ("coldstream.archive", "coldstream.lifecycle"),
    ("coldstream.migrations", "coldstream.lifecycle"),
    ("coldstream.messages", "psycopg"),
    ("coldstream.errors", "psycopg"),
]
# Only these may import the command line and what comes with it.
FRONTS = ("coldstream.cli", "coldstream.demo", "coldstream.dashboard")


def imports(module: str) -> Iterator[str]:
    """The full names of what a module imports, inside functions too."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
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
    assert "coldstream.client._async.store" in MODULES
    assert "coldstream.archive.reader" in MODULES
    assert within("coldstream.client._errors", "coldstream.client")
    assert "psycopg_pool" in {n.split(".")[0] for n in imports("coldstream.client._errors")}


@pytest.mark.parametrize(("importer", "imported"), FORBIDDEN)
def test_it_is_never_imported(importer: str, imported: str) -> None:
    modules = [m for m in MODULES if within(m, importer)]
    assert modules
    assert [m for m in modules if any(within(name, imported) for name in imports(m))] == []


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
