"""What is shown, and how: for people and, as JSON, for programs. The commands say what is asked.

- ``render``, ``human``, ``progress``: tables and JSON, numbers and times, how far something is
- ``chunks``, ``lifecycle``, ``consumers``, ``messages``, ``consumed``, ``results``: a view of each
"""
