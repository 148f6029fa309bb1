"""Fixtures by concern: tests/fix_*.py. Tests by reach: unit, integration, compat, lifecycle, migration."""

pytest_plugins = ["tests.fix_native", "tests.fix_s3", "tests.fix_store"]
