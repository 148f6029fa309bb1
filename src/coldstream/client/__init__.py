"""The client: a core without I/O, a hand-written async store, a store generated from it."""
