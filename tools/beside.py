"""Imported for what it does: the benchmark of this checkout is found, installed or not."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "bench"))
