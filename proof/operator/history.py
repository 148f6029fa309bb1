"""What one database has to have: its history, which a copy takes along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from proof.model.truth import Fault, Made


@dataclass
class History:
    """``must``: what was acknowledged, or taken in from the archive, by id. ``may``: what may be
    there: nobody answered whether it was written, or it was deleted and is archived. ``deleted``:
    by a DELETE. ``destroyed``: what an operator took away by hand; reads of it give it, or fail.
    ``given``, ``given_globally``: whose each position is, for ever. ``is_doubtful``: positions may
    have been given that nobody was told of. ``new``: what was written since it is a copy."""

    must: dict[UUID, Made] = field(default_factory=dict)
    may: set[UUID] = field(default_factory=set)
    deleted: set[UUID] = field(default_factory=set)
    destroyed: set[UUID] = field(default_factory=set)
    given: dict[tuple[str, int], UUID] = field(default_factory=dict)
    given_globally: dict[int, UUID] = field(default_factory=dict)
    is_doubtful: bool = False
    new: set[UUID] = field(default_factory=set)

    def copy(self) -> History:
        return History(
            dict(self.must),
            set(self.may),
            set(self.deleted),
            set(self.destroyed),
            dict(self.given),
            dict(self.given_globally),
            self.is_doubtful,
        )

    def version(self, stream_name: str) -> int:
        return max((at for name, at in self.given if name == stream_name), default=-1)

    def acknowledge(self, messages: Iterable[Made]) -> None:
        """Messages that the store said it wrote.

        Raises:
            Fault: it gave a position or a global position that it had given before.
        """
        for made in messages:
            self._give(made, "was given twice")
            self.must[made.id] = made
            self.new.add(made.id)

    def take_in(self, archived: Iterable[Made]) -> None:
        """What a rebuild loaded from the archive."""
        for made in archived:
            self._give(made, "has other messages in the archive, and nobody was told")
            self.destroyed.discard(made.id)
            if made.id in self.deleted or made.id in self.may:
                self.may.add(made.id)
            else:
                self.must.setdefault(made.id, made)

    def _give(self, made: Made, what: str) -> None:
        there = self.given.setdefault((made.stream_name, made.position), made.id)
        if there != made.id:
            raise Fault(f"position {made.position} of {made.stream_name} {what}: {there}, {made}")
        there = self.given_globally.setdefault(made.global_position, made.id)
        if there != made.id:
            raise Fault(f"global position {made.global_position} {what}: {there}, {made}")

    def delete(self, ids: Iterable[UUID]) -> None:
        for id in ids:
            self.deleted.add(id)
            self.must.pop(id, None)
            self.destroyed.discard(id)

    def is_rightly(self, made: Made, found: Made) -> bool:
        return (
            made.stream_name == found.stream_name
            and made.position == found.position
            and made.global_position == found.global_position
            and made.type == found.type
            and made.data == found.data
            and made.metadata == found.metadata
            and made.time in (None, found.time)
        )
