"""Runs the blocks of a page, and says what they printed."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import psycopg
from tests.docs.pages import Block, Page, PageError

from coldstream.cli.run import run as run_command


class Runner:
    """One page: its python blocks share a namespace, its sql blocks run as the store's owner.

    They find what psql finds: names are looked up where PostgreSQL looks by itself, or where the
    page told its reader to have them looked up, with PGOPTIONS.
    """

    def __init__(self, page: Page, dsn: str, schema: str) -> None:
        self.page = page
        self.dsn = dsn
        self.schema = schema
        self.namespace: dict[str, Any] = {"__name__": "__main__"}
        text = "".join(block.text for block in page.blocks if block.tag == "shell")
        found = re.search(r"export PGOPTIONS='-c search_path=(\S+)'", text)
        self.search_path = found[1] if found else None

    def run(self, block: Block) -> str:
        """What the block printed.

        Raises:
            PageError: it failed, and the page does not say so.
        """
        return {"python": self._python, "sql": self._sql, "sh": self._sh}[block.tag](block)

    def _python(self, block: Block) -> str:
        if found := re.match(r"# (test_\w+\.py)\n", block.text):
            return self._pytest(found[1], block.text)
        printed = io.StringIO()
        # Empty lines before it, so that a traceback names the line of the page.
        code = compile(
            "\n" * (block.line - 1) + block.text,
            str(self.page.path),
            "exec",
            # A page is not written with what this module imports from __future__.
            dont_inherit=True,
        )
        with redirect_stdout(printed):
            exec(code, self.namespace)
        return printed.getvalue()

    def _pytest(self, name: str, text: str) -> str:
        """Run a file of tests with a pytest of its own; its names are there for later blocks."""
        Path(name).write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name],
            env=os.environ | {"COLDSTREAM_TEST_DSN": self.dsn},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise PageError(f"{name}\n{done.stdout}{done.stderr}")
        exec(text, self.namespace)
        return done.stdout

    def _sql(self, block: Block) -> str:
        """As psql prints it: a table or the command's tag, notices, errors."""
        printed: list[str] = []
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET TIME ZONE 'UTC'")
            if self.search_path:
                connection.execute(
                    "SELECT set_config('search_path', %s, false)", [self.search_path]
                )
            connection.add_notice_handler(
                # Warnings are not shown: the embedded engine has some of its own.
                lambda notice: (
                    printed.append(f"NOTICE:  {notice.message_primary}")
                    if notice.severity == "NOTICE"
                    else None
                )
            )
            for statement in statements(block.text):
                try:
                    cursor = connection.execute(statement.encode())
                except psycopg.Error as error:
                    printed += error_lines(error)
                    if "ERROR:" not in (block.output or ""):
                        raise PageError(f"{statement}\n" + "\n".join(printed)) from error
                else:
                    printed += table_lines(cursor)
        return "\n".join(printed)

    def _sh(self, block: Block) -> str:
        printed = io.StringIO()
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if not words:
                continue
            if words[0] != "coldstream":
                raise PageError(f"{self.page.name}: runs only in a terminal (```shell): {line}")
            with redirect_stdout(printed), redirect_stderr(printed):
                status = run_command(words[1:])
            if status != 0 and "coldstream:" not in (block.output or ""):
                raise PageError(f"{line}\nexit status {status}\n{printed.getvalue()}")
        return printed.getvalue()


def statements(text: str) -> Iterator[str]:
    """The statements of a script: each ends with a line that ends with a semicolon."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and statement.count("$$") % 2 == 0:
            yield statement
            statement = ""
    if re.sub(r"--.*", "", statement).strip():
        raise PageError(f"No semicolon after: {statement}")


def error_lines(error: psycopg.Error) -> list[str]:
    parts = {
        "ERROR": error.diag.message_primary,
        "DETAIL": error.diag.message_detail,
        "HINT": error.diag.message_hint,
    }
    return [f"{name}:  {text}" for name, text in parts.items() if text]


def table_lines(cursor: psycopg.Cursor[Any]) -> list[str]:
    result = cursor.pgresult
    assert result is not None
    if cursor.description is None:
        return [cursor.statusmessage or ""]
    rows = [
        [(result.get_value(row, column) or b"").decode() for column in range(result.nfields)]
        for row in range(result.ntuples)
    ]
    count = f"({len(rows)} row{'' if len(rows) == 1 else 's'})"
    names = [column.name for column in cursor.description]
    return [*(" | ".join(row) for row in [names, *rows]), count]


def same(expected: str, printed: str) -> bool:
    """Whether the output is the expected one, up to spaces and rules, and where ``...`` stands."""
    pattern = ""
    for line in _lines(expected):
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r".*?".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        # Rules and frames of tables are as wide as what they frame.
        line = " ".join(re.sub(r"[-+=|\u2500-\u257f]{3,}", " ", line).split())
        if line:
            yield line
