"""The page of metrics, the alert rules and the dashboard name series that exist."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.docs.pages import ROOT

from coldstream.cli.service import RunMetrics
from coldstream.metrics import SERIES
from coldstream.serve.health import Metrics

PAGE = ROOT / "docs" / "reference" / "metrics.md"
_ROW = re.compile(r"^\| `(coldstream_\w+)` \| (\w+) \| (.*?) \| ?(.*?) ?\|$", re.MULTILINE)


def documented() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    return {
        name: (kind, words, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, words, labels in _ROW.findall(PAGE.read_text())
    }


def served() -> dict[str, tuple[str, str]]:
    return {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            family.documentation,
        )
        for registry in (Metrics(lambda: 0).registry, RunMetrics().registry)
        for family in registry.collect()
    }


def test_every_series_is_documented_and_every_documented_one_exists():
    found = documented()
    of_store = {each.name: (each.kind, each.help, each.labels) for each in SERIES.values()}
    assert {name: row for name, row in found.items() if name in SERIES} == of_store
    others = {name: row[:2] for name, row in found.items() if name not in SERIES}
    assert others == served()


def known(expression: str) -> None:
    names = set(re.findall(r"\bcoldstream_\w+", expression))
    assert names, expression
    for name in names:
        assert re.sub(r"_(bucket|count|sum)$", "", name) in documented(), expression


def test_alert_rules_name_series_that_exist():
    text = (ROOT / "deploy" / "prometheus" / "coldstream-rules.yml").read_text()
    expressions = re.findall(r"^ +expr: (.+)$", text, re.MULTILINE)
    assert len(expressions) == text.count("- alert: ") >= 5
    for each in expressions:
        known(each)


def test_the_grafana_dashboard_names_series_that_exist():
    found: dict[str, Any] = json.loads(
        (ROOT / "deploy" / "grafana" / "coldstream.json").read_text()
    )
    panels = found["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) >= 5
    for panel in panels:
        assert panel["title"]
        for target in panel["targets"]:
            known(target["expr"])
