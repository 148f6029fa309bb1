"""The whole way round in every format, and through a real S3 server."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest
from tests.fix_s3 import S3Server
from tests.history import CHUNKS, END, START
from tests.lifecycle.conftest import Store

OLD = datetime(2025, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_there_and_back(store: Store, format: Literal["parquet", "csv"], compressed: bool) -> None:
    with store.opened() as opened:
        lifecycle = opened.lifecycle
        if compressed:
            lifecycle.compress(OLD)
        lifecycle.archive(OLD, format=format)
        assert {path.suffix for path in store.objects()} == {f".{format}"}
        assert [v.problem for v in lifecycle.verify()] == [None] * CHUNKS
        lifecycle.drop(OLD)
    assert store.run("SELECT count(*) FROM messages") == [(0,)]
    with store.opened() as opened:
        assert list(opened.get_all_messages(batch_size=9)) == store.truth
        opened.lifecycle.rehydrate(START, END)
        assert list(opened.get_all_messages(batch_size=9)) == store.truth


def test_through_s3(store: Store, s3: S3Server) -> None:
    where = {"archive": s3.url("lifecycle"), "archive_options": s3.options}
    with store.opened(**where) as opened:
        lifecycle = opened.lifecycle
        lifecycle.compress(OLD)
        lifecycle.archive(OLD)
        assert [v.problem for v in lifecycle.verify()] == [None] * CHUNKS
        lifecycle.drop(OLD)
        assert list(opened.get_all_messages()) == store.truth
        assert list(opened.get_stream_messages("account-1", 5, batch_size=4)) == sorted(
            (m for m in store.truth if m.stream_name == "account-1" and m.position >= 5),
            key=lambda m: m.position,
        )
        lifecycle.rehydrate(START, END)
        assert list(opened.get_all_messages()) == store.truth
        assert [v.problem for v in lifecycle.verify(again=True)] == [None] * CHUNKS
