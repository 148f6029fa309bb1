"""Replay one category's whole history in parallel, with Daft on Ray; each stream in its order.

``python replay.py METADATA [CATEGORY]``: METADATA is the table's metadata file, which ``coldstream
iceberg status`` names. Prints a JSON object a stream. RAY_ADDRESS names a cluster; without it, Ray
starts on this machine.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import daft
from balance import replay
from daft import DataType, Series, col
from pyiceberg.table import StaticTable

RESULT = DataType.struct(
    {"stream_name": DataType.string(), "messages": DataType.int64(), "balance": DataType.string()}
)


@daft.udf(return_dtype=RESULT)
def replay_stream(
    stream_name: Series, position: Series, type: Series, data: Series
) -> list[dict[str, Any]]:
    """All messages of one stream come to one call, in no order."""
    messages = zip(position.to_pylist(), type.to_pylist(), data.to_pylist(), strict=True)
    count, balance = replay(messages)
    return [{"stream_name": stream_name.to_pylist()[0], "messages": count, "balance": str(balance)}]


def main(metadata: str, category: str = "account") -> None:
    daft.set_runner_ray()
    messages = (
        daft.read_iceberg(StaticTable.from_metadata(metadata))
        # Leaves out the files and row groups that hold other categories only.
        .where(col("category") == category)
        .select("stream_name", "position", "type", "data")
    )
    streams = messages.groupby("stream_name").map_groups(
        replay_stream(col("stream_name"), col("position"), col("type"), col("data")).alias("result")
    )
    for row in streams.select("result").iter_rows():
        print(json.dumps(row["result"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
