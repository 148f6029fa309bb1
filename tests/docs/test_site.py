"""The documentation as a site: every page is in its navigation, once."""

from __future__ import annotations

from typing import Any

from tests.docs.pages import ROOT

import docs_site


def pages(entries: list[Any]) -> list[str]:
    found: list[str] = []
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            found += pages(value) if isinstance(value, list) else [value]
    return found


def test_every_page_is_in_the_navigation_once() -> None:
    config = docs_site.on_config({})
    listed = pages(config["nav"])
    docs = ROOT / "docs"
    there = sorted(str(path.relative_to(docs)) for path in docs.rglob("*.md"))
    assert sorted(listed) == there


def test_the_sections_are_those_of_the_index() -> None:
    nav = docs_site.on_config({})["nav"]
    sections = [name for entry in nav for name in entry]
    assert sections == ["Documentation", "Learn", "Do", "Look up", "Understand", "Decisions"]
    groups = [name for entry in nav[2]["Do"] for name in entry]
    assert groups == ["In programs", "In operation"]


def test_what_is_outside_has_no_link() -> None:
    text = "The scripts in [examples](../examples/) run; see [it](how-to/upgrade.md)."
    assert docs_site.on_page_markdown(text) == (
        "The scripts in examples run; see [it](how-to/upgrade.md)."
    )
