"""The behaviours of Message DB 1.3.0, one a test."""
