"""Versions of TimescaleDB with known faults are warned of; the others are not."""

from __future__ import annotations

import pytest

from coldstream.migrations.versions import fault_warning, release


@pytest.mark.parametrize(
    ("version", "mended"),
    [
        ("2.13.0", "2.25.2"),
        ("2.25.1", "2.25.2"),
        ("2.26.0", "2.26.4"),
        ("2.26.3", "2.26.4"),
        ("2.29.0", "2.29.1"),
    ],
)
def test_a_version_with_a_known_fault_names_the_one_that_mends_it(version: str, mended: str):
    warning = fault_warning(version)
    assert warning is not None
    assert warning.startswith(f"TimescaleDB {version} has a known fault: ")
    assert f"install {mended} or newer" in warning


@pytest.mark.parametrize("version", ["2.25.2", "2.26.4", "2.28.3", "2.29.1", "3.0.0", "2.23.0-dev"])
def test_other_versions_are_not_warned_of(version: str):
    assert fault_warning(version) is None


def test_numbers_are_compared_and_not_texts():
    assert release("2.9.3") < release("2.13.0") < release("2.28.3-dev")
