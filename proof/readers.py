"""Read a published table with Daft on Ray: ``make test-readers``.

Makes ``.readers-venv`` with what examples/replay_on_ray asks for, because Daft does not take the
pyarrow of Coldstream; writes an archive of a few thousand messages, publishes it, counts and
replays it there, and compares. Exit status 1, and what differs, where something does.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from coldstream.archive.engines.iceberg import ArchivedRange, Catalogued, IcebergTable
from coldstream.archive.export import Export
from coldstream.archive.format.rows import Row
from coldstream.archive.manifest.commit import commit_manifest
from coldstream.archive.storage.location import ArchiveLocation

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".readers-venv"
EXAMPLE = ROOT / "examples" / "replay_on_ray"
START, WEEK = datetime(2025, 1, 2, tzinfo=UTC), timedelta(days=7)
WEEKS, MESSAGES, STREAMS = 4, 3_000, 150

# On a partitioned table Daft has answered a filtered count with the count of the whole table.
COUNT = """
import json, sys, daft
from pyiceberg.table import StaticTable
if sys.argv[2] == "ray":
    daft.set_runner_ray()
frame = daft.read_iceberg(StaticTable.from_metadata(sys.argv[1]))
names = ["account", "order", "nothing"]
counts = {name: frame.where(daft.col("category") == name).count_rows() for name in names}
print(json.dumps(counts | {"all": frame.count_rows()}))
"""


def main() -> int:
    environment()
    with tempfile.TemporaryDirectory(prefix="coldstream-readers-") as folder:
        rows = history()
        metadata = published(rows, Path(folder))
        wrong = []
        for runner in ("native", "ray"):
            counts = json.loads(run("-c", COUNT, metadata, runner).splitlines()[-1])
            expected = Counter(row[8] for row in rows) + Counter(all=len(rows))
            print(f"Daft, {runner}: {counts}")
            if counts != {"nothing": 0, **expected}:
                wrong.append(f"Daft on the {runner} runner counts {counts}, not {dict(expected)}")
        printed = run(str(EXAMPLE / "replay.py"), metadata, "account")
        found = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        print(f"Daft on Ray: {len(found)} streams replayed")
        if sorted(map(str, found)) != sorted(map(str, replayed(rows))):
            wrong.append("The replay on Ray differs from one in this process")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def environment() -> None:
    """Make ``.readers-venv``, or leave one that is current."""
    wanted = EXAMPLE / "requirements.txt"
    stamp = VENV / "requirements.sha256"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print("==> installing Daft and Ray into .readers-venv (about 900 MB)", flush=True)
    venv.create(VENV, clear=True, with_pip=True)
    pip = [str(VENV / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "-r", str(wanted)], check=True)
    stamp.write_text(digest)


def history() -> list[Row]:
    """Messages of accounts and orders; streams cross the borders of the weeks."""
    chosen = random.Random(1)
    positions: Counter[str] = Counter()
    rows: list[Row] = []
    for number in range(WEEKS * MESSAGES):
        category = chosen.choice(("account", "account", "order"))
        name = f"{category}-{chosen.randrange(STREAMS)}"
        rows.append(
            (
                number + 1,
                positions[name],
                START + number * (WEEK / MESSAGES),
                name,
                chosen.choice(("Deposited", "Withdrawn")),
                f'{{"amount": {chosen.randrange(100_000)}.{chosen.randrange(100):02}}}',
                None,
                UUID(int=chosen.getrandbits(128)),
                category,
            )
        )
        positions[name] += 1
    return rows


def published(rows: list[Row], folder: Path) -> str:
    """Where the metadata of the table with these rows is."""
    location = ArchiveLocation.open(str(folder / "archive"))
    ranges = []
    for week in range(WEEKS):
        start = START + week * WEEK
        part = [row for row in rows if start <= row[2] < start + WEEK]
        manifest = Export(location, "message_store").chunk(
            [sorted(part, key=lambda row: (row[3].encode(), row[1]))],
            "chunk",
            start,
            start + WEEK,
        )
        commit_manifest(location, manifest)
        url = location.url_of(manifest.files[0].key)
        ranges.append(ArchivedRange(url.rpartition("/")[0], url, manifest.rows))
    catalog = {"type": "sql", "uri": f"sqlite:///{folder / 'catalog.db'}"}
    table = IcebergTable(
        Catalogued(catalog, "message_store", location.url_of("message_store/_iceberg"), "check")
    )
    table.load()
    table.apply(table.difference(ranges))
    table.close()
    if table.metadata_location is None:
        raise RuntimeError("nothing was published")
    return table.metadata_location


def replayed(rows: list[Row]) -> list[dict[str, object]]:
    """What the example must print, made here."""
    sys.path.insert(0, str(EXAMPLE))
    from balance import replay  # type: ignore[import-not-found]

    accounts = sorted({row[3] for row in rows if row[8] == "account"})
    results = []
    for name in accounts:
        count, balance = replay((row[1], row[4], row[5]) for row in rows if row[3] == name)
        results.append({"stream_name": name, "messages": count, "balance": str(balance)})
    return results


def run(*arguments: str) -> str:
    """What a program of the other environment prints."""
    foreign = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(VENV / "bin" / "python"), *arguments],
        env={
            **foreign,
            "RAY_USAGE_STATS_ENABLED": "0",
            "DO_NOT_TRACK": "1",
            "DAFT_PROGRESS_BAR": "0",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
