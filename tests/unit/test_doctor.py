"""Findings without a server: the registry, its page, and what depends on releases and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import doctor_reference
from coldstream.doctor import Found, Kind, jobs, kinds, settings
from coldstream.doctor import server as servers
from coldstream.doctor.asked import Asked, NotLooked
from coldstream.doctor.fix import fixable
from coldstream.sql.queries import statement

ROOT = Path(__file__).resolve().parents[2]
KINDS = [each for found in kinds().values() for each in found]


class Answering(Asked):
    """A server that gives these answers, by the statement's name."""

    def __init__(self, answers: dict[str, list[tuple[Any, ...]]], **values: Any) -> None:
        super().__init__(None, "store", **values)  # type: ignore[arg-type]
        self.answers = answers

    def rows(self, name: str, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        return self.answers.get(name, [])


def codes(found: Iterator[Found]) -> list[str]:
    return [each.code for each in found]


def test_the_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor_reference.main(["--check"]) == 0, capsys.readouterr().out


def test_the_page_has_every_kind() -> None:
    page = doctor_reference.PAGE.read_text()
    assert len(KINDS) >= 50
    for each in KINDS:
        assert f"| `{each.code}` | {each.level} |" in page


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_a_kind_says_what_why_and_how(kind: Kind) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert all((kind.what, kind.why, kind.mend))
    assert kind.level in ("error", "warning", "advice")
    assert not kind.why.endswith(".")


def test_every_kind_is_planted_somewhere() -> None:
    tests = "".join(
        (ROOT / "tests" / each).read_text()
        for each in ("unit/test_doctor.py", "integration/test_doctor.py")
    )
    assert [each.code for each in KINDS if f'"{each.code}"' not in tests] == []


def test_no_statement_but_the_deep_one_reads_all_messages() -> None:
    folder = ROOT / "src" / "coldstream" / "sql" / "statements"
    names = [
        name
        for path in folder.glob("doctor_*.sql")
        for name in re.findall(r"^-- name: (\w+)$", path.read_text(), re.MULTILINE)
    ]
    assert len(names) > 35
    for name in names:
        text = statement(name)
        if "@extschema@.messages AS" in text and name != "doctor_heads":
            assert "LIMIT 1" in text, name


@pytest.mark.parametrize(
    ("version", "files", "expected"),
    [
        ("2.12.0", [], ["timescaledb-old", "timescaledb-fault"]),
        ("2.26.1", [], ["timescaledb-fault"]),
        ("2.28.3", ["2.28.3"], []),
        ("2.28.3", ["2.9.0", "2.30.0"], ["timescaledb-not-updated"]),
        ("2.26.1-dev", ["2.30.0"], []),
        (None, [], []),
    ],
)
def test_releases_of_timescaledb(
    version: str | None, files: list[str], expected: list[str]
) -> None:
    asked = Answering({"doctor_available": [(each,) for each in files]}, timescaledb=version)
    assert codes(servers.timescaledb(asked)) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (140003, ["postgresql-fault"]),
        (140004, []),
        (170001, ["postgresql-fault"]),
        (170002, []),
        (180000, []),
    ],
)
def test_releases_of_postgresql(version: int, expected: list[str]) -> None:
    assert codes(servers.postgresql(Answering({}, postgresql=version))) == expected


def test_the_edition_and_a_standby() -> None:
    assert codes(servers.edition(Answering({}, edition="apache"))) == ["edition-apache"]
    assert codes(servers.edition(Answering({}, edition="timescale"))) == []
    assert codes(servers.standby(Answering({}, is_standby=True))) == ["standby"]


GOOD = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "autovacuum_max_workers": "3",
    "max_worker_processes": "40",
    "timescaledb.max_background_workers": "16",
    "max_parallel_workers": "8",
    "max_parallel_workers_per_gather": "2",
    "maintenance_work_mem": "524288",
    "shared_buffers": "524288",
    "max_connections": "100",
    "max_prepared_transactions": "0",
    "max_locks_per_transaction": "256",
    "default_toast_compression": "lz4",
    "has_lz4": "true",
    "databases": "2",
    "database": "app",
}
SETTINGS = [
    ({}, None),
    ({"fsync": "off"}, "durability-off"),
    ({"full_page_writes": "off"}, "durability-off"),
    ({"autovacuum": "off"}, "autovacuum-off"),
    ({"max_worker_processes": "4"}, "workers-few"),
    ({"timescaledb.max_background_workers": "2"}, "workers-few"),
    ({"max_parallel_workers_per_gather": "0"}, "parallel-off"),
    ({"default_toast_compression": "pglz"}, "toast-compression-pglz"),
    ({"default_toast_compression": "pglz", "has_lz4": "false"}, None),
    ({"max_locks_per_transaction": "64", "max_connections": "20"}, "locks-few"),
    ({"maintenance_work_mem": "16384"}, "maintenance-memory-small"),
    ({"maintenance_work_mem": "16777216"}, "maintenance-memory-large"),
    ({"shared_buffers": "16384"}, "shared-buffers-small"),
]


@pytest.mark.parametrize(("changed", "expected"), SETTINGS)
def test_settings(changed: dict[str, str], expected: str | None) -> None:
    asked = Answering(
        {
            "doctor_settings": list((GOOD | changed).items()),
            "doctor_chunks": [(500, "7 days")],
        },
        memory=32 << 30,
    )
    checks = (
        settings.durability,
        settings.autovacuum,
        settings.workers,
        settings.chunks,
        settings.toast,
        settings.parallel,
        settings.memory,
    )
    found = [code for each in checks for code in codes(each(asked))]
    assert found == ([expected] if expected else [])


def test_sizes_of_chunks() -> None:
    largest = [("2025-01-02", 9 << 30, "7 days")]
    asked = Answering({"doctor_largest_chunk": largest}, memory=32 << 30)
    assert codes(settings.chunk_size(asked)) == ["chunk-large"]
    many = Answering({"doctor_chunks": [(3000, "1 hour")], "doctor_settings": list(GOOD.items())})
    many.answers["doctor_settings"] += [("max_connections", "1000")]
    assert codes(settings.chunks(many)) == ["chunks-many"]


def test_a_machine_that_does_not_tell_its_memory() -> None:
    with pytest.raises(NotLooked, match="pg_read_server_files"):
        list(settings.memory(Answering({"doctor_may_read_files": [(False,)]}, role="app")))


def test_each_statement_is_run_once() -> None:
    found = [Found("a", "error", "", "", "", "VACUUM a"), Found("b", "error", "", "", "", None)]
    assert fixable([*found, *found]) == [found[0]]


def test_a_tiering_policy_is_not_just_any_policy() -> None:
    job = (1, "policy_tiering", True, None, None, False, False, None)
    assert codes(jobs.beside(Answering({"doctor_jobs": [job]}))) == ["tiering-policy"]
