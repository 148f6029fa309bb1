"""Versions of TimescaleDB that a store runs on, but had better not."""

from __future__ import annotations

from typing import Final, NamedTuple


class Fault(NamedTuple):
    """Releases from ``first`` up to and without ``mended``."""

    first: tuple[int, int, int]
    mended: tuple[int, int, int]
    what: str


# From TimescaleDB's own notes on its releases: only what may touch a store.
FAULTS: Final = (
    Fault(
        (0, 0, 0),
        (2, 25, 2),
        "its scripts run before they set a search_path, so that another role's objects may run "
        "with a superuser's rights (GHSA-vgp2-jj5c-828m)",
    ),
    Fault((2, 26, 0), (2, 26, 4), "merging compressed chunks may damage their rows"),
    Fault(
        (2, 29, 0),
        (2, 29, 1),
        "roles may call functions on chunks that are not theirs (GHSA-hcfx-29v5-2rcw)",
    ),
)


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version: ``2.28.3`` is ``(2, 28, 3)``, and so is ``2.28.3-dev``."""
    return tuple(int(part) for part in version.split("-")[0].split("."))


def fault_warning(version: str) -> str | None:
    """What is wrong with this version of TimescaleDB and which one mends it, or None.

    A version that was never released (``-dev``) is somebody's own build. Nobody knows what is in
    it, and nothing is said of it.
    """
    if "-" in version:
        return None
    for fault in FAULTS:
        if fault.first <= release(version) < fault.mended:
            mended = ".".join(map(str, fault.mended))
            return (
                f"TimescaleDB {version} has a known fault: {fault.what}; install {mended} or "
                "newer, then ALTER EXTENSION timescaledb UPDATE"
            )
    return None
