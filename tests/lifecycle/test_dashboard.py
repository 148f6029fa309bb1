"""The dashboard on a store: it shows the messages of every tier, and acts as the lifecycle does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
from starlette.testclient import TestClient
from tests.dashboards import ACT, READ
from tests.history import END, START, WEEK
from tests.lifecycle.conftest import Store

import coldstream
from coldstream import Consumer
from coldstream.dashboard.app import create
from coldstream.dashboard.context import Context
from coldstream.dashboard.sessions import Sessions
from coldstream.insights.timeline import Timeline, read_storage, read_timeline
from coldstream.lifecycle import Lifecycle, Policy


@contextmanager
def dashboard(store: coldstream.Store) -> Iterator[tuple[TestClient, Context]]:
    context = Context(
        store,
        Sessions(READ, ACT),
        lambda store, progress: Lifecycle(store, progress=progress),
        may_act=True,
    )
    app = create(context, hosts=["127.0.0.1"])
    sent = {"authorization": f"Bearer {ACT}"}
    with TestClient(app, base_url="http://127.0.0.1", headers=sent) as client:
        yield client, context


def positions(client: TestClient, stream: str) -> tuple[list[int], set[str]]:
    """What its pages show from the first on, and the tiers beside it."""
    found, tiers = [], set()
    for start in count(0, 50):
        text = client.get("/stream", params={"name": stream, "from": start}).text
        rows = re.findall(r'<tr class="r-(\w+)"><td class="n"><a href="[^"]+">(\d+)</a>', text)
        tiers |= {tier for tier, _ in rows}
        found += [int(position) for _, position in rows]
        if 'rel="next"' not in text:
            return found, tiers
    raise AssertionError


def ended(client: TestClient) -> str:
    deadline = time.monotonic() + 120
    while "p-running" in (text := client.get("/lifecycle/task").text):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return text


def bytes_of(timeline: Timeline) -> dict[str, int]:
    sums = {"rows": 0, "columnstore": 0, "archive": 0}
    for each in timeline.chunks:
        if each.state == "open":
            continue
        form = {"cold": None, "hot": "rows", "warm": "columnstore"}[each.tier]
        if form is not None:
            sums[form] += each.bytes
        sums["archive"] += each.archive_bytes or 0
    return sums


@pytest.mark.native
def test_a_stream_across_tiers_and_a_run_as_it_was_shown(store: Store) -> None:
    of = {each.stream_name for each in store.truth}
    longest = max(of, key=lambda name: sum(each.stream_name == name for each in store.truth))
    expected = sorted(each.position for each in store.truth if each.stream_name == longest)
    with store.opened() as opened:
        opened.lifecycle.compress(START + 3 * WEEK)
        opened.lifecycle.archive(START + 2 * WEEK)
        opened.lifecycle.verify()
        opened.lifecycle.drop(START + 2 * WEEK)
        with dashboard(opened) as (client, context):
            # What was closed has a size, in the same sum of steps as in the chunks of now.
            last = read_storage(context.rows)[-1]
            found = {"rows": last.rows, "columnstore": last.columnstore, "archive": last.archive}
            assert found == bytes_of(read_timeline(context.rows))
            shown, tiers = positions(client, longest)
            assert shown == expected
            assert {"cold"} < tiers

            opened.lifecycle.set_policy(Policy(*[timedelta(days=1)] * 3))
            before = store.snapshot()
            plan = client.get("/lifecycle/dry-run").text
            assert store.snapshot() == before
            name = re.search(r'name="plan" value="([^"]+)"', plan)
            assert name
            assert client.post("/lifecycle/run", data={"plan": name[1]}).status_code == 200
            assert "p-done" in ended(client)
            assert set(store.states()) == {"dropped"}
            shown, tiers = positions(client, longest)
            assert (shown, tiers) == (expected, {"cold"})

            form = {"from": START.isoformat(), "to": END.isoformat(), "keep": "7"}
            assert client.post("/lifecycle/rehydrate", data=form).status_code == 200
            assert "p-done" in ended(client)
            assert set(store.states()) == {"rehydrated"}
            assert client.post("/lifecycle/verify", data={"sample": "50"}).status_code == 200
            assert "0 not" in ended(client)
            for path in ("/", "/data/timeline", "/data/storage", "/lifecycle", "/streams"):
                assert client.get(path).status_code == 200


def test_a_dead_letter_is_handled_again(store: Store) -> None:
    category = store.truth[0].category
    bad, handled, works = store.truth[0].id, [], [False]
    with store.opened() as opened:

        def run() -> None:
            consumer = Consumer(opened, category, "strict", attempts=1, on_failure="dead_letter")

            @consumer.default_handler
            def handle(data: object, context: coldstream.Context) -> None:
                if context.message.id == bad and not works[0]:
                    raise ValueError("not yet")
                handled.append(context.message.id)

            consumer.run(live=False)

        run()
        assert handled
        assert bad not in handled
        works[0] = True
        with dashboard(opened) as (client, _):
            assert "ValueError: not yet" in client.get("/consumers").text
            [failure] = opened.consumers.get_failures("strict")
            form = {"consumer": "strict", "failure": str(failure.id)}
            assert client.post("/consumers/retry", data=form).status_code == 200
            run()
            assert bad in handled
