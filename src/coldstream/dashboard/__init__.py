"""A page on a store that stays open: tiers, streams, consumers and the lifecycle, in a browser.

It shows what :mod:`coldstream.insights` and the listings give, and works through the same calls as
every other program.

- ``access``: whom it answers, and what they may do; ``sessions``: who they are
- ``app``: the application, put together of a module a page
- ``run``: the server
"""
