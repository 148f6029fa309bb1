"""A consumer: read a category from where it stopped, handle each message, remember the place.

Two members share the work: every stream belongs to exactly one of them, so the messages of a stream
are handled in order. Each member keeps its place in a stream of its own. A message is handled again
when the process ends between handling it and saving the place, so handling must not mind.

Prints::

    member 0 handled account-1:0 account-3:0 account-3:1
    member 1 handled account-0:0 account-2:0 account-4:0 account-5:0
    member 0 handled account-1:1
    member 1 handled nothing
"""

import os
from collections.abc import Callable

import coldstream
from coldstream import Message, Store

GROUP_SIZE = 2


def consume(
    store: Store,
    category: str,
    member: int,
    handle: Callable[[Message], None],
    save_every: int = 100,
) -> None:
    """Handle everything that is there. Run it again, in a loop with a pause, for what comes."""
    place = f"{category}:position-consumer+{member}"
    saved = store.get_last_stream_message(place)
    position = saved.data["position"] if saved else 0

    done = 0
    for message in store.get_category_messages(
        category,
        position + 1,
        consumer_group_member=member,
        consumer_group_size=GROUP_SIZE,
    ):
        handle(message)
        position, done = message.global_position, done + 1
        if done % save_every == 0:
            store.write_message(place, "Read", {"position": position})
    if done % save_every:
        store.write_message(place, "Read", {"position": position})


def round_of_all_members(store: Store) -> None:
    for member in range(GROUP_SIZE):
        handled: list[Message] = []
        consume(store, "account", member, handled.append)
        names = [f"{message.stream_name}:{message.position}" for message in handled]
        print(f"member {member} handled", *names or ["nothing"])


with coldstream.connect(os.environ["COLDSTREAM_DSN"]) as store:
    for number in (0, 1, 2, 3, 4, 5, 3):
        store.write_message(f"account-{number}", "Deposited", {"amount": number})
    round_of_all_members(store)

    store.write_message("account-1", "Withdrawn", {"amount": 1})
    round_of_all_members(store)
