"""A read table that holds each message once: the handler's work and the position are one commit.

Start it again and it goes on where it stopped, however it stopped. Start it twice and the second
process waits, to take over from the first. It runs until Ctrl-C or SIGTERM; here it stops itself
once nothing is left.

Prints::

    5 messages
    account-1 has 18
    account-2 has 5
    after another run: 0 messages, account-1 has 18
    behind by 0 messages
"""

import os

import coldstream
from coldstream import Consumer, NewMessage, Store
from coldstream.consumers import Context


def make_consumer(store: Store) -> Consumer:
    consumer = Consumer(
        store,
        "account",
        "balances",
        # Messages that share a transaction: faster, and a failure repeats all of them.
        transaction_size=100,
        # What cannot be handled goes to account:deadLetter-balances, and the rest goes on.
        on_failure="dead_letter",
    )

    @consumer.handler("Deposited")
    def deposited(data: dict[str, int], context: Context) -> None:
        add(context, data["amount"])

    @consumer.handler("Withdrawn")
    def withdrawn(data: dict[str, int], context: Context) -> None:
        add(context, -data["amount"])

    return consumer


def add(context: Context, amount: int) -> None:
    # The transaction of this connection has the position, too.
    context.connection().execute(
        "INSERT INTO example_balances VALUES (%s, %s) ON CONFLICT (account) "
        "DO UPDATE SET amount = example_balances.amount + excluded.amount",
        [context.message.stream_name, amount],
    )


def balance(store: Store, account: str) -> int:
    with store.connection() as connection:
        row = connection.execute(
            "SELECT amount FROM example_balances WHERE account = %s", [account]
        ).fetchone()
    return row[0] if row else 0


with coldstream.connect(os.environ["COLDSTREAM_DSN"]) as store:
    with store.connection() as connection:
        connection.execute("DROP TABLE IF EXISTS example_balances")
        connection.execute(
            "CREATE TABLE example_balances (account text PRIMARY KEY, amount bigint NOT NULL)"
        )
    store.write_messages(
        [
            NewMessage("account-1", "Opened"),
            NewMessage("account-1", "Deposited", {"amount": 22}),
            NewMessage("account-2", "Opened"),
            NewMessage("account-2", "Deposited", {"amount": 5}),
            NewMessage("account-1", "Withdrawn", {"amount": 4}),
        ]
    )
    # A service says run(), which goes on with what is written.
    print(make_consumer(store).run(live=False), "messages")
    for account in ("account-1", "account-2"):
        print(account, "has", balance(store, account))

    handled = make_consumer(store).run(live=False)
    print(f"after another run: {handled} messages, account-1 has {balance(store, 'account-1')}")

    (member,) = store.consumers.get_consumers()
    print("behind by", member.lag_messages, "messages")
