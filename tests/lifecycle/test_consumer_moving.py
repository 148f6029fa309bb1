"""A consumer that is at work while chunks leave the database and come back, and is stopped and
started on the way: each message once, in order, then what is written next."""

from __future__ import annotations

import pytest
from tests.history import END
from tests.lifecycle.conftest import Store
from tests.lifecycle.test_moving import PHASES

from coldstream import Consumer, Message


@pytest.mark.parametrize(
    ("source", "stops"), [("account", True), ("account-1", False), (None, True)]
)
def test_each_message_once(store: Store, source: str | None, stops: bool) -> None:
    expected = [m for m in store.truth if source is None or source in (m.stream_name, m.category)]
    if source == "account-1":
        expected.sort(key=lambda message: message.position)
    found: list[Message] = []
    with store.opened() as opened:
        consumer = Consumer(opened, source, "a", batch_size=2)

        @consumer.default_handler
        def handle(message: Message) -> None:
            every = len(expected) // (len(PHASES) + 1)
            if len(found) % every == every - 1 and len(found) // every < len(PHASES):
                PHASES[len(found) // every](opened)
                if stops:
                    consumer.stop()
            found.append(message)

        while consumer.run(live=False):
            pass
        assert found == expected
        chunks = opened.lifecycle.get_chunks()
        assert [c.state for c in chunks if c.range_end <= END] == ["dropped"] * 6

        written = opened.write_message("account-1", "Closed", {"last": True})
        assert consumer.run(live=False) == 1
        assert found[-1].global_position == written.global_position
        [member] = opened.consumers.get_consumers()
        assert (member.lag_messages, member.lag_seconds) == (0, 0)
        opened.consumers.reset("a", 0)
        [member] = opened.consumers.get_consumers()
        assert member.lag_messages == len(expected) + 1
        assert member.lag_seconds > 1000
