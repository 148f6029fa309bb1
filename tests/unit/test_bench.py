"""The benchmark without a server: its model, the arithmetic of rounds and targets, the plots."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from coldstream_bench import groups
from coldstream_bench.bars import bars_svg
from coldstream_bench.context import Options
from coldstream_bench.groups import writes
from coldstream_bench.measure import compare, take_turns
from coldstream_bench.page import html_page
from coldstream_bench.plot import growth_svg
from coldstream_bench.result import Compare, Figure, Row, Unit
from coldstream_bench.sample import Sample
from coldstream_bench.words import quantity, tables
from coldstream_bench.workload import LONG, MIXED, SHORT, TENANTS, Event, Growing, Model, Source

START = datetime(2025, 1, 2, tzinfo=UTC)
END = START + timedelta(days=7)


def events(source: Source, count: int = 5000) -> list[Event]:
    return list(source.events(count, START, END))


@pytest.mark.parametrize(
    "source", [Model(MIXED, 1), Model(TENANTS, 1), Growing(1)], ids=lambda source: source.name
)
def test_a_source_gives_what_a_store_can_hold(source: Source) -> None:
    found = events(source)
    assert len(found) == len({e.id for e in found}) == 5000
    assert found[0].time == START
    assert all(a.time <= b.time < END for a, b in pairwise(found))
    positions: Counter[str] = Counter()
    for event in found:
        assert event.position == positions[event.stream_name]
        positions[event.stream_name] += 1
        assert UUID(event.id).version == 7
        assert isinstance(json.loads(event.data or ""), dict)
        assert "traceId" in json.loads(event.metadata or "")


def test_one_seed_gives_the_same_messages_and_another_gives_others() -> None:
    assert events(Model(SHORT, 1), 50) == events(Model(SHORT, 1), 50)
    assert events(Model(SHORT, 1), 50) != events(Model(SHORT, 2), 50)


@pytest.mark.parametrize(("shape", "least", "most"), [(SHORT, 5, 8), (LONG, 40, 80)])
def test_streams_are_as_long_as_the_shape_says(shape: Any, least: int, most: int) -> None:
    shape = replace(shape, open_streams=50)
    lengths = Counter(e.stream_name for e in events(Model(shape, 1), 15_000))
    ended = [n for n in lengths.values() if n >= least]
    assert max(lengths.values()) == most
    # The others are still open when it ends.
    assert len(lengths) - len(ended) <= shape.open_streams


def test_some_streams_are_long_where_they_are_mixed() -> None:
    lengths = Counter(e.stream_name for e in events(Model(MIXED, 1), 40_000))
    assert sum(5 <= n <= 8 for n in lengths.values()) > len(lengths) * 0.8
    assert max(lengths.values()) >= 1000


def test_a_share_of_the_ids_is_of_version_4() -> None:
    versions = Counter(UUID(e.id).version for e in events(Model(SHORT, 1, v4_share=0.25)))
    assert set(versions) == {4, 7}
    assert 0.2 < versions[4] / 5000 < 0.3


def test_long_lived_streams_are_in_every_part_of_history() -> None:
    found = events(Growing(1))
    for name in Growing.long_lived:
        times = [e.time for e in found if e.stream_name == name]
        assert max(b - a for a, b in pairwise(times)) < (END - START) / 40


def test_who_begins_changes_from_round_to_round() -> None:
    order: list[str] = []

    def turn(name: str) -> float:
        order.append(name)
        return len(order)

    rounds = take_turns(3, {"a": lambda: turn("a"), "b": lambda: turn("b")})
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert rounds == {"a": [1, 4, 5], "b": [2, 3, 6]}


def test_a_ratio_is_taken_inside_a_round() -> None:
    # The machine was ten times slower in the last round, for both.
    compared = compare([2, 4, 20], [1, 2, 10])
    assert (compared.value, compared.other) == (4, 2)
    assert (compared.ratio, compared.lowest, compared.highest) == (2, 2, 2)


def row(kind: Compare, unit: Unit = Unit.MILLISECONDS, target: float | None = 2.0) -> Row:
    return Row("a.b", "Section", "Title", unit, kind, target)


@pytest.mark.parametrize(
    ("kind", "ours", "plain", "ratio", "met"),
    [
        (Compare.TIME, 4, 2, 2, True),
        (Compare.TIME, 5, 2, 2.5, False),
        (Compare.RATE, 4, 2, 2, True),
        (Compare.RATE, 3, 2, 1.5, False),
        (Compare.SMALLER, 2, 4, 2, True),
        (Compare.FASTER, 3, 4, 4 / 3, False),
    ],
)
def test_targets(kind: Compare, ours: float, plain: float, ratio: float, met: bool) -> None:
    figure = row(kind).figure(compare([ours], [plain]))
    assert figure.ratio == pytest.approx(ratio)
    assert figure.met is met
    once = row(kind).once(ours, plain)
    assert (once.ratio, once.met) == (figure.ratio, met)


def test_a_limit_is_held_to_the_value() -> None:
    assert row(Compare.LIMIT, Unit.BYTES).once(1, None).met is True
    assert row(Compare.LIMIT, Unit.BYTES).once(3, None).met is False
    assert row(Compare.LIMIT, Unit.RATE).once(3, None).met is True


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert row(Compare.TIME).missing("why").met is None
    assert row(Compare.TIME, target=None).once(1, 1).met is None


def test_every_row_has_a_key_and_a_title_of_its_own() -> None:
    rows = groups.rows()
    assert len({r.key for r in rows}) == len({(r.section, r.title) for r in rows}) == len(rows) > 50


def test_every_target_of_the_project_has_a_row() -> None:
    targets = {r.key: r.target for r in groups.rows() if r.target is not None}
    for key, target in {
        "write.one_client": 0.85,
        "write.8_clients_8_categories": 0.85,
        "write.appender": 5,
        "write.batch_100": 12,
        "write.batch_1000": 20,
        "read.stream_10.hot": 1.4,
        "read.stream_10.warm": 4,
        "read.category_middle.warm": 0.9,
        "read.category_correlation.warm": 1,
        "read.all.warm": 2,
        "read.catch_up.warm": 2.2,
        "growth.write": 1.2,
        "growth.planning": 2.0,
        "growth.opening_planning": 2.0,
        "growth.first_planning": 2.0,
        "storage.short.warm": 7,
        "storage.long.warm": 10.5,
        "storage.long_pglz.warm": 11.5,
        "storage.tenants.warm": 7,
        "storage.short.archived": 11,
        "retention.drop": 100,
        "archive.rate": 160_000,
        "archive.memory": 300e6,
        "archive.stream_first": 60,
        "archive.stream_again": 5,
        "archive.replay": 100_000,
    }.items():
        assert targets[key] == target


def test_growth_is_measured_at_1_10_100_and_500_chunks() -> None:
    assert Options().growth == (1, 10, 100, 500)


def test_growth_has_every_other_row() -> None:
    keys = {r.key for r in groups.rows()}
    for write in writes.ROWS:
        name = write.key.removeprefix("write.")
        assert f"growth.{'write' if name == 'one_client' else name}" in keys
    for tier in ("hot", "warm", "archived"):
        for read in (
            *("short_start", "short_middle", "short_head", "long_start", "long_middle"),
            *("long_head", "stream_1000", "large_start", "large_middle", "large_head"),
            *("category_start", "category_middle", "category_head", "correlation", "group"),
            *("all", "last", "version", "storage"),
        ):
            assert f"growth.{read}.{tier}" in keys
    assert keys >= {"growth.drop", "growth.drop_wal", "growth.drop_returned"}
    assert keys >= {"growth.archive", "growth.archive_memory", "growth.verify"}


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (None, "ms", "-"),
        (12345.6, "messages/s", "12,346 messages/s"),
        (0.1234, "ms", "0.123 ms"),
        (0.0123, "s", "12.3 ms"),
        (3.25, "s", "3.25 s"),
        (1_234_567, "bytes", "1.23 MB"),
        (0, "bytes", "0 B"),
    ],
)
def test_quantities(value: float | None, unit: str, told: str) -> None:
    assert quantity(value, unit) == told


def report() -> dict[str, Any]:
    growing = Row("growth.write", "Growth", "write <&>", Unit.MILLISECONDS, Compare.GROWTH, 1.2)
    series = {"coldstream": [0.5, 0.6], "plain": [0.4, 0.4], "seed": [0.6, 30.0]}
    figures = [
        row(Compare.TIME).figure(compare([4], [2])),
        Figure(growing, 0.6, 0.4, 1.1, (1.0, 1.3), series=series, chunks=[10, 500]),
        row(Compare.RATE).missing("no <server>"),
    ]
    return {
        "versions": dict.fromkeys(("postgresql", "timescaledb", "coldstream", "psycopg"), "1"),
        "machine": {"cpu": "x", "cores": 2, "memory_bytes": None, "system": "s", "python": "3"},
        "options": {"messages": 1000, "history": 1000, "seed": 1, "rounds": 2, "seconds": 0.1},
        "settings": {"fsync": "on"},
        "workload": "model",
        "embedded": False,
        "started": "2026-01-01",
        "seconds": 1.0,
        "rows": [figure.to_json() for figure in figures],
    }


def test_tables_have_every_figure() -> None:
    _, details, growth = tables(report())
    assert details.rows[0] == ["Title", "2 ms", "4 ms", "2 times the time", "<= 2: met"]
    assert details.rows[1] == ["Title", "no <server>", "-", "-", ">= 2: not measured"]
    assert growth.columns[1:5] == [
        "10 chunks",
        "500 chunks",
        "PostgreSQL, 500 chunks",
        "Hypertable without heads, 500 chunks",
    ]
    assert growth.rows[0][1:5] == ["0.5 ms", "0.6 ms", "0.4 ms", "30 ms"]
    assert growth.rows[0][-1] == "<= 1.2: met"


def test_a_table_of_growth_whose_first_row_was_not_measured() -> None:
    found = report()
    growing = found["rows"][1]
    found["rows"] = [{**growing, "chunks": None, "series": None, "note": "no server"}, growing]
    _, growth = tables(found)
    assert growth.rows[0][:2] == ["write <&>: no server", "-"]
    assert growth.rows[1][1:3] == ["0.5 ms", "0.6 ms"]


def test_the_plots_are_xml_and_load_nothing() -> None:
    for svg in (growth_svg(report()), bars_svg(report())):
        assert svg is not None
        ElementTree.fromstring(svg)
        assert re.findall(r"(?:href|src|url)\b", svg) == []
    assert growth_svg({"rows": []}) is None
    assert bars_svg({"rows": []}) is None


def test_the_growth_plot_has_a_line_for_each() -> None:
    svg = growth_svg(report())
    assert svg is not None
    for name in ("coldstream", "plain", "seed"):
        # One in the legend and one in the panel.
        assert svg.count(f'class="line {name}"') == 2
    assert "500 chunks: 30 ms" in svg


def test_the_page_is_whole_and_loads_nothing() -> None:
    page = html_page(report())
    tags: Counter[str] = Counter()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            tags[tag] += 1
            assert not {name for name, _ in attrs} & {"src", "href"}

        def handle_endtag(self, tag: str) -> None:
            tags[tag] -= 1

    Tags().feed(page)
    assert not {tag for tag, open in tags.items() if open} - {"meta", "path"}
    assert "no &lt;server&gt;" in page
    assert "write &lt;&amp;&gt;" in page


def test_a_sample_is_moved_in_time_and_counted_anew(tmp_path: Path) -> None:
    sample = Sample(tmp_path / "sample", "mine")
    rows = [
        ["1", "a-1", "T", "{}", None, 100.0],
        ["2", "a-1", "T", "{}", None, 90.0],
        ["3", "b-1", "T", "{}", None, 200.0],
    ]
    (tmp_path / "sample").write_text("".join(json.dumps(row) + "\n" for row in rows))
    sample._times = (90.0, 200.0)
    found = list(sample.events(3, START, END))
    assert [(e.id, e.position) for e in found] == [("1", 0), ("2", 1), ("3", 0)]
    assert START < found[0].time == found[1].time < found[2].time < END
    assert len(list(sample.events(2, START, END))) == 2
