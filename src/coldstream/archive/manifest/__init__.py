"""Manifest: what a bucket says of itself.

- ``layout``: the names of its objects
- ``manifest``, ``strict_json``: what a range's files hold, as a text that is read without trust
- ``claims``, ``written``: which database writes here, and which ranges there must be
- ``commit``: what makes files the truth about their range
- ``inventory``, ``orphans``: the newest manifest of every range, and what none names
"""
