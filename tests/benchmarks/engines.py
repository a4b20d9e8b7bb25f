"""Search engines side by side: ours, FTS5 of SQLite, and tantivy, each asked for the same.

Every one keeps the papers' texts beside its index, finds papers that have any of the words in title or abstract, and
shows where in the abstract they stand.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import tantivy

from recommender import Paper, Recommender, snippet

Answer = tuple[str, str]
"""A paper's id, and the part of its abstract that is shown."""
_AT_ONCE = 3_000
_SNIPPET_WORDS, _SNIPPET_LETTERS = 40, 240
_TITLES = 20


class Engine(Protocol):
    """An index in a folder."""

    def add(self, papers: Iterable[Paper]) -> None:
        """Index papers, and make them findable and safe on disk."""

    def count(self) -> int:
        """How many papers there are."""

    def find(self, text: str, limit: int) -> list[str]:
        """The ids of the best papers."""

    def answer(self, text: str, limit: int) -> list[Answer]:
        """The best papers, each with a snippet."""

    def complete(self, text: str) -> Sequence[str]:
        """The ids of papers that are titled as somebody began to type."""


class Ours:
    """The recommender's index, with the abstracts in SQLite as in the bot's store."""

    def __init__(self, folder: Path) -> None:
        self.engine = Recommender.open(folder / "index")
        self._texts = sqlite3.connect(folder / "texts.sqlite")
        self._texts.execute("CREATE TABLE IF NOT EXISTS papers (id TEXT PRIMARY KEY, title TEXT, abstract TEXT)")

    def add(self, papers: Iterable[Paper]) -> None:
        rest = iter(papers)
        while some := list(islice(rest, _AT_ONCE)):
            rows = [(paper.id, paper.title, paper.abstract) for paper in some]
            with self._texts:
                self._texts.executemany("INSERT OR REPLACE INTO papers VALUES (?, ?, ?)", rows)
            self.engine.add(some)

    def count(self) -> int:
        return len(self.engine)

    def find(self, text: str, limit: int) -> list[str]:
        return [hit.paper_id for hit in self.engine.search(text, limit)]

    def answer(self, text: str, limit: int) -> list[Answer]:
        self.engine.interpret(text)
        found = self.find(text, limit)
        marks = ",".join("?" * len(found))
        rows = self._texts.execute(f"SELECT id, abstract FROM papers WHERE id IN ({marks})", found)
        abstracts = dict(rows.fetchall())
        return [(paper_id, snippet(text, abstracts[paper_id], _SNIPPET_LETTERS)) for paper_id in found]

    def complete(self, text: str) -> Sequence[str]:
        return self.engine.complete(text, papers=_TITLES).paper_ids


class Fts5:
    """SQLite's full-text search: any of the words, BM25 with the title four times as heavy."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / "fts5.sqlite")
        self._db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS t USING fts5"
            "(id UNINDEXED, title, abstract, tokenize = 'porter unicode61', prefix = '2 3')"
        )
        # Only a query that is sorted by `rank` makes snippets for no more than what is shown.
        self._db.execute("INSERT INTO t (t, rank) VALUES ('rank', 'bm25(0, 4, 1)')")
        self._db.commit()

    def add(self, papers: Iterable[Paper]) -> None:
        with self._db:
            rows = ((paper.id, paper.title, paper.abstract) for paper in papers)
            self._db.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)

    def count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM t").fetchone()[0])

    def find(self, text: str, limit: int) -> list[str]:
        return [paper_id for paper_id, _ in self._found("id, ''", _any(text), limit)]

    def answer(self, text: str, limit: int) -> list[Answer]:
        return self._found(f"id, snippet(t, 2, '', '', '…', {_SNIPPET_WORDS})", _any(text), limit)

    def complete(self, text: str) -> Sequence[str]:
        wanted = " ".join(f'"{word}"' for word in _words(text))
        return [paper_id for paper_id, _ in self._found("id, title", f"title : {wanted}*", _TITLES)] if wanted else []

    def _found(self, columns: str, wanted: str, limit: int) -> list[Answer]:
        if not wanted:
            return []
        query = f"SELECT {columns} FROM t WHERE t MATCH ? ORDER BY rank LIMIT ?"
        return self._db.execute(query, (wanted, limit)).fetchall()


class Tantivy:
    """tantivy: any of the words, BM25 of title and abstract added up; every greater weight of the title did worse."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw")
        schema.add_text_field("title", stored=True, tokenizer_name="en_stem")
        schema.add_text_field("abstract", stored=True, tokenizer_name="en_stem")
        schema.add_text_field("begun", tokenizer_name="default")  # a stem is not how a word begins
        self._schema = schema.build()
        self._index = tantivy.Index(self._schema, str(folder))
        self._searcher = self._index.searcher()

    def add(self, papers: Iterable[Paper]) -> None:
        writer = self._index.writer()
        for paper in papers:
            title = paper.title
            writer.add_document(tantivy.Document(id=paper.id, title=title, abstract=paper.abstract, begun=title))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def count(self) -> int:
        return self._searcher.num_docs

    def find(self, text: str, limit: int) -> list[str]:
        return [paper_id for paper_id, _ in self._found(self._any(text), limit)]

    def answer(self, text: str, limit: int) -> list[Answer]:
        query = self._any(text)
        shown = tantivy.SnippetGenerator.create(self._searcher, query, self._schema, "abstract")
        shown.set_max_num_chars(_SNIPPET_LETTERS)
        found = self._found(query, limit)
        return [(paper_id, shown.snippet_from_doc(document).fragment()) for paper_id, document in found]

    def complete(self, text: str) -> Sequence[str]:
        words = _words(text)
        if len(words) > 1:
            query = tantivy.Query.phrase_prefix_query(self._schema, "begun", [*words])
        elif words:
            query = tantivy.Query.regex_query(self._schema, "begun", f"{words[0]}.*")
        else:
            return []
        return [paper_id for paper_id, _ in self._found(query, _TITLES)]

    def _any(self, text: str) -> tantivy.Query:
        return self._index.parse_query_lenient(
            " ".join(dict.fromkeys(_words(text))), ["title", "abstract"], {"title": 4.0}
        )[0]

    def _found(self, query: tantivy.Query, limit: int) -> list[tuple[str, tantivy.Document]]:
        hits = self._searcher.search(query, limit, count=False).hits
        documents = [self._searcher.doc(address) for _, address in hits]
        return [(str(document["id"][0]), document) for document in documents]


ENGINES: dict[str, type[Ours | Fts5 | Tantivy]] = {"ours": Ours, "FTS5": Fts5, "tantivy": Tantivy}


def _words(text: str) -> list[str]:
    """The words, without anything that would be an operator."""
    return re.findall(r"\w+", text.lower())


def _any(text: str) -> str:
    return " OR ".join(f'"{word}"' for word in dict.fromkeys(_words(text)))
