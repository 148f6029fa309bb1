"""What may be wrong with a store, its server and its archive: each finding with what it is, why it
matters and what mends it.

- ``kind``: what a finding is, and the registry of all of them
- ``asked``: how the checks ask, and what they may not look at
- ``examine``: all checks; ``fix``: what is safe to mend
- a module a topic, which has the kinds of its findings and the checks that find them
"""

from coldstream.doctor.asked import Limits
from coldstream.doctor.examine import Examination, Unchecked, examine
from coldstream.doctor.fix import Fixed, fix
from coldstream.doctor.kind import Found, Kind, Level, kinds

__all__ = [
    "Examination",
    "Fixed",
    "Found",
    "Kind",
    "Level",
    "Limits",
    "Unchecked",
    "examine",
    "fix",
    "kinds",
]
