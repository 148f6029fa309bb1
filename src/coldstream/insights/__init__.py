"""What is known of a store at a glance, for people, programs and monitors: one reading of it.

Every figure comes from the ledger, from heads and from the server's statistics; no message is read.
So it costs the same with any number of messages.

- ``status``: the figures; ``reading``: how they are asked for
- ``findings``: what is wrong with them, worst first
"""

from coldstream.insights.findings import Finding
from coldstream.insights.reading import read_status
from coldstream.insights.status import (
    ConsumerStatus,
    JobStatus,
    LifecycleStatus,
    ServerStatus,
    Status,
    TierStatus,
)

__all__ = [
    "ConsumerStatus",
    "Finding",
    "JobStatus",
    "LifecycleStatus",
    "ServerStatus",
    "Status",
    "TierStatus",
    "read_status",
]
