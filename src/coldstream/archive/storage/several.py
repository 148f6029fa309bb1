"""Several archive locations as one: a forked store's history is in more than one place."""

from __future__ import annotations

from collections.abc import Mapping

from coldstream.archive.storage.location import ArchiveLocation


class SeveralLocations:
    """What a reader needs of a location, each key from the one that it is in. Safe to share between
    threads."""

    def __init__(self, locations: Mapping[str, ArchiveLocation]) -> None:
        self._locations = locations
        self._urls: dict[str, str] = {}

    def learn(self, urls: Mapping[str, str]) -> None:
        """Where keys are. A key has the SHA-256 of its file in it, so it is never in two places
        with two contents."""
        self._urls.update(urls)

    def url_of(self, key: str) -> str:
        """The full URL of a key."""
        return self._of(key).url_of(key)

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """``length`` bytes from ``start``, or fewer where the object ends before."""
        return self._of(key).get_range(key, start, length)

    def _of(self, key: str) -> ArchiveLocation:
        return self._locations[self._urls[key]]
