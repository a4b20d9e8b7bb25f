"""Papers and words as columns that only grow: everything that an index keeps, and everything else is derived from it.

A paper is a row. It is kept as the ids of its words in order (title, abstract, categories, authors), which is enough to
search it and to give the learner its words and pairs of words. A paper that is added again with other words gets
another row, and its former row is marked as deleted in the upvotes, which are no column, because they change.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

DELETED = -1
"""The upvotes of a deleted paper."""
FIELDS = 4
TITLE, ABSTRACT, CATEGORIES, AUTHORS = range(FIELDS)

SUBJECT_WORD, EVERYDAY_WORD = 1, 2
"""Flags of content words. Only subject words form bigrams and are given as reasons."""
Bytes = NDArray[np.uint8]
UInts = NDArray[np.uint32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Columns:
    """The papers and the vocabulary.

    Field f of paper d is `tokens[bounds[FIELDS * d + f] : bounds[FIELDS * d + f + 1]]`. `keys` are hashes of the ids,
    `published` day numbers. For each word of the vocabulary, `word_text` holds its text and a line break, `stems` the
    word id of its stem, and `content_flags` SUBJECT_WORD or EVERYDAY_WORD for a content word, which the taste is
    learned from, and 0 for any other.
    """

    ids: Bytes
    id_bounds: Ints
    keys: NDArray[np.uint64]
    published: NDArray[np.int32]
    tokens: UInts
    bounds: Ints
    word_text: Bytes
    stems: UInts
    content_flags: Bytes

    def __len__(self) -> int:
        return len(self.keys)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every column by its name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def followed_by(self, more: Columns) -> Columns:
        """These columns with more rows and words behind them."""
        if self is EMPTY:
            return more
        added = more.arrays()
        return Columns(**{name: np.concatenate([own, added[name]]) for name, own in self.arrays().items()})

    def only(self, rows: Ints) -> Columns:
        """The columns of some rows alone. The vocabulary stays."""
        ids, id_bounds = _gather(self.ids, self.id_bounds, rows, 1)
        tokens, bounds = _gather(self.tokens, self.bounds, rows, FIELDS)
        keys, published = self.keys[rows], self.published[rows]
        return replace(self, ids=ids, id_bounds=id_bounds, keys=keys, published=published, tokens=tokens, bounds=bounds)

    def spans(self, rows: Ints, first: int, last: int) -> tuple[Ints, Ints]:
        """Where the fields `first`…`last` of some rows begin and end in `tokens`."""
        return self.bounds[rows * FIELDS + first], self.bounds[rows * FIELDS + last + 1]


EMPTY = Columns(
    ids=np.zeros(0, np.uint8),
    id_bounds=np.zeros(0, np.int64),
    keys=np.zeros(0, np.uint64),
    published=np.zeros(0, np.int32),
    tokens=np.zeros(0, np.uint32),
    bounds=np.zeros(0, np.int64),
    word_text=np.zeros(0, np.uint8),
    stems=np.zeros(0, np.uint32),
    content_flags=np.zeros(0, np.uint8),
)
"""No papers. The bounds are empty too; the 0 that they begin with comes with the first paper."""


def ranges(starts: Ints, stops: Ints) -> Ints:
    """The whole numbers of every range starts[i]…stops[i], one range after the other."""
    lengths = stops - starts
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    out: Ints = np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - lengths), lengths)
    return out


def _gather(flat: NDArray[Any], bounds: Ints, rows: Ints, width: int) -> tuple[NDArray[Any], Ints]:
    lengths = np.diff(bounds).reshape(-1, width)[rows].ravel()
    taken = flat[ranges(bounds[rows * width], bounds[rows * width + width])]
    return taken, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
