from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from coldstream.archive.manifest import layout
from coldstream.errors import ArchiveCorrupt

START = datetime(2026, 11, 3, tzinfo=UTC)
END = START + timedelta(days=7)


def test_keys() -> None:
    assert layout.range_prefix("message_store", START, END) == (
        "message_store/20261103T000000Z_20261110T000000Z"
    )
    key = layout.object_key("message_store", START, END, sha256="ab" * 32, format="parquet")
    assert key == (
        "message_store/20261103T000000Z_20261110T000000Z/messages-" + "ab" * 32 + ".parquet"
    )
    manifest = layout.manifest_key("message_store", START, END, 12)
    assert manifest == "message_store/20261103T000000Z_20261110T000000Z/_manifest-000012.json"
    assert layout.manifest_generation(manifest) == 12
    assert layout.manifest_generation(key) is None
    for other in (
        "a/_manifest-12.json",
        "a/_manifest-000000.json",
        "a/_manifest-000001.json.tmp",
        "a/x_manifest-000001.json",
        "a/manifest-000001.json",
        "a/_manifest-00000\u0661.json",
    ):
        assert layout.manifest_generation(other) is None


def test_times() -> None:
    new_york = timezone(timedelta(hours=-5))
    assert layout.compact_time(datetime(2026, 11, 2, 19, tzinfo=new_york)) == "20261103T000000Z"
    assert layout.compact_time(START + timedelta(microseconds=1)) == "20261103T000000.000001Z"
    assert layout.compact_time(datetime(33, 4, 3, tzinfo=UTC)) == "00330403T000000Z"
    with pytest.raises(ValueError, match="no time zone"):
        layout.compact_time(datetime(2026, 11, 3))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("message_store", "message_store"),
        ("My Schema", "My~20Schema"),
        ("a/b", "a~2fb"),
        ("..", "~2e~2e"),
        ("ä~", "~c3~a4~7e"),
        # Other software passes over names that begin with these, and reads this as a column.
        ("_hidden_", "~5fhidden_"),
        ("__", "~5f_"),
        (".hidden", "~2ehidden"),
        ("a=b", "a~3db"),
    ],
)
def test_names_become_one_part_each(name: str, part: str) -> None:
    assert layout.safe_part(name) == part


@pytest.mark.parametrize("generation", [0, -1, 1_000_000])
def test_generations_end(generation: int) -> None:
    # A seventh digit would sort and parse as no manifest at all.
    with pytest.raises(ArchiveCorrupt, match="No manifest can have the number"):
        layout.manifest_key("a", START, END, generation)
