"""What the pages show: text stays text, and bodies are there only where they are allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient
from tests.dashboards import ACT, EVIL, STREAM, made_up

from coldstream.dashboard.app import create
from coldstream.dashboard.places import STATIC, TEMPLATES
from coldstream.insights.rates import Rates
from coldstream.insights.timeline import Timeline, TimelineChunk, read_storage

NAME = urlencode({"name": STREAM})
MESSAGE = urlencode({"stream": STREAM, "position": 1})
PAGES = [
    *("/", "/streams", "/categories", f"/streams?{urlencode({'prefix': EVIL})}"),
    *(f"/stream?{NAME}", f"/message?{MESSAGE}", "/consumers", "/lifecycle", "/lifecycle/dry-run"),
    *(f"/stream?{urlencode({'name': EVIL})}", f"/find?{urlencode({'q': EVIL})}"),
    f"/message?{urlencode({'stream': STREAM, 'position': EVIL})}",
]


@pytest.fixture(params=[False, True], ids=["no bodies", "bodies"])
def bodies(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def client(bodies: bool) -> Iterator[TestClient]:
    app = create(made_up(show_bodies=bodies), hosts=["127.0.0.1"])
    headers = {"authorization": f"Bearer {ACT}"}
    with TestClient(app, base_url="http://127.0.0.1", headers=headers) as client:
        yield client


class Tags(HTMLParser):
    """What a browser makes of a page: its tags with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))


@pytest.mark.parametrize("path", PAGES)
def test_what_looks_like_a_tag_stays_text(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (200, 400, 404)
    tags = Tags()
    tags.feed(answer.text)
    assert tags.found
    for tag, attributes in tags.found:
        assert tag != "img"
        assert not [name for name in attributes if name.startswith("on")]
        assert "style" not in attributes
        if tag == "script":
            assert (attributes["src"] or "").startswith("/static/")
        for name in ("href", "action", "hx-get", "hx-post"):
            assert (attributes.get(name) or "/").startswith(("/", "#"))
    # A script without a source would be one of the page's own.
    assert "<script>" not in answer.text


@pytest.mark.parametrize("path", [f"/stream?{NAME}", f"/message?{MESSAGE}"])
def test_bodies_are_there_where_they_are_allowed(
    client: TestClient, bodies: bool, path: str
) -> None:
    assert ("secret" in client.get(path).text) is bodies


def test_neighbours_are_links(client: TestClient) -> None:
    text = client.get(f"/message?{MESSAGE}").text
    cause = urlencode({"stream": STREAM, "position": 0}).replace("&", "&amp;")
    assert f'href="/message?{cause}"' in text
    assert f'href="/stream?{NAME}"' in text


@pytest.mark.parametrize(
    ("text", "leads_to"),
    [
        ("7", f"/message?{MESSAGE}"),
        ("order-1", "/stream?name=order-1"),
        ("ord", "/streams?prefix=ord"),
        ("", "/streams"),
    ],
)
def test_what_is_found(client: TestClient, text: str, leads_to: str) -> None:
    answer = client.get("/find", params={"q": text}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


@pytest.mark.parametrize("text", ["8", "22222222-2222-4222-8222-222222222222"])
def test_what_is_not_found(client: TestClient, text: str) -> None:
    assert client.get("/find", params={"q": text}).status_code == 404


def test_nothing_is_loaded_from_elsewhere() -> None:
    for file in [*TEMPLATES.iterdir(), *STATIC.glob("[!u]*.js"), *STATIC.glob("*.css")]:
        text = file.read_text("utf-8")
        if file.name.startswith("htmx"):
            continue
        assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text) == [], file.name


def test_every_library_has_its_licence() -> None:
    named = (STATIC / "README.md").read_text("utf-8")
    for library in ("htmx", "uplot"):
        assert (STATIC / f"{library}.LICENSE.txt").stat().st_size
        assert f"{library}.LICENSE.txt" in named


def test_storage_adds_up_from_step_to_step() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    changes = [(start, 100, 0, 0, 100), (start + timedelta(1), -60, 20, 5, 10)]
    points = read_storage(lambda name: changes)
    assert [(p.rows, p.columnstore, p.archive, p.as_rows) for p in points] == [
        (100, 0, 0, 100),
        (40, 20, 5, 110),
    ]


def test_the_tier_of_a_time() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    day = timedelta(days=1)

    def chunk(first: int, last: int, tier: str) -> TimelineChunk:
        sizes = (None,) * 9
        return TimelineChunk(start + first * day, start + last * day, "", tier, *sizes)

    line = Timeline(start, 0, [chunk(0, 7, "cold"), chunk(2, 3, "warm"), chunk(8, 9, "hot")])
    at = [line.tier_at(start + timedelta(days=d)) for d in (-1, 0, 2.5, 5, 7.5, 8)]
    assert at == [None, "cold", "warm", "cold", None, "hot"]


def test_rates_are_of_two_looks() -> None:
    rates, start = Rates(), datetime(2026, 1, 1, tzinfo=UTC)
    for seconds, position in ((0, 10), (5, 60), (5, 70), (10, 0)):
        rates.add(start + timedelta(seconds=seconds), position)
    assert [rate for _, rate in rates.per_second()] == [10.0, 0.0]
