"""Engines: the archive for those who read it by themselves.

- ``query``, ``filesystem``: SQL with DuckDB, and the file system that it reads through
- ``iceberg``: an Apache Iceberg table of the same files
"""
