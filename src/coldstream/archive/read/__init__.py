"""Read: streams and categories over many files, and whole ranges again.

- ``reader``, ``files_in_order``, ``merge``, ``ordering``: messages, in the order asked for
- ``filters``, ``matching``: Message DB's filters, on one message and on batches
- ``verify``, ``restore``: files proved to be what was written, and the rows of a range
- ``manifest_again``: a manifest that was lost, from the files that it named
"""
