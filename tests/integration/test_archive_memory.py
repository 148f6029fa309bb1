"""Memory stays bounded however many rows pass: measured in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import json, sys, uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
sys.path[:0] = sys.argv[4:]
from tests.archive_files import export_rows
from coldstream.archive.storage.location import ArchiveLocation
from coldstream.archive.manifest.manifest import Manifest
from coldstream.archive.read.reader import ArchiveReader
from coldstream.archive.read.verify import verify_files

what, count, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
location = ArchiveLocation.open(str(folder / "archive"))
start = datetime(2026, 11, 3, tzinfo=UTC)
body = json.dumps({"account": "123", "amount": 11, "text": "lorem ipsum dolor sit amet " * 18})

def batches():
    # Streams of ten, their messages spread over the whole range of global positions.
    streams = count // 10
    batch = []
    for number in range(count):
        stream, position = divmod(number, 10)
        time = start + timedelta(microseconds=number)
        batch.append((position * streams + stream + 1, position, time, f"account-{stream:09d}",
            "Deposited", body, None, uuid.UUID(int=number), "account"))
        if len(batch) == 2_000:
            yield batch
            batch = []
    if batch:
        yield batch

if what == "export":
    manifest = export_rows(location, batches(), schema="s", chunk_name="c",
        range_start=start, range_end=start + timedelta(days=1))
    (folder / "manifest").write_bytes(manifest.to_json())
else:
    manifest = Manifest.from_json((folder / "manifest").read_bytes())
    if what == "verify":
        verify_files(location, manifest)
    else:
        expected = 1
        for messages in ArchiveReader(location).read_category_batches([manifest], "account"):
            for message in messages:
                assert message.global_position == expected
                expected += 1
        assert expected == count + 1
# Not getrusage: its peak starts at what the parent process held when it forked.
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(int(peak.split()[1]) / 1024)
"""


def peak_megabytes(what: str, count: int, folder: Path) -> float:
    output = subprocess.check_output(
        [sys.executable, "-c", PROGRAM, what, str(count), str(folder), *sys.path], text=True
    )
    return float(output)


# 300,000 rows hold 170 MB of text; as Python objects over 400 MB, in one Arrow table and its sorted
# copy over 500 MB. The bounds are those of a window, whatever the number of rows.
def test_memory_is_bounded(tmp_path: Path) -> None:
    for what, bound in (("export", 300), ("verify", 300), ("read", 340)):
        peak = peak_megabytes(what, 300_000, tmp_path)
        assert peak < bound, f"{what}: {peak:.0f} MB"
