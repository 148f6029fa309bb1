"""What the documentation's site needs beside its pages, as a hook of mkdocs: the navigation.

It is docs/README.md's: what that lists is there, under its headings and in its order, so there is
no second list. Decisions are a folder of their own.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

_HEADING = re.compile(r"^## (.+)$")
_ENTRY = re.compile(r"^- \[([^\]]+)\]\(([^)#]+\.md)\)")
_GROUP = re.compile(r"^(In [a-z]+):$")
_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?:examples|src|tests|proof|bench)[^)]*\)")


def navigation(index: str, decisions: list[str]) -> list[Any]:
    """The sections of the index, with their pages, as mkdocs takes them."""
    result: list[Any] = [{"Documentation": "README.md"}]
    section: list[Any] = []
    group: list[Any] = section
    for line in index.splitlines():
        if heading := _HEADING.match(line):
            section = group = []
            result.append({heading[1]: section})
        elif named := _GROUP.match(line):
            group = []
            section.append({named[1]: group})
        elif entry := _ENTRY.match(line):
            group.append({entry[1]: entry[2]})
    result.append({"Decisions": ["decisions/README.md", *decisions]})
    for each in result:
        for pages in each.values():
            if isinstance(pages, list):
                pages[:] = [page for page in pages if page != {"Decisions": "decisions/README.md"}]
    return result


def on_config(config: Any) -> Any:
    decisions = sorted(f"decisions/{path.name}" for path in (DOCS / "decisions").glob("0*.md"))
    config["nav"] = navigation((DOCS / "README.md").read_text("utf-8"), decisions)
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What lies outside of docs/ has no page: its name stays, without a link."""
    return _OUTSIDE.sub(r"\1", markdown)


_LOADED = re.compile(
    r"<(?:script|img|link|source|iframe)\b[^>]*?(?:src|href)=[\"']?((?:https?:)?//[^\"'> ]+)"
)


def on_post_build(config: Any, **_: Any) -> None:
    """No page may load anything from another host; what a reader clicks on may be anywhere."""
    for path in sorted(Path(config["site_dir"]).rglob("*.html")):
        if found := _LOADED.search(path.read_text("utf-8")):
            raise SystemExit(f"{path} loads {found[1]}, which is on another host")
