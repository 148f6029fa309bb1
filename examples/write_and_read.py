"""Write messages to a stream, and read the stream and its category.

Run it against an installed store: COLDSTREAM_DSN=postgresql://... python examples/write_and_read.py

Prints::

    account-123 is at version 1
    0 Deposited {'amount': Decimal('11.50'), 'currency': 'EUR'}
    1 Withdrawn {'amount': 4}
    last of its type: Deposited at position 0
    account-123 account-123 account-456
"""

import os
from decimal import Decimal

import coldstream
from coldstream import NewMessage

with coldstream.connect(os.environ["COLDSTREAM_DSN"]) as store:
    # Whatever JSON can hold goes in, decimals too, and comes out as it was.
    store.write_message("account-123", "Deposited", {"amount": Decimal("11.50"), "currency": "EUR"})

    # Several messages, to one stream or to many: all are written, or none.
    store.write_messages(
        [
            NewMessage("account-123", "Withdrawn", {"amount": 4}),
            NewMessage("account-456", "Deposited", {"amount": 7}, metadata={"user": "ann"}),
        ]
    )

    print("account-123 is at version", store.stream_version("account-123"))
    for message in store.get_stream_messages("account-123"):
        print(message.position, message.type, message.data)

    last = store.get_last_stream_message("account-123", "Deposited")
    assert last is not None
    print("last of its type:", last.type, "at position", last.position)

    print(*(message.stream_name for message in store.get_category_messages("account")))
