"""The full circle: old messages leave the database for an archive, and every reader still has them.

COLDSTREAM_ARCHIVE names the archive: file:///folder, s3://bucket/prefix, ...

Prints::

    archived 5 of 5 chunks in file:///...
    5 chunks are in the archive only, 0 of their messages in the database
    account-123 has positions 0 to 500
    the next message goes to position 501
    rehydrated 1 chunk
"""

import os
from datetime import UTC, datetime, timedelta

import coldstream

DAY = timedelta(days=1)

with coldstream.connect(
    os.environ["COLDSTREAM_DSN"], archive=os.environ["COLDSTREAM_ARCHIVE"]
) as store:
    # Time makes history; here a plain INSERT with times of our own does. 35 days, five chunks of a
    # week, and the youngest is three weeks old. Chunks begin on Thursdays, 00:00 UTC.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    last_border = today - DAY * ((today.weekday() - 3) % 7)
    start = last_border - 56 * DAY
    with store.connection() as connection:
        connection.execute(
            """
            INSERT INTO message_store.messages (stream_name, position, type, data, time)
            SELECT 'account-123', n, 'Deposited', jsonb_build_object('amount', n),
              %s::timestamptz + n * INTERVAL '100 minutes'
            FROM generate_series(0, 499) AS n
            """,
            [start],
        )
    # Today's message, in a chunk that is not over yet.
    store.write_message("account-123", "Deposited", {"amount": 500})

    lifecycle = store.lifecycle
    archived = lifecycle.archive(14 * DAY)
    proved = [each for each in lifecycle.verify() if each.problem is None]
    print(f"archived {len(proved)} of {len(archived)} chunks in {store.archive}")

    lifecycle.drop(14 * DAY)
    cold = [chunk for chunk in lifecycle.get_chunks() if chunk.tier == "cold"]
    with store.connection() as connection:
        (left,) = connection.execute(
            "SELECT count(*) FROM message_store.messages WHERE time < %s", [cold[-1].range_end]
        ).fetchone() or (None,)
    print(len(cold), "chunks are in the archive only,", left, "of their messages in the database")

    # The client reads across the archive and the database, in order, without a gap.
    positions = [message.position for message in store.get_stream_messages("account-123")]
    assert positions == list(range(501))
    print("account-123 has positions", positions[0], "to", positions[-1])

    # Dropping history does not move a stream's version.
    written = store.write_message("account-123", "Deposited", {"amount": 501}, expected_version=500)
    print("the next message goes to position", written.position)

    # SQL sees what is in the database. For SQL over old history, bring a range back for a while.
    back = lifecycle.rehydrate(cold[0].range_start, cold[0].range_end)
    print("rehydrated", len(back), "chunk" + "s" * (len(back) != 1))
