"""The kinds of file that an archive has. Without a library, for those who only ask which."""

from __future__ import annotations

from typing import Literal, TypeAlias

Format: TypeAlias = Literal["parquet", "csv"]
FORMATS: tuple[Format, ...] = ("parquet", "csv")
