"""A query as it can be answered: what was probably meant, and what is said about the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

from recommender.index.snapshot import Snapshot
from recommender.index.vocabulary import category_name
from recommender.search.authors import LONGEST_NAME
from recommender.search.query import PROSE, Clause, Field, Query, loosened
from recommender.search.searcher import Searcher
from recommender.search.spelling import Spelling
from recommender.values import Remark, Trouble, Understood


class Mender:
    """Mends queries to one snapshot."""

    def __init__(self, snapshot: Snapshot, searcher: Searcher) -> None:
        self._searcher = searcher
        self._spelling = Spelling(snapshot)
        # Who searches also asks how the query was read.
        self.mend = lru_cache(maxsize=64)(self._mend)

    def _mend(self, query: Query) -> tuple[Query, Understood]:
        """The query to be searched for, and how it was read. A word or a name that stands in no paper is replaced by
        the one that was probably meant, the beginning of a name by the names that begin so; beside a word that hardly
        any paper has, the frequent one that it may be a slip of is searched for; a category that no paper has is left
        out, if anything else was asked for; a phrase that no paper has is read as its words."""
        remarks = list(query.remarks)
        wrong = {word: self._spelling.word(word) for word in _words(query) if not self._searcher.knows(word)}
        meant = [tuple(m for clause in group for m in self._meant(clause, wrong, remarks)) for group in query.groups]
        groups = tuple(group for group in meant if group) or query.groups
        fixed = {word: right for word, right in wrong.items() if right}
        # A rare word in prose is itself: nobody typed it just now. So is somebody's name.
        typed = query.words if len(query.words) <= PROSE else ()
        taken = (word for word in typed if word not in wrong and not self._searcher.knows_author(word))
        rare = {word: self._spelling.commoner(word) for word in taken}
        beside = {word: right for word, right in rare.items() if right}
        if fixed:  # whoever made one slip made the other too
            fixed, beside = fixed | beside, {}
        mended = replace(
            query,
            groups=tuple(_corrected(group, fixed) for group in groups),
            excluded=_corrected(query.excluded, fixed),
            words=tuple(_swapped(query.words, fixed)),
            meant=tuple(beside.items()),
        )
        phrases: tuple[str, ...] = ()
        if mended.phrases and not self._searcher.answers(mended):
            mended = loosened(mended)
            absent = [clause for clause in query.phrases if not self._searcher.satisfied(clause)]
            # Where every phrase is somewhere, they are at fault only if their words are found together.
            at_fault = absent or (query.phrases if self._searcher.answers(mended) else ())
            phrases = tuple(clause.text.strip('"') for clause in at_fault)
        suggestion = query.text
        for word, right in fixed.items():
            suggestion = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", right, suggestion, flags=re.IGNORECASE)
        understood = Understood(
            query.text,
            tuple(fixed.items()),
            tuple(dict.fromkeys(remarks)),
            suggestion if fixed else None,
            phrases,
            tuple(beside.items()),
        )
        return mended, understood

    def _meant(self, clause: Clause, wrong: dict[str, str | None], remarks: list[Remark]) -> list[Clause]:
        """The clauses of which one is to be satisfied in this one's place; slips in names go to `wrong`."""
        match clause.field:
            case Field.CATEGORY if not self._searcher.categories(clause.value):
                near = self._spelling.categories(clause.value)
                remarks.append(Remark(clause.text, Trouble.NO_CATEGORY, tuple(map(category_name, near))))
                return []
            case Field.ID if not self._searcher.satisfied(clause):
                remarks.append(Remark(clause.value, Trouble.NO_PAPER))
            case Field.AUTHOR if len("".join(clause.words)) < LONGEST_NAME and not self._searcher.satisfied(clause):
                return self._named(clause, wrong, remarks)
        return [clause]

    def _named(self, clause: Clause, wrong: dict[str, str | None], remarks: list[Remark]) -> list[Clause]:
        """Who may be meant by a name that no author has: those whose last name begins so, or one a slip away."""
        *first, last = clause.words
        begun = [replace(clause, words=(*first, name)) for name in self._spelling.names(last)]
        if there := [one for one in begun if self._searcher.satisfied(one)]:
            remarks.append(Remark(clause.text, Trouble.PART_OF_NAME, tuple(" ".join(one.words) for one in there)))
            return there
        unknown = [word for word in clause.words if not self._searcher.knows_author(word)]
        wrong.update((word, self._spelling.name(word)) for word in unknown)
        if not any(wrong[word] for word in unknown):
            remarks.append(Remark(clause.text, Trouble.NO_AUTHOR))
        return [clause]


def _words(query: Query) -> Iterable[str]:
    """The words that a query is ranked by, and those that are to be missing."""
    without = (word for clause in query.excluded if clause.field in (Field.ANY, Field.TITLE) for word in clause.words)
    return dict.fromkeys(chain(query.words, without))


def _corrected(clauses: Sequence[Clause], fixed: dict[str, str]) -> tuple[Clause, ...]:
    return tuple(
        clause if fixed.keys().isdisjoint(clause.words) else replace(clause, words=tuple(_swapped(clause.words, fixed)))
        for clause in clauses
    )


def _swapped(words: Sequence[str], fixed: dict[str, str]) -> Iterable[str]:
    return chain.from_iterable(fixed.get(word, word).split() for word in words)
