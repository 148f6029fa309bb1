"""What reads messages and acts on them.

Imports nothing by itself: the client uses the modules here that need no connection.
"""
