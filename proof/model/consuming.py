"""Consumers that come again and again, alone and in groups."""

from __future__ import annotations

from dataclasses import dataclass

from coldstream import Consumer, Message
from coldstream.errors import ColdstreamError
from proof.model.truth import Fault, Made
from proof.model.world import World


@dataclass
class Following:
    """A consumer, or a member of one: ``next`` is where it goes on."""

    name: str
    source: str | None
    member: int | None = None
    size: int = 1
    next: int = 0

    def wants(self, made: Made) -> bool:
        if self.source is None:
            return True
        if "-" in self.source:
            return made.stream_name == self.source
        is_ours = self.member is None or made.falls_to(self.member, self.size)
        return made.category == self.source and is_ours

    def key(self, made: Made | Message) -> int:
        is_stream = self.source is not None and "-" in self.source
        return made.position if is_stream else made.global_position


def consumers() -> list[Following]:
    return [
        Following("of-account", "account"),
        Following("of-order", "order:command", 0, 2),
        Following("of-order", "order:command", 1, 2),
        Following("of-stream", "account-1"),
        Following("of-another", "order:command-1"),
        Following("of-all", None),
    ]


def consume(world: World, following: Following) -> None:
    """Let it handle all that there is, and compare."""
    handled: list[Message] = []
    consumer = Consumer(
        world.store,
        following.source,
        following.name,
        group_size=following.size,
        group_member=following.member,
        batch_size=world.chance.choice([1, 5, 1000]),
        transaction_size=world.chance.choice([1, 20]),
    )

    @consumer.default_handler
    def handle(message: Message) -> None:
        handled.append(message)

    world.say(f"consumer {following.name} {following.member} from {following.next}")
    expected = sorted(
        (
            made
            for made in world.truth.view().messages
            if following.wants(made) and following.key(made) >= following.next
        ),
        key=following.key,
    )
    try:
        consumer.run(live=False, handle_signals=False)
    except ColdstreamError as error:
        raise Fault(f"consumer {following.name}: {type(error).__name__}: {error}") from error
    found, ids = [message.id for message in handled], [made.id for made in expected]
    if following.source is None and not world.alone:
        # It ends at the frontier, which others may hold back.
        ids = ids[: len(found)]
    if found != ids:
        keys = [following.key(message) for message in handled]
        raise Fault(
            f"consumer {following.name} {following.member} from {following.next} handled {keys}"
            f" instead of {[following.key(made) for made in expected]}"
        )
    if handled:
        following.next = following.key(handled[-1]) + 1
