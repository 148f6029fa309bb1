"""Read the archive's files with Apache Spark and pandas, as they are: ``make test-spark``.

Makes ``.spark-venv`` with PySpark (which needs Java 17 or newer) and pandas, writes an archive with
its manifests and the metadata of an Iceberg table, and reads it there: a file, a range's folder, a
whole store. Exit status 1, and what differs, where something does. ``--python`` names another
Python that has both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coldstream.archive.format.rows import COLUMNS, Row
from coldstream.archive.manifest import layout
from proof.readers import WEEKS, history, published

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".spark-venv"
PACKAGES = ["pyspark==4.3.0", "pandas>=2.2,<3", "pyarrow>=18"]

READ = """
import json, sys
from pyspark.sql import SparkSession, functions as f
file, folder, store = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
found = {}
found["columns"] = spark.read.parquet(file).dtypes
for name, path in (("file", file), ("folder", folder)):
    found[name] = spark.read.parquet(path).count()
whole = spark.read.option("recursiveFileLookup", "true").parquet(store)
found["store"] = whole.count()
found["store columns"] = whole.columns
found["files"] = spark.read.format("binaryFile").load(folder).select("path").count()
counted = whole.groupBy("category").count().collect()
found["categories"] = {r["category"]: r["count"] for r in counted}
whole.createOrReplaceTempView("messages")
row = spark.sql("SELECT * FROM messages WHERE global_position = 1").first()
time = row["time"].isoformat()
found["first"] = [*row[0:2], time, *row[3:]]
found["by id"] = whole.where(f.col("id") == row["id"]).count()
amount = "sum(CAST(get_json_object(data, '$.amount') AS DECIMAL(18, 2)))"
found["amount"] = str(spark.sql(f"SELECT {amount} AS s FROM messages").first()["s"])
stream = whole.where(f.col("stream_name") == row["stream_name"]).sort("position")
found["stream"] = [r["position"] for r in stream.collect()]
import pandas
frame = pandas.read_parquet(folder)
found["pandas"] = [len(frame), sorted(frame["id"])[0]]
print(json.dumps(found))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", type=Path, default=None)
    python = parser.parse_args().python or environment()
    rows = history()
    with tempfile.TemporaryDirectory(prefix="coldstream-spark-") as place:
        metadata = Path(unquote(urlsplit(published(rows, Path(place))).path))
        store = metadata.parents[2]
        if metadata.parents[1].name != layout.ICEBERG:
            raise RuntimeError(f"The table's metadata is in {metadata.parent}")
        file = min(store.glob("*/*.parquet"))
        done = subprocess.run(
            [str(python), "-c", READ, str(file), str(file.parent), str(store)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = json.loads(done.stdout.splitlines()[-1])
    wrong = False
    for name, said in expected(rows).items():
        right = found[name] == said
        wrong = wrong or not right
        print(f"{name}: {found[name]!s:.100}" + ("" if right else f", not {said!s:.100}"))
    return 1 if wrong else 0


def environment() -> Path:
    """The Python of ``.spark-venv``, which is made where it is missing."""
    stamp = VENV / "packages.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(PACKAGES):
        print("==> installing PySpark into .spark-venv (about 500 MB)", flush=True)
        venv.create(VENV, clear=True, with_pip=True)
        pip = [str(VENV / "bin" / "pip"), "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, *PACKAGES], check=True)
        stamp.write_text("\n".join(PACKAGES))
    return VENV / "bin" / "python"


def expected(rows: list[Row]) -> dict[str, object]:
    """What the other process must find."""
    types = dict.fromkeys(COLUMNS, "string") | dict.fromkeys(COLUMNS[:2], "bigint")
    types["time"] = "timestamp"
    first_week = [row for row in rows if row[0] <= len(rows) // WEEKS]
    first = rows[0]
    amounts = [int(json.loads(row[5] or "", parse_float=cents)["amount"]) for row in rows]
    total = sum(amounts)
    return {
        "columns": [[name, types[name]] for name in COLUMNS],
        "file": len(first_week),
        "folder": len(first_week),
        "store": len(rows),
        "store columns": list(COLUMNS),
        # The manifest beside the file is no data to it.
        "files": 1,
        "categories": dict(Counter(row[8] for row in rows)),
        "first": [
            *first[:2],
            first[2].replace(tzinfo=None).isoformat(),
            *first[3:7],
            str(first[7]),
            first[8],
        ],
        "by id": 1,
        "amount": f"{total // 100}.{total % 100:02}",
        "stream": sorted(row[1] for row in rows if row[3] == first[3]),
        "pandas": [len(first_week), min(str(row[7]) for row in first_week)],
    }


def cents(number: str) -> int:
    return int(number.replace(".", ""))


if __name__ == "__main__":
    sys.exit(main())
