"""Whom the dashboard answers, and what they may do."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.dashboards import ACT, EVIL, READ, MadeUpStore, made_up

from coldstream.dashboard.app import create
from coldstream.dashboard.run import Listen
from coldstream.dashboard.sessions import Sessions
from coldstream.errors import InvalidInput, Unavailable
from coldstream.insights import Status
from coldstream.metrics.text import text_of

HERE = "http://127.0.0.1:8080"
PAGES = [
    *("/", "/streams", "/categories", "/stream?name=order-1", "/message?stream=order-1&position=0"),
    *("/consumers", "/lifecycle", "/lifecycle/dry-run", "/lifecycle/task", "/find?q=1", "/metrics"),
    *("/data/timeline", "/data/storage", "/data/rates", "/nowhere"),
]
ACTIONS = [
    "/consumers/pause",
    "/consumers/resume",
    "/consumers/retry",
    "/lifecycle/run",
    "/lifecycle/verify",
    "/lifecycle/rehydrate",
]


@pytest.fixture
def store() -> MadeUpStore:
    return MadeUpStore()


@pytest.fixture
def client(store: MadeUpStore) -> Iterator[TestClient]:
    app = create(made_up(store), hosts=Listen(port=8080).hosts(8080))
    with TestClient(app, base_url=HERE, follow_redirects=False) as client:
        yield client


def enter(client: TestClient, token: str) -> str:
    """A browser that gave its token; gives what its pages repeat."""
    answer = client.post("/login", data={"token": token}, headers={"origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    found = re.search(r'data-csrf="([^"]+)"', client.get("/").text)
    assert found
    return found[1]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accept", ["text/html", "*/*"])
def test_without_a_token_there_is_nothing(client: TestClient, path: str, accept: str) -> None:
    answer = client.get(path, headers={"accept": accept})
    assert answer.status_code == 401
    assert "made_up" not in answer.text
    assert "account" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer not a token of this one"},
        {"authorization": f"Basic {READ}"},
        {"authorization": "Bearer"},
        {"cookie": "coldstream=made-up"},
        {"cookie": f"coldstream={READ}"},
        {"cookie": "=;;=\x01"},
    ],
)
def test_what_is_no_token_and_no_session(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/data/timeline", headers=headers).status_code == 401


def test_a_token_in_the_address_counts_for_nothing(client: TestClient) -> None:
    assert client.get("/data/timeline", params={"token": READ}).status_code == 401


@pytest.mark.parametrize("token", [READ, ACT])
def test_a_program_gives_its_token_with_each_request(client: TestClient, token: str) -> None:
    for path in PAGES:
        answer = client.get(path, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 303, 404), path


@pytest.mark.parametrize("path", ACTIONS)
def test_a_token_for_reading_changes_nothing(
    client: TestClient, store: MadeUpStore, path: str
) -> None:
    form = {"consumer": EVIL, "failure": "5"}
    program = {"authorization": f"Bearer {READ}"}
    assert client.post(path, data=form, headers=program).status_code == 403
    own = {"origin": HERE, "x-csrf-token": enter(client, READ)}
    assert client.post(path, data=form, headers=own).status_code == 403
    assert client.put(path, data=form, headers=own).status_code == 403
    assert store.done == []


def test_there_is_no_button_for_it_either(client: TestClient) -> None:
    enter(client, READ)
    for path in ("/consumers", "/lifecycle", "/lifecycle/dry-run"):
        posts = set(re.findall(r'hx-post="([^"]+)"', client.get(path).text))
        assert posts == {"/logout"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": HERE},
        {"x-csrf-token": "CSRF"},
        {"origin": HERE, "x-csrf-token": "another"},
        # Another port of this machine is the same site to a browser.
        {"origin": "http://127.0.0.1:9090", "x-csrf-token": "CSRF"},
        {"origin": "null", "x-csrf-token": "CSRF"},
        {"origin": "http://evil.example", "x-csrf-token": "CSRF"},
    ],
)
def test_another_page_cannot_act_with_the_cookie(
    client: TestClient, store: MadeUpStore, headers: dict[str, str]
) -> None:
    csrf = enter(client, ACT)
    sent = {name: value.replace("CSRF", csrf) for name, value in headers.items()}
    answer = client.post("/consumers/pause", data={"consumer": EVIL}, headers=sent)
    assert answer.status_code == 403
    assert store.done == []


def test_our_own_page_can(client: TestClient, store: MadeUpStore) -> None:
    own = {"origin": HERE, "x-csrf-token": enter(client, ACT)}
    assert client.post("/consumers/pause", data={"consumer": EVIL}, headers=own).status_code == 200
    assert client.post("/consumers/retry", data={"consumer": EVIL, "failure": "5"}, headers=own)
    assert store.done == [("pause", EVIL), ("reset", EVIL, 7)]


def test_nobody_acts_where_it_was_not_allowed() -> None:
    store = MadeUpStore()
    app = create(made_up(store, acts=False), hosts=["127.0.0.1:8080"])
    with TestClient(app, base_url=HERE) as client:
        assert (
            client.post("/login", data={"token": ACT}, headers={"origin": HERE}).status_code == 401
        )
        sent = {"authorization": f"Bearer {ACT}"}
        assert client.post("/consumers/pause", headers=sent).status_code == 401
    assert store.done == []


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1", "127.0.0.1:8081", "", "localhost.:8080"],
)
def test_another_name_is_refused(client: TestClient, host: str) -> None:
    """A name that somebody else made to lead here (DNS rebinding)."""
    sent = {"host": host, "authorization": f"Bearer {READ}"}
    for path in ("/", "/login", "/static/page.js", "/data/timeline"):
        assert client.get(path, headers=sent).status_code == 421


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST:8080"]
)
def test_the_names_of_loopback_are_its_own(client: TestClient, host: str) -> None:
    sent = {"host": host, "authorization": f"Bearer {READ}"}
    assert client.get("/data/timeline", headers=sent).status_code == 200


def test_another_address_needs_a_name() -> None:
    with pytest.raises(InvalidInput, match="no loopback"):
        Listen("0.0.0.0")
    named = Listen("0.0.0.0", names=("dashboard.example",)).hosts(8080)
    assert "dashboard.example" in named
    assert "0.0.0.0:8080" not in named


def test_the_cookie_and_the_headers(client: TestClient) -> None:
    answer = client.post("/login", data={"token": READ}, headers={"origin": HERE})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert READ not in cookie
    for path in ("/", "/login", "/data/timeline", "/nowhere"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_a_login_from_another_page_is_refused(client: TestClient) -> None:
    for headers in ({}, {"origin": "http://evil.example"}):
        assert client.post("/login", data={"token": READ}, headers=headers).status_code == 403


def test_leaving_ends_the_session(client: TestClient) -> None:
    own = {"origin": HERE, "x-csrf-token": enter(client, READ)}
    cookie = client.cookies["coldstream"]
    assert client.post("/logout", headers=own).status_code == 200
    client.cookies.clear()
    sent = {"cookie": f"coldstream={cookie}"}
    assert client.get("/data/timeline", headers=sent).status_code == 401


def test_a_session_ends_by_itself() -> None:
    now = [0.0]
    sessions = Sessions(READ, clock=lambda: now[0])
    cookie = sessions.begin("read")
    assert sessions.of_cookie(cookie) is not None
    now[0] = 13 * 3600
    assert sessions.of_cookie(cookie) is None


@pytest.mark.parametrize("tokens", [("short",), (READ, "short"), (READ, READ)])
def test_tokens_that_are_none(tokens: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        Sessions(*tokens)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [
        json.loads(each.getMessage())
        for each in caplog.records
        if each.name == "coldstream.dashboard.audit"
    ]


def test_whatever_acts_is_a_line(
    client: TestClient, store: MadeUpStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "coldstream.dashboard.audit")
    own = {"origin": HERE, "x-csrf-token": enter(client, ACT)}
    client.post("/consumers/pause", data={"consumer": EVIL}, headers=own)
    client.post("/consumers/pause", data={"consumer": "two\nlines"}, headers=own)
    client.post("/login", data={"token": "wrong"}, headers={"origin": HERE})
    found = lines(caplog)
    assert [(each["action"], each["outcome"]) for each in found] == [
        ("login", "act"),
        ("consumer pause", f"{EVIL} is paused."),
        ("consumer pause", "failed: There is no consumer two\nlines"),
        ("login", "refused"),
    ]
    assert found[1] | {"outcome": ""} == {
        "action": "consumer pause",
        "outcome": "",
        "role": "act",
        "address": "testclient",
        "arguments": {"consumer": EVIL},
    }
    assert ACT not in caplog.text


def test_a_run_does_what_its_dry_run_showed(
    client: TestClient, store: MadeUpStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "coldstream.dashboard.audit")
    own = {"origin": HERE, "x-csrf-token": enter(client, ACT)}
    assert client.post("/lifecycle/run", headers=own).status_code == 400
    assert store.done == []
    found = re.search(r'name="plan" value="([^"]+)"', client.get("/lifecycle/dry-run").text)
    assert found
    assert client.post("/lifecycle/run", data={"plan": found[1]}, headers=own).status_code == 200
    deadline = time.monotonic() + 30
    while "p-done" not in client.get("/lifecycle/task").text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    [(verb, planned)] = store.done
    assert (verb, [each.verb for each in planned]) == ("run", ["compress"])
    # Once.
    assert client.post("/lifecycle/run", data={"plan": found[1]}, headers=own).status_code == 400
    assert [each["outcome"] for each in lines(caplog)][1:] == [
        "begun",
        "done: Nothing was due any more.",
    ]


def test_a_monitor_gives_its_token_with_the_request() -> None:
    class Away:
        schema = "shop"

        def status(self) -> Status:
            raise Unavailable("no route")

    context = made_up()
    context.metrics = text_of(Away())
    hosts = Listen(port=8080).hosts(8080)
    with TestClient(create(context, hosts=hosts), base_url=HERE) as client:
        assert client.get("/metrics").status_code == 401
        answer = client.get("/metrics", headers={"authorization": f"Bearer {READ}"})
    assert answer.status_code == 200
    assert 'coldstream_up{schema="shop"} 0.0' in answer.text.splitlines()
