"""A real S3 server for tests, and one with a proxy in front that breaks what passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from proof.fault_proxy import FaultProxy
from proof.s3_server import S3Server, s3_server

__all__ = ["S3Server", "fault_proxy", "s3"]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """One server for a file; give every test a prefix of its own. Not for the whole run: it is
    at work when nobody asks, too."""
    with s3_server() as server:
        yield server


@pytest.fixture(scope="module")
def fault_proxy(s3: S3Server) -> Iterator[FaultProxy]:
    """A proxy before it; the bucket, the credentials and the prefixes are the same."""
    with FaultProxy(s3.endpoint, stall=5) as proxy:
        yield proxy
