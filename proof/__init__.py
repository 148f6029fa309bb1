"""Harnesses that prove what Coldstream promises, by trying to break it. Not part of the package."""
