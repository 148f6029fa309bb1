"""The filters of a category, on whole batches: what does not match is never made into a message."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from coldstream.archive.read.filters import correlation_category, in_consumer_group

_PLAIN = re.compile(r"\w+", re.ASCII)


@dataclass(frozen=True)
class Matching:
    """Keeps of batches of archived rows what ``get_category_messages`` keeps of messages."""

    correlation: str | None = None
    consumer_group_member: int | None = None
    consumer_group_size: int | None = None

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.consumer_group_member is not None and self.consumer_group_size is not None:
            ours = partial(
                in_consumer_group, member=self.consumer_group_member, size=self.consumer_group_size
            )
            batch = _kept(batch, "stream_name", ours)
        if self.correlation is not None:
            # Parsing takes longer than all else, so first a look for what must be in the text. What
            # JSON might write in another way is not looked for.
            texts = ['"correlationStreamName"']
            if _PLAIN.fullmatch(self.correlation):
                texts.append(self.correlation)
            for text in texts:
                batch = batch.filter(pc.match_substring(batch["metadata"], text))
            batch = _kept(
                batch, "metadata", lambda text: correlation_category(text) == self.correlation
            )
        return batch


def _kept(batch: pa.RecordBatch, name: str, keep: Callable[[Any], bool]) -> pa.RecordBatch:
    """The rows whose text is kept; equal texts are looked at once."""
    texts = batch[name].dictionary_encode()
    kept = pa.array([keep(text) for text in texts.dictionary.to_pylist()], pa.bool_())
    return batch.filter(kept.take(texts.indices))
