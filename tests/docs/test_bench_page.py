"""The benchmark's page and plot are what its saved run gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import bench_reference
from coldstream.bench import groups


def test_page_and_plot_are_current(capsys: pytest.CaptureFixture[str]):
    assert bench_reference.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", ["benchmark.md", "benchmark-growth.svg"])
def test_what_is_not_current_fails(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]):
    shutil.copy(bench_reference.FOLDER / "benchmark.json", tmp_path)
    assert bench_reference.main([], folder=tmp_path) == 0
    assert bench_reference.main(["--check"], folder=tmp_path) == 0
    file = tmp_path / name
    file.write_text(file.read_text().replace("Coldstream", "Another"))
    assert bench_reference.main(["--check"], folder=tmp_path) == 1
    assert "+" in capsys.readouterr().out


def test_the_saved_run_measured_every_row():
    report = json.loads((bench_reference.FOLDER / "benchmark.json").read_text())
    measured = {row["key"] for row in report["rows"] if row["coldstream"] is not None}
    assert {row.key for row in groups.rows() if not row.needs_sample} - measured == set()
