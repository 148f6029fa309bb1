"""proof/damage.py in a short form: flipped bits and truncations are found, all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow.parquet as pq
import pytest
from proof import damage as prove_damage
from proof.damage import prove

from coldstream.settings import FORMATS


def test_all_damage_is_found() -> None:
    figures = list(prove(seed=7, rounds=25, number=1_000))
    assert {(each.file, each.damage) for each in figures} == {
        (file, damage) for file in (*FORMATS, "manifest") for damage in prove_damage.DAMAGES
    }
    assert [each for each in figures if not each.held] == []
    assert all(each.reads_found > 0 for each in figures)


@pytest.mark.parametrize("damage", prove_damage.DAMAGES)
def test_a_proof_that_looks_at_nothing_is_seen(
    damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove_damage, "verify_files", lambda location, manifest: None)
    figures = prove_damage.prove_object("csv", damage, seed=1, rounds=3, number=50)
    assert not figures.held


def test_a_read_without_checksums_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the Parquet library reads by default: most flipped bits give other messages."""

    class Unchecked(pq.ParquetFile):  # type: ignore[misc]
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options | {"page_checksum_verification": False})

    def in_data(data: bytes, rounds: int, chosen: object) -> Iterator[bytes]:
        for byte in range(1_000, 1_000 + 40 * rounds, 40):
            yield data[:byte] + bytes([data[byte] ^ 1]) + data[byte + 1 :]

    monkeypatch.setattr(pq, "ParquetFile", Unchecked)
    monkeypatch.setitem(prove_damage.DAMAGES, "in data", in_data)
    figures = prove_damage.prove_object("parquet", "in data", seed=1, rounds=25, number=1_000)
    assert not figures.held
