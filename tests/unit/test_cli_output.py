"""Tables, JSON, progress and questions."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from coldstream.cli.prompt import Declined, confirm
from coldstream.cli.views.chunks import say_where
from coldstream.cli.views.human import (
    human_bytes,
    human_count,
    human_duration,
    human_ratio,
    human_time,
    one_line,
)
from coldstream.cli.views.progress import step
from coldstream.cli.views.render import Column, Unit, render_record, render_table

COLUMNS = [
    Column("chunk", "Chunk"),
    Column("messages", "Messages", Unit.COUNT),
    Column("size", "Size", Unit.BYTES),
    Column("took", "Took", Unit.SECONDS),
    Column("ratio", "Ratio", Unit.RATIO),
    Column("start", "From", Unit.TIME),
]
START = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=timezone(timedelta(hours=1)))
ROWS = [
    {
        "chunk": "[red]a[/red]\x1b[2J",
        "messages": 1234567,
        "size": 12_345_678,
        "took": timedelta(seconds=4.25),
        "ratio": 8.47,
        "start": START,
    },
    {"chunk": "b", "messages": 5, "size": None, "took": 0.25, "ratio": None, "start": None},
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal as stdout and stderr, without the settings that change how it looks.

    No fixture: pytest sets its own streams between a fixture and the test.
    """
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_table_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    render_table("Chunks", COLUMNS, ROWS, total={"messages": 1234572, "chunk": "2 chunks"})
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    heading, rule, first, second, *_, last = lines[1:]
    assert lines[0] == "Chunks"
    assert heading.split() == ["Chunk", "Messages", "Size", "Took", "Ratio", "From"]
    assert set(rule.strip()) == {"─"}
    assert first.split() == [
        "[red]a[/red]\\x1b[2J", "1,234,567", "12.3", "MB", "4.2", "s", "8.5x", "2026-01-02",
        "02:04:05Z",
    ]  # fmt: skip
    assert second.split() == ["b", "5", "-", "250", "ms", "-", "-"]
    assert last.split() == ["2", "chunks", "1,234,572"]
    # Numbers end below each other, and below the end of their heading.
    assert heading.index("Messages") + len("Messages") == first.index("1,234,567") + 9
    assert second.index(" 5 ") + 2 == first.index("1,234,567") + 9


def test_a_table_is_plain_and_never_folded_without_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    render_table("Streams", [Column("name", "Name")], [{"name": "s" * 500}])
    out = capsys.readouterr().out
    assert "s" * 500 in out
    assert "\x1b" not in out


