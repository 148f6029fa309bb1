"""Storage: the bucket and its parts, and what stands between it and this machine.

- ``location``, ``urls``, ``several``: the object store behind a URL, which URLs may be one, and
  several of them as one
- ``faults``, ``retries``: what a store says when it fails, and trying again
- ``remote_file``, ``block_cache``, ``budget``: an object read in blocks, blocks on this machine's
  disk, and how much may be asked for at once
- ``folders``, ``spool``, ``sink``, ``memory``, ``ahead``: private folders, files that nothing
  leaves behind, a file that knows its hash, memory kept and given back, and work ahead of a reader
- ``progress``: how far something is
"""
