"""The dashboard in a real browser: a headless Chromium, as Debian has it."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.dashboards import ACT, EVIL, READ, STREAM, MadeUpStore, made_up

from coldstream.dashboard.app import create

CHROMIUM = os.environ.get("COLDSTREAM_TEST_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="not covered here: this machine has no Chromium (apt install chromium, or "
    "COLDSTREAM_TEST_CHROMIUM)",
)
CHUNKS = 2_000


@dataclass
class Opened:
    """A browser's page on a dashboard, and all that went wrong or went elsewhere in it."""

    page: Page
    store: MadeUpStore
    here: str
    problems: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def enter(self, token: str) -> None:
        self.page.goto(f"{self.here}/login#token={token}")
        self.page.wait_for_url(f"{self.here}/")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # No sandbox: a container's root has none.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    store = MadeUpStore(CHUNKS)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = create(made_up(store, show_bodies=True), hosts=[f"127.0.0.1:{port}"])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    context = browser.new_context()
    page = context.new_page()
    found = Opened(page, store, f"http://127.0.0.1:{port}")
    page.on(
        "console",
        lambda m: found.problems.append(m.text) if m.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: found.problems.append(str(error)))
    page.on(
        "request",
        lambda r: None if r.url.startswith(found.here) else found.elsewhere.append(r.url),
    )
    try:
        yield found
    finally:
        context.close()
        server.should_exit = True
        thread.join()
        listening.close()


def drawn(page: Page) -> float:
    """Milliseconds from the answer to the picture of every chunk."""
    page.wait_for_selector(f"#timeline[data-chunks='{CHUNKS}']")
    return float(page.get_attribute("#timeline", "data-milliseconds") or "nan")


def test_two_thousand_chunks_are_drawn_in_a_second(opened: Opened) -> None:
    page = opened.page
    page.goto(f"{opened.here}/login")
    began = time.monotonic()
    opened.enter(READ)
    milliseconds = drawn(page)
    whole = time.monotonic() - began
    assert milliseconds < 1000
    # With the login, both pages and every file: it is not the drawing alone.
    assert whole < 10
    answered = page.evaluate("performance.getEntriesByType('navigation')[0].responseEnd")
    assert answered < 3000
    # Something is painted, in the tiers' colours.
    colours = page.evaluate(
        """() => { const c = document.getElementById('timeline');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        const s = new Set(); for (let i = 0; i < d.length; i += 4) s.add(d.slice(i, i + 4).join());
        return s.size; }"""
    )
    assert colours > 8
    assert opened.problems == []
    assert opened.elsewhere == []


def test_the_picture_by_keyboard_and_by_mouse(opened: Opened) -> None:
    page = opened.page
    opened.enter(READ)
    drawn(page)
    page.focus("#timeline")
    page.keyboard.press("Home")
    assert "cold" in page.inner_text("#detail")
    page.keyboard.press("End")
    last = page.inner_text("#detail")
    assert "hot" in last
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#detail") != last
    for _ in range(4):
        page.keyboard.press("+")
    page.keyboard.press("0")
    box = page.locator("#timeline").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 50)
    expect(page.locator("#detail")).to_contain_text("cold")
    page.keyboard.press("Escape")
    page.locator("body").press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    assert opened.problems == []


def test_a_script_in_a_name_a_type_or_json_stays_text(opened: Opened) -> None:
    page = opened.page
    opened.enter(ACT)
    message = urlencode({"stream": STREAM, "position": 1})
    for path in (
        "/",
        "/streams",
        "/categories",
        f"/stream?{urlencode({'name': STREAM})}",
        f"/message?{message}",
        "/consumers",
        "/lifecycle",
        f"/find?{urlencode({'q': EVIL})}",
    ):
        page.goto(opened.here + path)
        assert page.locator("img").count() == 0
        assert "taken" not in page.title() or EVIL in page.title()
    page.goto(f"{opened.here}/message?{message}")
    page.wait_for_selector("pre.json .j-key")
    assert "<script>" in page.inner_text("pre.json >> nth=0")
    assert page.locator("pre.json script, pre.json img").count() == 0
    # What is not found is an answer of its own, which the console names.
    assert [each for each in opened.problems if "404" not in each] == []
    assert opened.elsewhere == []


def test_search_goes_as_one_types(opened: Opened) -> None:
    page = opened.page
    opened.enter(READ)
    page.goto(f"{opened.here}/streams")
    page.type("#prefix", "ord")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    assert page.inner_text("#results tbody td >> nth=0") == "order-1"
    page.wait_for_url("**/streams?prefix=ord")
    assert opened.problems == []


def test_a_dry_run_is_done_as_shown_and_a_dead_letter_is_tried_again(opened: Opened) -> None:
    page, store = opened.page, opened.store
    opened.enter(ACT)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{opened.here}/lifecycle")
    page.click("text=Dry run")
    page.wait_for_selector("#plan tbody tr")
    assert store.done == []
    page.click("text=Do exactly this")
    page.wait_for_selector("#task .p-done")
    assert [each[0] for each in store.done] == ["run"]
    page.goto(f"{opened.here}/consumers")
    page.click("text=Retry from here")
    page.wait_for_selector(".said")
    assert store.done[1:] == [("reset", EVIL, 7)]
    assert opened.problems == []
    assert opened.elsewhere == []


def test_a_session_that_only_reads_has_no_button(opened: Opened) -> None:
    page = opened.page
    opened.enter(READ)
    for path in ("/consumers", "/lifecycle"):
        page.goto(opened.here + path)
        assert page.locator("form[hx-post]").count() == 0
    page.click("text=Leave")
    page.wait_for_url("**/login")
    page.goto(opened.here)
    assert page.locator("#token").count() == 1


def test_no_page_is_wider_than_the_screen(opened: Opened) -> None:
    page = opened.page
    opened.enter(ACT)
    stream = urlencode({"name": STREAM})
    for path in ("/", "/streams", "/categories", f"/stream?{stream}", "/consumers", "/lifecycle"):
        page.goto(opened.here + path)
        for width in (360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