def test_a_terminal_has_style(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    render_table("Chunks", COLUMNS, ROWS)
    assert "\x1b[1m" in terminal.getvalue()


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    render_table("Chunks", COLUMNS, ROWS, json=True, total={"messages": 1})
    assert json.loads(capsys.readouterr().out) == [
        {
            "chunk": "[red]a[/red]\x1b[2J",
            "messages": 1234567,
            "size": 12345678,
            "took": 4.25,
            "ratio": 8.47,
            "start": "2026-01-02T02:04:05.678900+00:00",
        },
        {"chunk": "b", "messages": 5, "size": None, "took": 0.25, "ratio": None, "start": None},
    ]


def test_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    render_table("Chunks", COLUMNS, [])
    assert capsys.readouterr().out == "Chunks: none\n"
    render_table("Chunks", COLUMNS, [], json=True)
    assert capsys.readouterr().out == "[]\n"


def test_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    id = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    columns = [Column("id", "Id"), Column("amount", "Amount"), Column("position", "Position")]
    row = {"id": id, "amount": Decimal("0.10000000000000000001"), "position": 3}
    render_record("Written", columns, row)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["Written"]
    assert lines[1] == ["Id", str(id)]
    assert lines[3] == ["Position", "3"]
    render_record("Written", columns, row, json=True)
    out = capsys.readouterr().out
    assert "0.10000000000000000001" in out
    assert json.loads(out)["id"] == str(id)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345, "12.3 kB"), (99_949, "99.9 kB"),
        (99_950, "100 kB"), (999_499, "999 kB"), (999_999, "1.0 MB"), (5 * 10**18, "5.0 EB"),
        (5 * 10**22, "50000 EB"), (-1500, "-1.5 kB"),
    ],
)  # fmt: skip
def test_bytes(value: int, text: str) -> None:
    assert human_bytes(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.0001, "0 s"), (0.0421, "42 ms"), (0.9999, "1 s"), (4.25, "4.2 s"),
        (59.94, "59.9 s"), (59.96, "1 min"), (185, "3 min 5 s"), (3599.7, "1 h"),
        (7800, "2 h 10 min"), (86_400, "1 d"), (86_580, "1 d"), (97_200, "1 d 3 h"),
        (-90, "-1 min 30 s"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text
    assert human_duration(timedelta(seconds=seconds)) == text


def test_other_units() -> None:
    assert human_count(1234567) == "1,234,567"
    assert [human_ratio(r) for r in (8.47, 99.94, 99.96, 1234)] == [
        "8.5x",
        "99.9x",
        "100x",
        "1,234x",
    ]
    assert human_time(START) == "2026-01-02 02:04:05Z"
    assert human_time(datetime(2026, 1, 2)) == "2026-01-02 00:00:00Z"
    assert human_time(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02 00:00:00Z"
    assert one_line("a\n b\t\x07\u202e") == "a b \\x07\\u202e"


def test_a_step_is_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with step("archive chunk 1", total=20_000, unit=Unit.BYTES) as running:
        running.advance(12_000)
        running.advance(345)
    with step("write", noun="messages") as running:
        running.to(1200)
    with step("check"):
        pass
    printed = capsys.readouterr()
    first, second, third = printed.err.splitlines()
    assert first.startswith("archive chunk 1: 12.3 kB in ")
    assert second.startswith("write: 1,200 messages in ")
    assert third.startswith("check: ")
    assert " in " not in third
    assert printed.out == ""


def test_a_narrow_terminal_goes_without_columns_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = [
        Column("chunk", "chunk"),
        Column("size", "size", aside=True),
        Column("object", "object", aside=True),
    ]
    row = {"chunk": "2025-01-02 to 2025-01-09", "size": "1" * 20, "object": "x" * 60}
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    render_table("Chunks", columns, [row])
    text = terminal.getvalue()
    assert "2025-01-02 to 2025-01-09" in text
    assert "1" * 20 in text
    assert "x" not in text
    assert text.splitlines()[-1] == "no room for: object (--json has all)"


def test_a_narrow_terminal_has_records_where_that_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = [Column("a", "first"), Column("b", "second")]
    rows: list[dict[str, Any]] = [{"a": "x" * 50, "b": "y" * 50}, {"a": "1", "b": None}]
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    render_table("Result", columns, rows, records=True)
    lines = [line.rstrip() for line in terminal.getvalue().splitlines()]
    assert any(line.endswith("x" * 50) and "first" in line for line in lines)
    assert any("Result 2 of 2" in line for line in lines)


def test_without_a_terminal_each_part_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with step("run", total=2, noun="chunks") as running:
        running.part("archive 2025-01-02 to 2025-01-09")
        running.part("archive 2025-01-02 to 2025-01-09")
        assert capsys.readouterr().err == ""
        running.part("verify 2025-01-02 to 2025-01-09")
        assert capsys.readouterr().err.startswith("archive 2025-01-02 to 2025-01-09: ")
        running.end()
        assert capsys.readouterr().err.startswith("verify 2025-01-02 to 2025-01-09: ")
        running.to(2)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("run: 2 chunks in ")


def test_a_bar_names_the_part(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with step("run", total=2) as running:
        running.part("drop 2025-01-02 to 2025-01-09")
        running.to(1)
    assert "run: drop 2025-01-02 to 2025-01-09" in terminal.getvalue()


def test_a_step_that_fails_does_not_say_that_it_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValueError, match="half-way"), step("archive"):
        raise ValueError("half-way")
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with step("archive [chunk]", total=10, noun="messages") as running:
        running.advance(4)
    text = terminal.getvalue()
    assert "4 of 10" in text
    assert "\x1b[" in text
    assert text.splitlines()[-1].split("archive [chunk]: ")[-1].startswith("4 messages in ")


def test_a_step_of_unknown_length_has_a_bar_too(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with step("verify") as running:
        running.advance(4)
    assert "━" in terminal.getvalue()


def test_nobody_is_asked_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    confirm("Drop 3 chunks?", yes=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("answer", "done"),
    [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False), ("yeah\n", False)],
)
def test_somebody_at_a_terminal_is_asked(
    answer: str, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    if done:
        confirm("Drop 3 chunks?", yes=False)
    else:
        with pytest.raises(Declined, match="nothing was changed"):
            confirm("Drop 3 chunks?", yes=False)
    assert terminal.getvalue() == "Drop 3 chunks? [y/N] "


def test_who_keeps_stderr_in_a_file_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    with pytest.raises(Declined):
        confirm("Drop 3 chunks?", yes=False)
    assert terminal.getvalue() == "Drop 3 chunks? [y/N] "
    assert log.getvalue() == ""


def test_yes_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    confirm("Drop 3 chunks?", yes=True)
    assert terminal.getvalue() == ""


def test_what_the_chunks_take_now_leaves_out_what_has_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def chunk(**known: Any) -> Any:
        sizes = {"row_bytes": None, "columnstore_bytes": None, "archive_bytes": None}
        return SimpleNamespace(**{"in_database": True, "is_compressed": False} | sizes | known)

    say_where(
        [
            chunk(row_bytes=1_000, in_database=False, archive_bytes=100),
            chunk(row_bytes=2_000, is_compressed=True, columnstore_bytes=400, archive_bytes=200),
            chunk(row_bytes=3_000),
        ],
        {"streams": 5_000, "chunks": 900, "store": 100},
    )
    assert capsys.readouterr().out.splitlines() == [
        "in the database now: 3.0 kB as rows, 400 B in the columnstore",
        "bookkeeping there: 6.0 kB (streams 5.0 kB, chunks 900 B)",
        "in the archive: 300 B",
        "as rows all of it would take 6.0 kB",
    ]
