"""What may be meant by a query that is still being typed: its last word to the end, and whole titles.

All words stand in the order of the alphabet, and titles are kept by the places of their words in it. So whatever begins
with some letters is one run, however few the letters are.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.index.columns import TITLE
from recommender.index.snapshot import Rows, Snapshot
from recommender.index.vocabulary import AUTHOR_SIGN, CATEGORY_SIGN, category_name
from recommender.search.query import Field, field_called, parse
from recommender.text import STOP_WORDS, fold, words
from recommender.values import Completion

_LONGEST = 300
"""Characters of a query that are read, from its end; no title is longer."""
_LARGE_INDEX = 1_000
_MOST_UPVOTES = (1 << 15) - 1
_LAST = "\U0010ffff"
_LAST_WORD = re.compile(r"""(?P<without>(?<!\S)-)?(?:(?P<name>[A-Za-z]+):"?)?(?P<typed>[^\s":]*)\Z""")
_SIGNS = {Field.CATEGORY: CATEGORY_SIGN, Field.AUTHOR: AUTHOR_SIGN}

Places = NDArray[np.int32]
Span = tuple[int, int]


class Completer:
    """Completion over one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._alphabet = _Alphabet(snapshot)

    @cached_property
    def _titles(self) -> _Titles:
        return _Titles(self._snapshot, self._alphabet)

    def complete(self, text: str, most_words: int, most_papers: int) -> Completion:
        """The text with its last word completed by those most frequent in titles that have the other words, or, where
        there are none, anywhere; and the papers whose titles have all the words, best first (see `_Titles.best`)."""
        match = _LAST_WORD.search(text, max(0, len(text) - _LONGEST))
        assert match is not None, "the pattern also matches nothing at all"
        typed, field = match["typed"], field_called(match["name"])
        if field in _SIGNS:
            places = self._alphabet.frequent(_SIGNS[field] + fold(typed), most_words)
            named = category_name if field is Field.CATEGORY else str
            start = text[: len(text) - len(typed)]
            return Completion(tuple(start + named(self._alphabet.word(place)[1:]) for place in places))
        groups = parse(text[max(0, len(text) - _LONGEST) : match.start()]).groups
        whole = [w for group in groups for c in group if c.field in (Field.ANY, Field.TITLE) for w in c.words]
        *more, last = words(typed) or [""]
        spans = [self._alphabet.span(word) for word in (*whole, *more)]
        if not last and not spans:
            return Completion()
        spans += [self._alphabet.beginning(last)] if last else []
        papers, counts = self._titles.having(spans)
        with_others = self._alphabet.best(spans[-1], counts, most_words + 1) if last and len(spans) > 1 else []
        places = with_others or (self._alphabet.frequent(last, most_words + 1) if last else [])
        texts = [word for word in map(self._alphabet.word, places) if word != last][:most_words]
        start = text[: len(text) - (len(last) if typed.casefold().endswith(last) else len(typed))]
        best = self._titles.best(papers, spans, 0 if match["without"] else most_papers)
        return Completion(tuple(start + word for word in texts), tuple(map(self._snapshot.id_of, best.tolist())))


class _Alphabet:
    """The vocabulary in the order of the alphabet, without accents; a place is a position in it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._words = snapshot.vocabulary.words[: snapshot.words]
        texts = [word if word.isascii() else fold(word) for word in self._words]
        self._order = sorted(range(len(texts)), key=texts.__getitem__)
        self._texts = [texts[number] for number in self._order]
        self.places = np.empty(len(texts), np.int32)
        self.places[self._order] = np.arange(len(texts), dtype=np.int32)
        papers = snapshot.word_df.astype(np.int64)
        # In a large index a word that a single paper has may be a slip.
        papers[papers < (2 if snapshot.live > _LARGE_INDEX else 1)] = 0
        # The vocabulary may have grown since.
        papers[[number for number in snapshot.vocabulary.known(STOP_WORDS) if number < len(papers)]] = 0
        self._papers = papers[self._order]
        for sign in _SIGNS.values():
            low, high = self.beginning(sign)
            self._papers[low:high] = snapshot.df[self._order[low:high]]

    def word(self, place: int) -> str:
        """The word at a place."""
        return self._words[self._order[place]]

    def span(self, word: str) -> Span:
        """The places of a word, with whatever accents."""
        text = fold(word)
        return bisect_left(self._texts, text), bisect_right(self._texts, text)

    def beginning(self, letters: str) -> Span:
        """The places of all that begins with these letters."""
        text = fold(letters)
        return bisect_left(self._texts, text), bisect_left(self._texts, text + _LAST)

    def frequent(self, letters: str, most: int) -> list[int]:
        """The places of the most frequent words that begin with these letters."""
        span = self.beginning(letters)
        return self.best(span, self._papers[slice(*span)], most)

    def best(self, span: Span, counts: NDArray[np.int64], most: int) -> list[int]:
        """The places in a span that count most, of those worth proposing."""
        counts = np.where(self._papers[slice(*span)] > 0, counts, 0)
        at = np.argpartition(-counts, most)[:most] if len(counts) > most else np.arange(len(counts))
        at = at[counts[at] > 0]
        best: list[int] = (span[0] + at[np.lexsort((at, -counts[at]))]).tolist()
        return best


class _Titles:
    """The titles of all papers, each word by its place in the alphabet: in their order, and sorted by place."""

    def __init__(self, snapshot: Snapshot, alphabet: _Alphabet) -> None:
        self._papers = snapshot.alive
        tokens, owners = snapshot.tokens(self._papers, TITLE, TITLE)
        self._places: Places = alphabet.places[tokens]
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
