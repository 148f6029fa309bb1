"""Format: what an archived row is, and the two kinds of file that hold many.

- ``times``, ``rows``, ``digest``, ``summary``: a row, its canonical text, what is proved about many
- ``row_groups``: where a file's rows are cut
- ``parquet``, ``parquet_rows``, ``footers``, ``pages``: Parquet written, Parquet read, its footer,
  and what a page unpacks to
- ``csv``: CSV
"""
