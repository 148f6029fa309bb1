"""A chunk, whatever its tier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Chunk:
    """One row of ``get_chunks``. Sizes are in bytes; ``None`` where there is no such form, or it
    is not known. Times are aware. ``messages`` and positions are known once a chunk is closed.

    ``is_kept``: the lifecycle's policy does not drop it, until ``kept_until`` or, where that is
    ``None``, until somebody does.

    ``archive_object`` is the first of ``archive_files`` files.

    ``part_streams``: of a chunk in the archive alone, the patterns of those streams that are in the
    database all the same, with ``part_messages`` messages.
    """

    chunk_name: str | None
    range_start: datetime
    range_end: datetime
    tier: str
    state: str
    is_compressed: bool
    messages: int | None
    first_global_position: int | None
    last_global_position: int | None
    row_bytes: int | None
    columnstore_bytes: int | None
    archive_bytes: int | None
    archive_url: str | None
    archive_object: str | None
    verified_at: datetime | None
    kept_until: datetime | None = None
    is_kept: bool = False
    part_streams: list[str] | None = None
    part_messages: int | None = None
    archive_files: int | None = None

    @property
    def in_database(self) -> bool:
        """All of it; a part is not the chunk."""
        return self.state != "dropped"

    @property
    def messages_in_database(self) -> int | None:
        """How many messages of it the database has."""
        if self.in_database:
            return self.messages
        return self.part_messages or 0

    @property
    def compression_ratio(self) -> float | None:
        """Bytes as rows for each byte in the columnstore."""
        if not self.row_bytes or not self.columnstore_bytes:
            return None
        return self.row_bytes / self.columnstore_bytes
