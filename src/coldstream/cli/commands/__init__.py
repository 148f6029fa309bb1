"""A module for each group of commands; importing it registers them on the application.

They are all imported for every run, ``--help`` too: what a command needs it imports in its body.
"""
