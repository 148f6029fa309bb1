"""Fixtures by concern: tests/fix_*.py. Tests by reach: a folder each."""

import signal

pytest_plugins = [
    "tests.fix_cluster",
    "tests.fix_cli",
    "tests.fix_native",
    "tests.fix_s3",
    "tests.fix_store",
    "tests.fix_tiers",
]

# A job that a shell started in the background ignores Ctrl-C, and so would every program it starts:
# the tests that interrupt one would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
