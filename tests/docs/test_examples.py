"""Every script in examples/ runs, and prints what its docstring says after ``Prints::``."""

from __future__ import annotations

import ast
import io
import runpy
import textwrap
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from tests.docs.pages import ROOT
from tests.docs.runner import same
from tests.fix_store import InstalledStore

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def test_there_are_examples():
    assert len(SCRIPTS) >= 4


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_runs(script: Path, new_page_store: Callable[..., InstalledStore]):
    new_page_store(install=True, history=False)
    _, found, expected = (ast.get_docstring(ast.parse(script.read_text())) or "").partition(
        "Prints::\n"
    )
    assert found, "say in the docstring what it prints"
    printed = io.StringIO()
    with redirect_stdout(printed):
        runpy.run_path(str(script), run_name="__main__")
    if not same(textwrap.dedent(expected), printed.getvalue()):
        pytest.fail(f"printed\n{printed.getvalue()}\n-- instead of\n{expected}", pytrace=False)
