"""Harnesses that prove what Coldstream promises, by trying to break it. Not part of the package.

Each is a program, ``python -m proof.NAME``:

- ``crashes``, ``concurrency``: a kill at every point of the lifecycle, and others at work meanwhile
- ``consumers``: consumers of which processes die
- ``damage``, ``faults``: archives with changed bits, and storage that fails
- ``model``, ``operator``: normal use at random; backups, copies, settings and hands
- ``move``: a store that moves to the other engine and back while programs write, and is killed
- ``restore_drill``: a store that is backed up, lost and brought back, with times
- ``readers``, ``spark``: what others read of the archive

What they share: ``cluster``, ``own_server``, ``s3_server``, ``fault_proxy``, ``crash_points``.
"""
