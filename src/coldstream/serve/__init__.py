"""A server of the archive, which speaks PostgreSQL's protocol.

The database asks it for messages that have left (see ``sql/serve``), and people and tools ask it in
SQL. It holds no state but what it has read already: any number of them may run for one store.

- ``wire``: the messages of the protocol, as bytes
- ``scram``: passwords, as PostgreSQL keeps and checks them
- ``requests``, ``pages``: what the database asks for, and the messages that answer it
- ``sql``, ``values``: SQL over the archive, and its values as PostgreSQL writes them
- ``session``: one connection; ``server``: all of them; ``health``: what a monitor asks
- ``users``: who may connect; ``run``: the command
"""
