"""Messages: the ground floor. It knows no database, and everything stands on it.

``names``: names of streams and their parts. ``json``: JSON without loss. ``message``: a message,
and where it was written. ``payloads``: messages as instances of classes. ``metadata``: what ties
messages together.
"""

from coldstream.messages.names import cardinal_id, category, is_category, stream_id

__all__ = ["cardinal_id", "category", "is_category", "stream_id"]
