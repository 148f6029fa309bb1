"""The benchmark's page and plot are what its saved run gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import bench_reference
from coldstream_bench import groups
from coldstream_bench.groups import consumers


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


def test_figures_of_the_front_page_follow_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder, readme = tmp_path / "reference", tmp_path / "README.md"
    folder.mkdir()
    report = json.loads((bench_reference.FOLDER / "benchmark.json").read_text())
    for row in report["rows"]:
        if row["key"] == "write.one_client":
            row |= {"plain": 4000.0, "coldstream": 3000.0, "ratio": 0.75}
    (folder / "benchmark.json").write_text(json.dumps(report))
    before = bench_reference.README.read_text()
    readme.write_text(before)
    assert bench_reference.main(["--check"], folder=folder, readme=readme) == 1
    assert bench_reference.main([], folder=folder, readme=readme) == 0
    assert "| 4,000 messages/s | 3,000 messages/s (0.75 times the rate) |" in readme.read_text()
    kept = [line for line in before.splitlines() if "single writes, one client" not in line]
    assert set(kept) <= set(readme.read_text().splitlines())


def test_rows_of_another_run_are_merged(tmp_path: Path) -> None:
    saved = json.loads((bench_reference.FOLDER / "benchmark.json").read_text())
    rows = [{**row, "coldstream": 1234.5} for row in saved["rows"][:2]]
    missing = {**saved, "rows": saved["rows"][1:]}
    (tmp_path / "benchmark.json").write_text(json.dumps(missing))
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**saved, "started": "2026-01-01T00:00:00+00:00", "rows": rows}))
    assert bench_reference.main(["--merge", str(other)], folder=tmp_path) == 0
    assert bench_reference.main(["--check"], folder=tmp_path) == 0
    merged = json.loads((tmp_path / "benchmark.json").read_text())
    assert [row["key"] for row in merged["rows"]] == [row["key"] for row in saved["rows"]]
    assert [row["coldstream"] for row in merged["rows"][:2]] == [1234.5, 1234.5]
    assert merged["rows"][2:] == saved["rows"][2:]
    keys = ", ".join(row["key"] for row in rows).replace("_", "\\_")
    page = (tmp_path / "benchmark.md").read_text()
    assert f"- Another run, begun 2026-01-01T00:00:00+00:00: {keys}" in page


def test_a_run_of_another_machine_is_not_merged(tmp_path: Path) -> None:
    shutil.copy(bench_reference.FOLDER / "benchmark.json", tmp_path)
    before = (tmp_path / "benchmark.json").read_text()
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**json.loads(before), "machine": {"cpu": "another"}}))
    with pytest.raises(ValueError, match="machine"):
        bench_reference.main(["--merge", str(other)], folder=tmp_path)
    assert (tmp_path / "benchmark.json").read_text() == before


def test_the_saved_run_measured_every_row():
    report = json.loads((bench_reference.FOLDER / "benchmark.json").read_text())
    measured = {row["key"] for row in report["rows"] if row["coldstream"] is not None}
    missing = {row.key for row in groups.rows() if not row.needs_sample} - measured
    # The consumers' are newer than the saved run: all of them, until it is made anew.
    assert missing in (set(), {row.key for row in consumers.ROWS})
