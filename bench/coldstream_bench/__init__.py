"""The benchmark: Coldstream against Message DB on plain PostgreSQL, on the same server, in one run.

- ``workload``: the messages, from a documented model or a sample of the user's own
- ``contenders``: the plain table, the store, and a hypertable without heads, in schemas
  of their own
- ``place``: where they are made, and that nothing of them is left
- ``measure``: rounds in which the contenders take turns; medians
- ``groups``: what is measured, a module for each part of the table
- ``result``: the figures, and the targets they are held to
- ``page``, ``plot``: the figures as HTML and SVG

- ``command``, ``run``, ``table``: ``coldstream bench``, which the command line loads where it finds
  this package; one run of it; and what it prints on a terminal
"""
