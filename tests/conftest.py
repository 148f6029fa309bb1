"""Fixtures by concern: tests/fix_*.py. Tests by reach: a folder each."""

pytest_plugins = [
    "tests.fix_cluster",
    "tests.fix_cli",
    "tests.fix_native",
    "tests.fix_s3",
    "tests.fix_store",
    "tests.fix_tiers",
]
