# Generated from src/coldstream/entities/_async/__init__.py by `python tools/async_to_sync.py`.
# Do not edit: change the source and run the command (or `make generate`) again.

