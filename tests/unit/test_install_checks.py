"""What a server must have before a store goes into it."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from coldstream import UnsupportedServer
from coldstream.migrations.checks import check_server


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
