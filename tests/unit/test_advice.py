"""Advice: the sizes that a rate comes to, and what is chosen by them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coldstream.cli.sizes import parse_size
from coldstream.errors import InvalidInput
from coldstream.insights import Machine, Prices, Rates, advise, read_measured
from coldstream.insights.advice import ARCHIVE_RATIO, COLUMNSTORE_RATIO, settings_for

DAY = timedelta(days=1)
YEAR = 365 * DAY
MACHINE = Machine(8 << 30, 4)
BENCHMARK = Path(__file__).parents[2] / "docs" / "reference" / "benchmark.json"


@pytest.mark.parametrize(
    ("a_day", "days", "size"),
    # The guideline that the project began with: a rate, an interval, and about how large a chunk
    # is then, for messages of 150 bytes.
    [(1e5, 30, 500e6), (1e6, 7, 1e9), (1e7, 1, 1.5e9)],
)
def test_the_guideline_comes_out_of_its_inputs(a_day: float, days: int, size: float) -> None:
    found = advise(Rates(a_day, 150), MACHINE, YEAR)
    assert found.chunk_interval == days * DAY
    assert found.chunk_bytes == pytest.approx(size, rel=0.11)
    assert found.archive_after == 30 * DAY


def test_what_the_tiers_take_is_everything() -> None:
    prices = Prices(disk=0.1, object=0.02)
    found = advise(Rates(1e6, 1000, 5, 20), replace(MACHINE, memory=16 << 30), YEAR, prices=prices)
    hot, warm, cold = found.tiers
    assert [each.age_from for each in found.tiers] == [0 * DAY, hot.age_to, warm.age_to]
    assert cold.age_to == YEAR
    assert sum(each.messages for each in found.tiers) == 365_000_000
    assert sum(each.as_rows for each in found.tiers) == found.as_rows == 365_000_000_000
    assert (hot.bytes, warm.bytes * 5, cold.bytes * 20) == (hot.as_rows, warm.as_rows, cold.as_rows)
    assert hot.age_to == found.compress_after + found.chunk_interval
    assert hot.monthly_cost == pytest.approx(hot.bytes / 1e9 * 0.1)
    assert cold.monthly_cost == pytest.approx(cold.bytes / 1e9 * 0.02)
    assert found.monthly_cost == pytest.approx(sum(each.monthly_cost or 0 for each in found.tiers))
    assert found.rows_cost == pytest.approx(36.5)


def test_a_short_history_never_leaves_the_rows() -> None:
    found = advise(Rates(1000, 1000), MACHINE, 20 * DAY)
    assert [each.messages for each in found.tiers] == [20_000, 0, 0]
    assert any("ordinary table" in note for note in found.notes)
    assert found.monthly_cost is found.rows_cost is None


@pytest.mark.parametrize("a_day", [1e3, 1e6, 1e8, 1e10])
@pytest.mark.parametrize("disk", [None, 10**10, 10**12, 10**14])
def test_ages_are_in_order_and_limits_are_kept_or_named(a_day: float, disk: int | None) -> None:
    machine = replace(MACHINE, disk=disk)
    found = advise(Rates(a_day, 1000), machine, YEAR)
    assert found.compress_after <= found.archive_after
    text = " ".join(found.notes)
    assert found.chunk_bytes <= machine.memory / 4 or "quarter of the memory" in text
    in_database = sum(each.bytes for each in found.tiers if each.tier != "cold")
    assert disk is None or in_database <= disk * 0.7 or "no room" in text


def test_more_disk_keeps_history_longer() -> None:
    ages = [
        advise(Rates(1e6, 1000), replace(MACHINE, disk=disk), 10 * YEAR).archive_after
        for disk in (20 * 10**9, 50 * 10**9, 200 * 10**9)
    ]
    assert ages == sorted(set(ages))


def test_settings_fit_into_the_machine() -> None:
    for memory in (512 << 20, 4 << 30, 64 << 30, 1 << 40):
        for processors in (1, 2, 64):
            found = {s.name: s for s in settings_for(Machine(memory, processors), chunks=10)}
            size = int(found["shared_buffers"].value.removesuffix("MB")) << 20
            assert size <= memory // 4
            each = int(found["maintenance_work_mem"].value.removesuffix("MB")) << 20
            assert 3 * each < memory
            assert int(found["max_worker_processes"].value) > 8
            assert "max_locks_per_transaction" not in found
    many = {s.name: s.value for s in settings_for(MACHINE, chunks=5000)}
    assert int(many["max_locks_per_transaction"]) * 100 >= 8 * 5000


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rates(0, 1),
        lambda: Rates(1, -1),
        lambda: Rates(1, 1, float("nan")),
        lambda: advise(Rates(1, 1), Machine(1, 1), YEAR),
        lambda: advise(Rates(1, 1), MACHINE, timedelta(hours=1)),
    ],
)
def test_what_cannot_be_meant(make: Any) -> None:
    with pytest.raises(InvalidInput):
        make()


def test_the_ratios_without_a_measurement_are_the_benchmarks() -> None:
    rows = {row["key"]: row for row in json.loads(BENCHMARK.read_text())["rows"]}
    assert pytest.approx(rows["storage.short.warm"]["ratio"], rel=0.1) == COLUMNSTORE_RATIO
    assert pytest.approx(rows["storage.short.archived"]["ratio"], rel=0.1) == ARCHIVE_RATIO


def chunk(day: int, messages: int, *sizes: int | None, is_first: bool = False) -> tuple[Any, ...]:
    start = datetime(2026, 1, 1, tzinfo=UTC) + day * DAY
    return (start, start + DAY, messages, *sizes, is_first)


def test_measured() -> None:
    chunks = [
        chunk(4, 1000, 100_000, None, None),
        # Nothing was written on the day before.
        chunk(2, 3000, 300_000, 30_000, None),
        chunk(1, 1000, 100_000, 20_000, 5_000),
        # It began late in the day.
        chunk(0, 5, 500, 500, 500, is_first=True),
    ]
    found = read_measured(lambda _: chunks)
    assert found.messages_per_day == pytest.approx(5000 / 4)
    assert found.bytes_per_message == 100
    assert found.columnstore_ratio == 8
    assert found.archive_ratio == 20
    assert found.chunks == 3
    assert read_measured(lambda _: chunks[3:]).messages_per_day == 5
    assert read_measured(lambda _: []).messages_per_day is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("16GB", 16 * 10**9),
        ("16 GiB", 16 << 30),
        ("1.5tb", 15 * 10**11),
        ("512", 512),
        ("1k", 1000),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "0", "-1GB", "16XB", "1iB"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_size(text)
