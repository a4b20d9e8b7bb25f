"""What may be meant by a query that is still being typed: its last word to the end, and whole titles.

Titles are kept by the places of their words in the order of the alphabet (see lexicon.py), so that titles with a word
that begins with some letters are one run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.index.columns import TITLE
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import AUTHOR_SIGN, CATEGORY_SIGN, category_name
from recommender.search.lexicon import Lexicon, Span
from recommender.search.query import Field, field_called, parse
from recommender.text import fold, words
from recommender.values import Completion

_LONGEST = 300
"""Characters of a query that are read, from its end; no title is longer."""
_MOST_UPVOTES = (1 << 15) - 1
_LAST_WORD = re.compile(r"""(?P<without>(?<!\S)-)?(?:(?P<name>[A-Za-z]+):"?)?(?P<typed>[^\s":]*)\Z""")
_SIGNS = {Field.CATEGORY: CATEGORY_SIGN, Field.AUTHOR: AUTHOR_SIGN}

Places = NDArray[np.int32]


class Completer:
    """Completion over one snapshot."""

    def __init__(self, snapshot: Snapshot, lexicon: Lexicon) -> None:
        self._snapshot = snapshot
        self._lexicon = lexicon

    @cached_property
    def _titles(self) -> _Titles:
        return _Titles(self._snapshot, self._lexicon)

    def complete(self, text: str, most_words: int, most_papers: int) -> Completion:
        """The text with its last word completed by those most frequent in titles that have the other words, or, where
        there are none, anywhere; and the papers whose titles have all the words, best first (see `_Titles.best`)."""
        match = _LAST_WORD.search(text, max(0, len(text) - _LONGEST))
        assert match is not None, "the pattern also matches nothing at all"
        typed, field = match["typed"], field_called(match["name"])
        if field in _SIGNS:
            places = self._lexicon.frequent(_SIGNS[field] + fold(typed), most_words)
            named = category_name if field is Field.CATEGORY else str
            start = text[: len(text) - len(typed)]
            return Completion(tuple(start + named(self._lexicon.word(place)[1:]) for place in places))
        groups = parse(text[max(0, len(text) - _LONGEST) : match.start()]).groups
        whole = [w for group in groups for c in group if c.field in (Field.ANY, Field.TITLE) for w in c.words]
        *more, last = words(typed) or [""]
        spans = [self._lexicon.span(word) for word in (*whole, *more)]
        if not last and not spans:
            return Completion()
        spans += [self._lexicon.beginning(last)] if last else []
        papers, counts = self._titles.having(spans)
        with_others = self._lexicon.best(spans[-1], counts, most_words + 1) if last and len(spans) > 1 else []
        places = with_others or (self._lexicon.frequent(last, most_words + 1) if last else [])
        texts = [word for word in map(self._lexicon.word, places) if word != last][:most_words]
        start = text[: len(text) - (len(last) if typed.casefold().endswith(last) else len(typed))]
        best = self._titles.best(papers, spans, 0 if match["without"] else most_papers)
        return Completion(tuple(start + word for word in texts), tuple(map(self._snapshot.id_of, best.tolist())))


class _Titles:
    """The titles of all papers, each word by its place in the lexicon: in their order, and sorted by place."""

    def __init__(self, snapshot: Snapshot, lexicon: Lexicon) -> None:
        self._papers = snapshot.alive
        tokens, owners = snapshot.tokens(self._papers, TITLE, TITLE)
        self._places: Places = lexicon.places[tokens]
        self._starts = np.searchsorted(owners, np.arange(len(self._papers) + 1))
        order = np.argsort(self._places, kind="stable")
        self._sorted: Places = self._places[order]
        self._owners: Places = owners[order].astype(np.int32)
        upvotes = np.clip(snapshot.upvotes[self._papers], 0, _MOST_UPVOTES).astype(np.int64)
        published = snapshot.published[self._papers].astype(np.int64)
        chance = (snapshot.keys[self._papers] >> np.uint64(37)).astype(np.int64)
        self._worth = upvotes << 47 | published << 27 | chance

    def having(self, spans: Sequence[Span]) -> tuple[Rows, NDArray[np.int64]]:
        """The titles that have a word of every span, and how often they have each word of the last."""
        has = np.ones(len(self._papers), bool)
        for span in spans[:-1]:
            among = np.zeros(len(has), bool)
            among[self._owners[self._run(span)]] = True
            has &= among
        run = self._run(spans[-1])
        kept = has[self._owners[run]]
        low, high = spans[-1]
        counts = np.bincount(self._sorted[run][kept] - low, minlength=high - low)
        last = np.zeros(len(has), bool)
        last[self._owners[run][kept]] = True
        return np.flatnonzero(last), counts

    def best(self, titles: Rows, spans: Sequence[Span], most: int) -> Rows:
        """The papers of these titles: first those that begin with the words as typed, then the most upvoted, then the
        newest."""
        begins = np.ones(len(titles), bool)
        at, ends = self._starts[titles], self._starts[titles + 1]
        for low, high in spans:
            places = self._places[np.minimum(at, len(self._places) - 1)]
            begins &= (at < ends) & (places >= low) & (places < high)
            at = at + 1
        worth = self._worth[titles] + (begins.astype(np.int64) << 62)
        if len(worth) > most:
            top = np.argpartition(-worth, most)[:most]
            titles, worth = titles[top], worth[top]
        return self._papers[titles[np.argsort(-worth)]]

    def _run(self, span: Span) -> slice:
        return slice(*np.searchsorted(self._sorted, span).tolist())
