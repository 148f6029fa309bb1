"""What a server must have before a store goes into it."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from coldstream import UnsupportedServer
from coldstream.migrations.checks import check_server, ensure_extension
from coldstream.sql import Names


class FipsServer:
    """A connection to a server whose OpenSSL computes no MD5."""

    info = SimpleNamespace(server_version=150000, parameter_status=lambda name: "UTF8")

    @contextmanager
    def transaction(self) -> Any:
        yield

    def execute(self, statement: str) -> None:
        if "md5" in statement:
            raise psycopg.errors.InternalError_("could not compute MD5 hash: unsupported")


def test_a_server_without_md5_is_refused() -> None:
    with pytest.raises(UnsupportedServer, match=r"no md5\(\)") as caught:
        check_server(FipsServer())  # type: ignore[arg-type]
    assert "FIPS" in f"{caught.value.hint}"


def test_init_goes_on_with_a_warning_where_timescaledb_has_a_known_fault() -> None:
    found = SimpleNamespace(fetchone=lambda: ("extensions", "2.26.1"))
    server = SimpleNamespace(execute=lambda statement: found)
    actions: list[str] = []
    warnings: list[str] = []
    names = ensure_extension(server, Names("shop"), actions, warnings)  # type: ignore[arg-type]
    assert names.timescaledb == "extensions"
    assert actions == []
    [warning] = warnings
    assert warning.startswith("TimescaleDB 2.26.1 has a known fault")


def test_a_timescaledb_that_is_too_old_is_refused() -> None:
    found = SimpleNamespace(fetchone=lambda: ("public", "2.12.2"))
    server = SimpleNamespace(execute=lambda statement: found)
    with pytest.raises(UnsupportedServer, match=r"2\.12\.2 is too old: 2\.13 is the oldest"):
        ensure_extension(server, Names("shop"), [], [])  # type: ignore[arg-type]
