"""A lifecycle that is killed in the middle is run again, and nothing is lost or done twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from tests.history import CHUNKS
from tests.lifecycle.conftest import Store

pytestmark = pytest.mark.native

OLD = datetime(2025, 12, 1, tzinfo=UTC)

PROGRAM = """
import os, signal, sys
from datetime import datetime
import coldstream
import coldstream.lifecycle

dsn, schema, archive, verb, at_step, at_chunk = sys.argv[1:]
seen = []

def progress(chunk, step, done, total):
    if step == at_step and chunk.range_start not in seen:
        seen.append(chunk.range_start)
        if len(seen) == int(at_chunk):
            os.kill(os.getpid(), signal.SIGKILL)

with coldstream.connect(dsn, schema=schema, archive=archive) as store:
    store.lifecycle = coldstream.lifecycle.Lifecycle(store, progress=progress)
    arguments = {
        "verify": [],
        "rehydrate": [datetime.fromisoformat("2025-01-01T00:00:00Z"),
                      datetime.fromisoformat("2025-12-01T00:00:00Z")],
    }.get(verb, [datetime.fromisoformat("2025-12-01T00:00:00Z")])
    getattr(store.lifecycle, verb)(*arguments)
"""


def killed(store: Store, verb: str, step: str, chunk: int) -> None:
    process = subprocess.run(
        [
            *(sys.executable, "-c", PROGRAM),
            *(store.installed.dsn, store.installed.schema, store.archive, verb, step, str(chunk)),
        ],
        check=False,
        timeout=60,
    )
    assert process.returncode == -signal.SIGKILL
    # The server notices when it next reads from the connection, and frees the lock then.
    while store.run(
        "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = 1129271876 AND granted"
    ):
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("verb", "step", "chunk"),
    [
        ("archive", "seal", 2),
        ("archive", "rows", 2),
        ("archive", "upload", 2),
        ("verify", "download", 2),
        ("drop", "drop", 3),
        ("rehydrate", "rows", 2),
    ],
)
def test_it_is_run_again(store: Store, verb: str, step: str, chunk: int) -> None:
    verbs = ["archive", "verify", "drop", "rehydrate"]
    arguments: dict[str, list[object]] = {
        "verify": [],
        "rehydrate": [datetime(2025, 1, 1, tzinfo=UTC), OLD],
    }
    with store.opened() as opened:
        for each in verbs[: verbs.index(verb)]:
            getattr(opened.lifecycle, each)(*arguments.get(each, [OLD]))
    killed(store, verb, step, chunk)
    assert store.read_all() == store.truth

    with store.opened() as opened:
        for each in verbs[verbs.index(verb) :]:
            getattr(opened.lifecycle, each)(*arguments.get(each, [OLD]))
            assert list(opened.get_all_messages()) == store.truth
        assert [v.problem for v in opened.lifecycle.verify(again=True)] == [None] * CHUNKS
    assert store.states() == ["rehydrated"] * CHUNKS
