"""Optimistic concurrency: decide on what a stream says, and decide again when it has moved on.

A withdrawal may only be written if the balance allows it. The writer passes the version it read; if
somebody else wrote in between, nothing is written, and it reads the stream again.

Prints::

    somebody wrote to account-123: expected version 0, it is at 1
    withdrew 70 at position 2
    refused: the balance is 0
"""

import os

import coldstream
from coldstream import ExpectedVersionError, Store


def balance_of(store: Store, stream_name: str) -> tuple[int, int]:
    """The balance, and the version of the stream that it is the balance of."""
    balance, version = 0, -1
    for message in store.get_stream_messages(stream_name):
        amount = message.data["amount"]
        balance += amount if message.type == "Deposited" else -amount
        version = message.position
    return balance, version


def withdraw(store: Store, stream_name: str, amount: int, *, meanwhile=lambda: None) -> None:
    for _ in range(5):
        balance, version = balance_of(store, stream_name)
        if balance < amount:
            print("refused: the balance is", balance)
            return
        meanwhile()
        try:
            written = store.write_message(
                stream_name, "Withdrawn", {"amount": amount}, expected_version=version
            )
        except ExpectedVersionError as error:
            print(
                f"somebody wrote to {error.stream_name}:"
                f" expected version {error.expected}, it is at {error.actual}"
            )
            continue
        print("withdrew", amount, "at position", written.position)
        return
    raise RuntimeError(f"{stream_name} does not stand still")


with coldstream.connect(os.environ["COLDSTREAM_DSN"]) as store:
    store.write_message("account-123", "Deposited", {"amount": 100}, expected_version=-1)

    others = iter([30])  # what somebody else withdraws while we decide, the first time

    def somebody_else() -> None:
        for amount in others:
            store.write_message("account-123", "Withdrawn", {"amount": amount})

    withdraw(store, "account-123", 70, meanwhile=somebody_else)
    withdraw(store, "account-123", 70)
