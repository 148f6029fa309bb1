"""From words to an exit status: what is printed where, and what is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import psycopg
import pytest
from cyclopts import App, Parameter

import coldstream
from coldstream.cli import main
from coldstream.cli.app import create
from coldstream.cli.options import DryRun, Json, OlderThan, Tiers, Yes, positional
from coldstream.cli.run import run
from coldstream.errors import ArchiveUnavailable, InvalidInput, Unavailable

ERRORS: dict[str, BaseException] = {
    "hinted": Unavailable("no server at db:5432", hint="is it running?"),
    "plain": Unavailable("no server\n  at db:5432\x1b[31m"),
    "input": InvalidInput("not a stream name: ''"),
    "archive": ArchiveUnavailable("file:///nowhere cannot be written"),
    "bug": KeyError("position"),
    "leak": psycopg.OperationalError("connection failed:\nno route"),
    "file": FileNotFoundError(2, "No such file or directory", "events.json"),
    "interrupt": KeyboardInterrupt(),
    "unwinding": Unavailable("the rollback found no server"),
}
ERRORS["unwinding"].__context__ = KeyboardInterrupt()
ONE_LINE_EACH = {
    "hinted": (1, ["coldstream: no server at db:5432", "  hint: is it running?"]),
    "plain": (1, ["coldstream: no server at db:5432\\x1b[31m"]),
    "input": (2, ["coldstream: not a stream name: ''"]),
    "archive": (1, ["coldstream: file:///nowhere cannot be written"]),
    "bug": (
        1,
        [
            "coldstream: unexpected KeyError: 'position'",
            "  hint: this is a bug; COLDSTREAM_TRACEBACK=1 shows where it comes from",
        ],
    ),
    "leak": (
        1,
        [
            "coldstream: unexpected OperationalError: connection failed: no route",
            "  hint: this is a bug; COLDSTREAM_TRACEBACK=1 shows where it comes from",
        ],
    ),
    "file": (1, ["coldstream: events.json: No such file or directory"]),
    "interrupt": (130, ["coldstream: interrupted"]),
    "unwinding": (130, ["coldstream: interrupted"]),
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("COLDSTREAM_"):
            monkeypatch.delenv(name)


@pytest.fixture
def seen() -> dict[str, object]:
    """What the sample command was called with."""
    return {}


@pytest.fixture
def app(seen: dict[str, object]) -> App:
    app = create()

    @app.command
    def drop(
        name: Annotated[str, positional("a name")] = "all",
        /,
        *,
        older_than: OlderThan = "7d",
        database: Tiers,
        json: Json = False,
        dry_run: DryRun = False,
        yes: Yes = False,
    ) -> None:
        seen.update(name=name, older_than=older_than, database=database, flags=(json, dry_run, yes))

    @app.command
    def fail(what: str, /) -> int:
        raise ERRORS[what]

    @app.command
    def status(code: Annotated[int, Parameter(name="--code")]) -> int:
        return code

    return app


def test_options_come_from_the_line(app: App, seen: dict[str, object]) -> None:
    line = "drop a --dsn postgresql://h/d --schema s --archive file:///a --older-than 36h --json"
    assert run(f"{line} --dry-run --yes".split(), app) == 0
    assert seen == {
        "name": "a",
        "older_than": "36h",
        "database": Tiers(dsn="postgresql://h/d", schema="s", archive="file:///a"),
        "flags": (True, True, True),
    }


def test_options_come_from_the_environment(
    app: App, seen: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DSN": "dbname=d",
        "SCHEMA": "s",
        "ARCHIVE": "",
        "ARCHIVE_OPTION": "region=eu timeout=3s",
        "OLDER_THAN": "36h",
        "DRY_RUN": "1",
        "JSON": "1",
        "YES": "1",
        "NAME": "not an option",
        "UNKNOWN": "ignored",
    }.items():
        monkeypatch.setenv(f"COLDSTREAM_{name}", value)
    assert run(["drop", "--schema", "line"], app) == 0
    assert seen == {
        "name": "all",
        # Only where the store and its archive are: what is done is said on the line.
        "older_than": "7d",
        "database": Tiers(
            dsn="dbname=d",
            schema="line",
            archive=None,
            archive_option=("region=eu", "timeout=3s"),
        ),
        "flags": (False, False, False),
    }


def test_defaults(app: App, seen: dict[str, object]) -> None:
    assert run(["drop", "--dsn", "dbname=d"], app) == 0
    assert seen["database"] == Tiers(dsn="dbname=d", schema="message_store", archive=None)
    assert seen["flags"] == (False, False, False)


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "drop",
            "No database: give --dsn or set COLDSTREAM_DSN",
            "coldstream drop --help",
        ),
        ("drop --dsn=", "--dsn. It is empty.", "coldstream drop --help"),
        ("drop --dsn x --schema=", "--schema. It is empty.", "coldstream drop --help"),
        ("drop --dsn x --older", "Unknown option: --older", "coldstream drop --help"),
        ("drop --dsn x --no-yes", "Unknown option: --no-yes", "coldstream drop --help"),
        ("--dsn x drop", "--dsn: options come after the command", "coldstream --help"),
        ("drip", 'Did you mean "drop"?', "coldstream --help"),
        ("status", "--code is missing", "--code CODE; coldstream status --help"),
        ("status --code x", 'unable to convert "x" into int', "coldstream status --help"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    line: str,
    message: str,
    hint: str,
    app: App,
    seen: dict[str, object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(line.split(), app) == 2
    printed = capsys.readouterr()
    first, second = printed.err.splitlines()
    assert first.startswith("coldstream: ")
    assert message in first
    assert second == f"  hint: {hint}"
    assert printed.out == ""
    assert not seen


@pytest.mark.parametrize("what", ERRORS)
def test_errors_are_one_line_each(what: str, app: App, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = ONE_LINE_EACH[what]
    assert run(["fail", what], app) == status
    printed = capsys.readouterr()
    assert printed.err.splitlines() == lines
    assert printed.out == ""


def test_a_traceback_is_there_for_who_asks(
    app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDSTREAM_TRACEBACK", "1")
    assert run(["fail", "bug"], app) == 1
    printed = capsys.readouterr().err
    assert "Traceback (most recent call last)" in printed
    assert printed.splitlines()[-2] == "coldstream: unexpected KeyError: 'position'"


def test_a_command_may_choose_its_status(app: App) -> None:
    assert run(["status", "--code", "1"], app) == 1


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{coldstream.__version__}\n"


def test_a_reader_that_left_is_no_error() -> None:
    code = (
        "import sys\nfrom coldstream.cli.app import create\nfrom coldstream.cli.run import run\n"
        "app = create()\n@app.command\ndef many():\n    for n in range(10**6): print(n)\n"
        "sys.exit(run(['many'], app))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_what_stdout_cannot_encode_is_escaped() -> None:
    code = (
        "import sys\nfrom coldstream.cli.app import create\nfrom coldstream.cli.run import run\n"
        "app = create()\n@app.command\ndef name():\n    print('caf\\xe9')\n"
        "sys.exit(run(['name'], app))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.stdout == b"caf\\xe9\n"


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom coldstream.cli import main\nassert main(['--help']) == 0\n"
        "heavy = {'psycopg', 'pyarrow', 'obstore', 'asyncio', 'rich.progress'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_its_libraries_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.modules['cyclopts'] = None\nfrom coldstream.cli import main\n"
        "sys.exit(main(['--help']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "coldstream: the command line needs cyclopts",
        "  hint: pip install 'coldstream[cli]'",
    ]


def test_without_the_benchmark_its_command_says_where_it_is() -> None:
    program = (
        "import importlib.util as util\n"
        "real = util.find_spec\n"
        "util.find_spec = lambda name, *more: (\n"
        "    None if name == 'coldstream_bench' else real(name, *more))\n"
        "from coldstream.cli import main\n"
        "raise SystemExit(main(['bench']))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "pip install 'coldstream[bench]'" in ran.stderr
