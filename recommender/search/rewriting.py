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
from recommender.search.lexicon import Lexicon
from recommender.search.query import PROSE, Clause, Field, Query, relax_phrases
from recommender.search.searcher import Searcher
from recommender.search.spelling import Spelling
from recommender.values import IssueKind, QueryInterpretation, QueryIssue


class QueryRewriter:
    """Rewrites queries for one snapshot: corrects words, names, categories and phrases that no paper has."""

    def __init__(self, snapshot: Snapshot, searcher: Searcher, lexicon: Lexicon) -> None:
        self._searcher = searcher
        self._spelling = Spelling(snapshot, lexicon)
        # A caller that searches also asks how the query was interpreted.
        self.rewrite = lru_cache(maxsize=64)(self._rewrite)

    def _rewrite(self, query: Query) -> tuple[Query, QueryInterpretation]:
        """(the query to search for, how it was interpreted).

        A word or name that no paper has is replaced by the most probable correction, and the beginning of a name by the
        names that begin with it. For a word that hardly any paper has, the frequent word that it may be a misspelling
        of is added. A category that no paper has is left out, if the query has anything else. A phrase that no paper
        has is read as its words.
        """
        issues = list(query.issues)
        numbered = self._numbered(query)
        unknown = [word for word in _words(query) if word not in numbered and not self._searcher.knows(word)]
        corrections = {word: self._spelling.word(word) for word in unknown}
        alternatives = [
            tuple(m for clause in group for m in self._alternatives(clause, corrections, issues))
            for group in query.groups
        ]
        groups = tuple(group for group in alternatives if group) or query.groups
        corrected = {word: correction for word, correction in corrections.items() if correction}
        # A rare word in prose or in a person's name is not taken for a misspelling.
        typed = query.words if len(query.words) <= PROSE else ()
        candidates = (word for word in typed if word not in corrections and word not in numbered)
        candidates = (word for word in candidates if not self._searcher.knows_author(word))
        frequent = {word: self._spelling.commoner(word) for word in candidates}
        added_terms = {word: correction for word, correction in frequent.items() if correction}
        if corrected:  # the query has misspellings, so a rare word in it is one as well
            corrected, added_terms = corrected | added_terms, {}
        rewritten = replace(
            query,
            groups=tuple(_corrected(group, corrected) for group in groups),
            excluded=_corrected(query.excluded, corrected),
            words=tuple(_swapped(query.words, corrected)),
            added_terms=tuple(added_terms.items()),
        )
        phrases: tuple[str, ...] = ()
        if rewritten.phrases and not self._searcher.answers(rewritten):
            rewritten = relax_phrases(rewritten)
            absent = [clause for clause in query.phrases if not self._searcher.satisfied(clause)]
            # If every phrase is in some paper, they are at fault only if their words are found together.
            at_fault = absent or (query.phrases if self._searcher.answers(rewritten) else ())
            phrases = tuple(clause.text.strip('"') for clause in at_fault)
        suggestion = query.text
        for word, correction in corrected.items():
            suggestion = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", correction, suggestion, flags=re.IGNORECASE)
        interpretation = QueryInterpretation(
            query.text,
            tuple(corrected.items()),
            tuple(dict.fromkeys(issues)),
            suggestion if corrected else None,
            phrases,
            tuple(added_terms.items()),
        )
        return rewritten, interpretation

    def _numbered(self, query: Query) -> set[str]:
        """The words of the names with numbers that some paper has: one that no paper writes as it is typed, but
        another way, is not misspelled."""
        return {
            word
            for group in query.groups
            if any(clause.variant and self._searcher.satisfied(clause) for clause in group)
            for clause in group
            if not clause.variant
            for word in clause.words
        }

    def _alternatives(
        self, clause: Clause, corrections: dict[str, str | None], issues: list[QueryIssue]
    ) -> list[Clause]:
        """The clauses of which a paper has to satisfy one in place of this clause. Corrections of names are added to
        `corrections`."""
        match clause.field:
            case Field.CATEGORY if not self._searcher.categories(clause.value):
                near = self._spelling.categories(clause.value)
                issues.append(QueryIssue(clause.text, IssueKind.NO_CATEGORY, tuple(map(category_name, near))))
                return []
            case Field.ID if not self._searcher.satisfied(clause):
                issues.append(QueryIssue(clause.value, IssueKind.NO_PAPER))
            case Field.AUTHOR if len("".join(clause.words)) < LONGEST_NAME and not self._searcher.satisfied(clause):
                return self._author_alternatives(clause, corrections, issues)
        return [clause]

    def _author_alternatives(
        self, clause: Clause, corrections: dict[str, str | None], issues: list[QueryIssue]
    ) -> list[Clause]:
        """The alternatives for a name that no author has: authors whose last name begins with it, or its correction."""
        *first, last = clause.words
        candidates = [replace(clause, words=(*first, name)) for name in self._spelling.names(last)]
        if matching := [candidate for candidate in candidates if self._searcher.satisfied(candidate)]:
            issues.append(
                QueryIssue(
                    clause.text, IssueKind.PART_OF_NAME, tuple(" ".join(candidate.words) for candidate in matching)
                )
            )
            return matching
        unknown = [word for word in clause.words if not self._searcher.knows_author(word)]
        corrections.update((word, self._spelling.name(word)) for word in unknown)
        if not any(corrections[word] for word in unknown):
            issues.append(QueryIssue(clause.text, IssueKind.NO_AUTHOR))
        return [clause]


def _words(query: Query) -> Iterable[str]:
    """The words that a query is ranked by, and the words that it excludes."""
    without = (word for clause in query.excluded if clause.field in (Field.ANY, Field.TITLE) for word in clause.words)
    return dict.fromkeys(chain(query.words, without))


def _corrected(clauses: Sequence[Clause], corrected: dict[str, str]) -> tuple[Clause, ...]:
    return tuple(
        clause
        if corrected.keys().isdisjoint(clause.words)
        else replace(clause, words=tuple(_swapped(clause.words, corrected)))
        for clause in clauses
    )


def _swapped(words: Sequence[str], corrected: dict[str, str]) -> Iterable[str]:
    return chain.from_iterable(corrected.get(word, word).split() for word in words)
