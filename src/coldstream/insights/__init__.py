"""What is known of a store at a glance, for people, programs and monitors: one reading of it.

Every figure comes from the ledger, from heads and from the server's statistics; no message is read.
So it costs the same with any number of messages.

- ``status``: the figures; ``reading``: how they are asked for
- ``findings``: what is wrong with them, worst first
- ``measured``: rates and ratios; ``advice``: what to set by them, and what that comes to
"""

from coldstream.insights.advice import (
    Advice,
    Machine,
    Prices,
    Rates,
    Setting,
    TierAdvice,
    advise,
)
from coldstream.insights.findings import Finding
from coldstream.insights.measured import Measured, read_measured
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
    "Advice",
    "ConsumerStatus",
    "Finding",
    "JobStatus",
    "LifecycleStatus",
    "Machine",
    "Measured",
    "Prices",
    "Rates",
    "ServerStatus",
    "Setting",
    "Status",
    "TierAdvice",
    "TierStatus",
    "advise",
    "read_measured",
    "read_status",
]
