"""Spelling correction: the word, name or category that was probably meant by one that no paper has."""

from __future__ import annotations

from rapidfuzz.distance import OSA

from recommender.index.snapshot import Snapshot
from recommender.index.vocabulary import AUTHOR_SIGN, CATEGORY_SIGN
from recommender.search.lexicon import LONGEST, Lexicon
from recommender.text import stem

_SHORTEST_PART = 3
_MOST_NAMES = 20
_MOST_NEAR = 3
_RARE, _SHORTEST_RARE, _COMMONER = 3, 6, 100
"""A word that at most _RARE papers have, with at least _SHORTEST_RARE letters, may be a misspelling of a word that
_COMMONER times as many papers have."""


class Spelling:
    """Corrections from the words and names of the index."""

    def __init__(self, snapshot: Snapshot, lexicon: Lexicon) -> None:
        self._snapshot = snapshot
        self._lexicon = lexicon

    def word(self, word: str) -> str | None:
        """The probable correction of a word that no paper has: a near word, or two words written as one. A word with
        another number is no correction: YOLOv9 is not YOLOv8."""
        if len(word) > LONGEST:
            return None
        near = self._lexicon.nearest(word)
        return near if near and _digits(near) == _digits(word) else self._parts(word)

    def _parts(self, word: str) -> str | None:
        """The two words that a word consists of: the pair whose rarer word is the most frequent."""
        pairs = [(word[:at], word[at:]) for at in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)]
        best = max(((min(map(self._lexicon.papers, pair)), pair) for pair in pairs), default=(0, ("", "")))
        return " ".join(best[1]) if best[0] else None

    def commoner(self, word: str) -> str | None:
        """The possible correction of a word that hardly any paper has: a near word that very many papers have."""
        papers = self._papers(word)
        if not 0 < papers <= _RARE or len(word) < _SHORTEST_RARE or not word.isalpha():
            return None
        return self._lexicon.nearest(word, fewest=_COMMONER * papers)

    def _papers(self, word: str) -> int:
        term = self._snapshot.vocabulary.get(stem(word), -1)
        return int(self._snapshot.df[term]) if 0 <= term < self._snapshot.words else 0

    def name(self, word: str) -> str | None:
        """The probable correction of a name that no author has."""
        return self._lexicon.nearest(word, AUTHOR_SIGN)

    def names(self, letters: str) -> list[str]:
        """The names that begin with some letters, the most frequent first."""
        if len(letters) < _SHORTEST_PART:
            return []
        places = self._lexicon.frequent(AUTHOR_SIGN + letters, _MOST_NAMES)
        return [self._lexicon.word(place).removeprefix(AUTHOR_SIGN) for place in places]

    def categories(self, value: str) -> list[str]:
        """The categories nearest to an unknown one: those with its subject first, then those of its archive."""
        archive, subject = value.partition(".")[0] + ".", "." + value
        known = [self._snapshot.vocabulary.words[n].removeprefix(CATEGORY_SIGN) for n in self._snapshot.categories]

        def far(category: str) -> tuple[bool, bool, int, str]:
            distance = OSA.distance(value[:LONGEST], category)
            return not category.endswith(subject), not category.startswith(archive), distance, category

        return sorted(known, key=far)[:_MOST_NEAR]


def _digits(word: str) -> str:
    return "".join(filter(str.isdigit, word))
