"""coldstream advise: from what a store has measured, and from figures without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fix_cli import Cli
from tests.fix_store import InstalledStore
from tests.history import END, history, insert

import coldstream

FIGURES = ["--messages-per-day", "1e6", "--bytes-per-message", "1000", "--memory", "16GB"]


def test_without_a_store(cli: Cli) -> None:
    ran = cli("advise", *FIGURES, "--json")
    assert ran.status == 0
    found = ran.json
    assert found["chunk_bytes"] == 1_000_000_000
    assert found["monthly_cost"] is None
    assert found["rates"]["sources"]["archive_ratio"] == "benchmark"
    assert "month" not in cli("advise", *FIGURES).out.partition("\n\n#")[0]


def test_prices(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('currency = "EUR"\ndisk = 0.1\nobject = 0.02\n')
    found = cli("advise", *FIGURES, "--prices", str(file), "--object-price", "0", "--json").json
    assert found["prices"] == {"currency": "EUR", "disk": 0.1, "object": 0}
    assert found["rows_cost"] == pytest.approx(36.5)
    assert found["tiers"][2]["monthly_cost"] == 0
    assert "EUR a month" in cli("advise", *FIGURES, "--prices", str(file)).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Neither a store nor figures to go by"),
        ([*FIGURES, "--disk-price", "1"], "object is None"),
        ([*FIGURES, "--disk", "much"], "'much' is no size"),
        ([*FIGURES, "--keep", "5"], "has no unit"),
        ([*FIGURES, "--prices", "none.toml"], "none.toml has no prices"),
    ],
)
def test_what_cannot_be_meant(words: list[str], said: str, cli: Cli) -> None:
    ran = cli("advise", *words)
    assert ran.status == 2
    assert said in ran.err


def test_prices_that_are_none(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    for text in (
        "disk = 0.1",
        "disk = 'a'\nobject = 1",
        "disc = 1",
        "= 1",
        "disk = nan\nobject = 1",
    ):
        file.write_text(text)
        ran = cli("advise", *FIGURES, "--prices", str(file))
        assert (ran.status, str(file) in ran.err or "price" in ran.err) == (2, True)


def test_of_a_store(fresh_store: InstalledStore, cli: Cli) -> None:
    where = ["--dsn", fresh_store.dsn, "--schema", fresh_store.schema, "--memory", "4GB"]
    assert "nothing is measured" in cli("advise", *where).err
    insert(fresh_store, history())
    with coldstream.connect(fresh_store.dsn, schema=fresh_store.schema, max_size=1) as store:
        store.lifecycle.compress(END)
        measured = store.measured()
    found = cli("advise", *where, "--json").json
    assert found["rates"]["sources"] == {
        "messages_per_day": "measured",
        "bytes_per_message": "measured",
        "columnstore_ratio": "measured",
        "archive_ratio": "benchmark",
    }
    assert found["rates"]["messages_per_day"] == measured.messages_per_day
    given = cli("advise", *where, "--messages-per-day", "5000000", "--json").json
    assert given["rates"]["sources"]["messages_per_day"] == "given"
    assert given["rates"]["bytes_per_message"] == measured.bytes_per_message
