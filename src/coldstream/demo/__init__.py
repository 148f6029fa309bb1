"""The demo: real events, from write to archive and back.

- ``deliveries``: the events, from a package that is fetched at run time
- ``history``: ten weeks of them, planned and written
- ``proof``: fingerprints of what was sent and of what is read
- ``place``: the server, schema and folder it all happens in, and their removal
- ``chapters``, ``screen``, ``run``: what it does, how it speaks, one run of it
- ``command``: ``coldstream demo``, which the command line loads by its name
"""
