"""The lifecycle as a service: a process of its own, what it answers, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from urllib.request import urlopen

from tests.history import START, WEEK
from tests.lifecycle.conftest import Store

from coldstream.lifecycle import Policy

PROGRAM = [
    sys.executable, "-c", "import sys; from coldstream.cli import main; sys.exit(main())",
]  # fmt: skip


def test_it_does_what_is_due_says_so_and_stops_when_it_is_told_to(store: Store) -> None:
    age = datetime.now(UTC) - (START + 2 * WEEK)
    with store.opened() as opened:
        opened.lifecycle.set_policy(Policy(None, age, age))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COLDSTREAM_")}
    installed = store.installed
    words = ["lifecycle", "run", "--every", "1s", "--monitor", "127.0.0.1:0", "--json"]
    words += ["--dsn", installed.dsn, "--schema", installed.schema, "--archive", store.archive]
    with subprocess.Popen(
        [*PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            place = process.stdout.readline().split()[4].removesuffix("/health,")
            first, second = (json.loads(process.stdout.readline()) for _ in range(2))
            with urlopen(f"{place}/health", timeout=10) as answer:
                assert answer.read() == b"ok\n"
            with urlopen(f"{place}/metrics", timeout=10) as answer:
                lines = answer.read().decode().splitlines()
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, errors.splitlines()[-1]) == (0, "stopped")
    assert (first["outcome"], second["outcome"], second["steps"]) == ("done", "done", [])
    dropped = [step for step in first["steps"] if step["step"] == "drop"]
    assert {step["outcome"] for step in dropped} == {"done"}
    assert store.states().count("dropped") == len(dropped) == 2
    assert f'coldstream_lifecycle_steps_total{{outcome="done",step="drop"}} {2.0}' in lines
    assert store.read_all() == store.truth
