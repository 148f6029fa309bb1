"""A consumer group: members share a category, and the messages of a stream are handled in order.

Every stream belongs to exactly one of the members. Each process would be started with the same name
and size, and the database shares the members among those that run: when one ends or dies, the
others go on with its streams. To show who gets what, each member is handled by hand here.

Prints::

    member 0 handled account-1:0 account-3:0 account-3:1
    member 1 handled account-0:0 account-2:0 account-4:0 account-5:0
    member 0 handled account-1:1
    member 1 handled nothing
"""

import os

import coldstream
from coldstream import Consumer, Message, Store

GROUP_SIZE = 2


def consume(store: Store, member: int) -> list[str]:
    """Handle everything that is there of one member, from where it stopped."""
    consumer = Consumer(
        store,
        "account",
        "group",
        group_size=GROUP_SIZE,
        # Leave it out, and this process has its share of all members.
        group_member=member,
    )
    handled: list[str] = []

    @consumer.default_handler
    def handle(message: Message) -> None:
        handled.append(f"{message.stream_name}:{message.position}")

    consumer.run(live=False)
    return handled


def round_of_all_members(store: Store) -> None:
    for member in range(GROUP_SIZE):
        print(f"member {member} handled", *consume(store, member) or ["nothing"])


with coldstream.connect(os.environ["COLDSTREAM_DSN"]) as store:
    for number in (0, 1, 2, 3, 4, 5, 3):
        store.write_message(f"account-{number}", "Deposited", {"amount": number})
    round_of_all_members(store)

    store.write_message("account-1", "Withdrawn", {"amount": 1})
    round_of_all_members(store)
