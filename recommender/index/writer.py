"""The index that papers are added to: in memory, or in a folder that other processes read meanwhile."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import RLock
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from recommender.errors import CorruptIndexError
from recommender.index import storage
from recommender.index.columns import ABSTRACT, DELETED, EMPTY, FIELDS, TITLE, Columns
from recommender.index.postings import MAX_PAPERS, Block, derive, mean_lengths
from recommender.index.snapshot import Snapshot, day_number, key_of
from recommender.index.vocabulary import AUTHOR_SIGN, Vocabulary, categories_of
from recommender.index.word_vectors import MAX_TRAINING_WORDS, NO_VECTORS, WordVectors, train
from recommender.paper import Paper
from recommender.text import names, words

MOST_TOKENS = 20_000
"""The most words of one field that are indexed."""
_AT_ONCE = 1_000
"""Papers that are looked up together."""
_MERGE_AT = 8
"""The number of blocks of similar size that are merged."""
_SMALL = 1_000
_REWRITE_SHARE = 0.3
"""The share of deleted rows from which on all rows are written anew."""
_PATIENCE = 5.0
_RETRAIN_AT, _RETRAIN_LARGE_AT, _LARGE = 1.5, 2.0, 10_000
"""Growth of the index since its word vectors were trained, after which they are trained again. Training a large index
takes seconds, and its vectors change less."""


class Index:
    """An index that papers are added to. Readers take its `snapshot`, which is replaced at each commit."""

    def __init__(self, folder: Path | None = None, patience: float = _PATIENCE) -> None:
        self.snapshot = Snapshot(Vocabulary())
        self._folder = folder
        self._patience = patience
        self._writing = RLock()
        self._manifest_version: tuple[int, int, int] | None = None
        self._manifest = storage.Manifest(lineage=uuid4().hex)
        self._damaged: set[str] = set()  # the files whose postings were derived again
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            if storage.read_manifest(folder) is None:
                with storage.write_lock(folder, patience):
                    if storage.read_manifest(folder) is None:
                        storage.write_manifest(folder, self._manifest)
            self.refresh()

    def refresh(self) -> bool:
        """Load the commits of other processes. True if there were any; cheap if not."""
        if self._folder is None or storage.manifest_version(self._folder) == self._manifest_version:
            return False
        with self._writing:
            for _ in range(10):  # a writer may delete a file between reading its name and opening it
                manifest_version = storage.manifest_version(self._folder)
                manifest = storage.read_manifest(self._folder)
                if manifest is None:
                    raise CorruptIndexError(self._folder, f"{storage.MANIFEST} is missing")
                try:
                    self._load(self._folder, manifest, manifest_version)
                except FileNotFoundError as missing:
                    problem = f"{Path(missing.filename).name} is missing"
                    continue
                return True
            raise CorruptIndexError(self._folder, problem)

    def add(self, papers: Iterable[Paper], marker: str | None = None) -> None:
        """Commit papers, those already known replaced, and the marker with them: all of it, or on any error nothing.
        A paper that is known with the same words and day gets its new upvotes and no other row."""
        papers = iter(papers)
        with self._transaction() as before:
            batch = _Batch(before)
            while some := list(islice(papers, _AT_ONCE)):
                batch.add(some)
            self._commit(batch.columns(), batch.upvotes(), marker if marker is not None else before.marker)

    def discard(self, paper_ids: Iterable[str]) -> None:
        """Forget papers; ids that are not in the index are ignored."""
        keys = np.array([key_of(paper_id) for paper_id in paper_ids], np.uint64)
        with self._transaction() as before:
            numbers, upvotes = before.find_keys(keys), before.upvotes.copy()
            upvotes[numbers[numbers >= 0]] = DELETED
            self._commit(EMPTY, upvotes, before.marker)

    @contextmanager
    def _transaction(self) -> Iterator[Snapshot]:
        with self._writing, storage.write_lock(self._folder, self._patience) if self._folder else nullcontext():
            self.refresh()
            before = self.snapshot
            try:
                yield before
            except BaseException:
                before.vocabulary.truncate(before.words)
                raise

    def _commit(self, more: Columns, upvotes: NDArray[np.int32], marker: str | None) -> None:
        before, manifest = self.snapshot, self._manifest
        columns, blocks = before.columns, before.blocks
        alive = upvotes != DELETED
        if len(upvotes) - alive.sum() > _REWRITE_SHARE * len(upvotes):
            more, upvotes = columns.followed_by(more).only(np.flatnonzero(alive)), upvotes[alive]
            columns, blocks = EMPTY, ()
            manifest = storage.Manifest(uuid4().hex, manifest.commit, vectors=manifest.vectors)
        if self._folder is None:
            columns = columns.followed_by(more)
        else:
            longer = storage.append_columns(self._folder, manifest, more)
            columns, manifest = storage.map_columns(self._folder, longer, manifest, columns), longer
        snapshot = Snapshot(before.vocabulary, columns, _derived(columns, blocks), upvotes, marker, before.word_vectors)
        if _has_outgrown(snapshot):
            snapshot = replace(snapshot, word_vectors=_trained(snapshot))
        if self._folder is not None:
            self._save(self._folder, manifest, snapshot)
        self.snapshot = snapshot

    def _save(self, folder: Path, manifest: storage.Manifest, snapshot: Snapshot) -> None:
        """Commit a snapshot whose columns are written, and which the manifest has the lengths of."""
        commit, before = manifest.commit + 1, self._manifest
        written = {id(block): entry for block, entry in zip(self.snapshot.blocks, before.blocks, strict=True)}
        sound = (written.get(id(block)) for block in snapshot.blocks)
        entries = [
            entry if entry and entry.file.name not in self._damaged else storage.write_block(folder, commit, block)
            for block, entry in zip(snapshot.blocks, sound, strict=True)
        ]
        vectors = manifest.vectors
        if snapshot.word_vectors is not self.snapshot.word_vectors:
            vectors = storage.write_vectors(folder, commit, snapshot.word_vectors)
        manifest = storage.Manifest(
            manifest.lineage,
            commit,
            snapshot.marker,
            manifest.columns,
            tuple(entries),
            storage.pack(snapshot.upvotes),
            vectors,
            snapshot.word_vectors.papers,
        )
        storage.write_manifest(folder, manifest)
        self._manifest, self._manifest_version = manifest, storage.manifest_version(folder)
        storage.remove_orphans(folder, manifest)

    def _load(self, folder: Path, manifest: storage.Manifest, version: tuple[int, int, int] | None) -> None:
        before, loaded = self._manifest, self.snapshot
        if manifest.lineage != before.lineage or manifest.commit < before.commit:
            before, loaded = storage.Manifest(manifest.lineage), Snapshot(Vocabulary())
        columns = storage.map_columns(folder, manifest, before, loaded.columns)
        known = {(block.start, block.stop, block.means): block for block in loaded.blocks}
        blocks = []
        for entry in manifest.blocks:
            block = known.get((entry.start, entry.stop, entry.means)) or storage.map_block(folder, entry)
            if block is None:
                if storage.manifest_version(folder) != version:
                    raise FileNotFoundError(2, "replaced by a later commit", entry.file.name)
                block = derive(columns, entry.start, entry.stop, entry.means)
                self._damaged.add(entry.file.name)
            blocks.append(block)
        word_vectors = loaded.word_vectors
        if manifest.vectors != before.vectors:
            word_vectors = (
                storage.map_vectors(folder, manifest.vectors, manifest.vectors_of) if manifest.vectors else NO_VECTORS
            )
        words, letters = loaded.words, len(loaded.columns.word_text)
        loaded.vocabulary.extend(columns.word_text[letters:], columns.stems[words:], columns.content_flags[words:])
        self.snapshot = Snapshot(
            loaded.vocabulary,
            columns,
            tuple(blocks),
            manifest.unpacked_upvotes,
            manifest.marker,
            word_vectors,
        )
        self._manifest, self._manifest_version = manifest, version


class _Batch:
    """The rows and words that a transaction adds, and what it changes in the rows before them."""

    def __init__(self, before: Snapshot) -> None:
        columns, self._before = before.columns, before
        self._first_letter, self._first_token = (
            int(b[-1]) if len(b) else 0 for b in (columns.id_bounds, columns.bounds)
        )
        start = () if len(columns.bounds) else (0,)
        self._ids, self._id_bounds = bytearray(), array("q", start)
        self._tokens, self._bounds = array("I"), array("q", start)
        self._keys, self._published = array("Q"), array("i")
        self._last: dict[int, tuple[int, int]] = {}
        """For each key the last row and its upvotes."""

    def add(self, papers: Sequence[Paper]) -> None:
        """Add each paper, or only its upvotes if the index has it with the same words and day."""
        keys = [key_of(paper.id) for paper in papers]
        known = self._before.find_keys(np.array(keys, np.uint64)).tolist()
        number = self._before.vocabulary.__getitem__
        for paper, key, row in zip(papers, keys, known, strict=True):
            start, bounds = len(self._tokens), []
            for field in (words(paper.title), words(paper.abstract), categories_of(paper), _authors(paper)):
                self._tokens.extend(map(number, field[:MOST_TOKENS]))
                bounds.append(self._first_token + len(self._tokens))
            published, upvotes = day_number(paper.published), min(max(paper.upvotes, 0), 2**31 - 1)
            if row >= 0 and published == self._before.published[row] and self._is_same(row, start, bounds):
                del self._tokens[start:]
                self._last[key] = row, upvotes
                continue
            self._last[key] = self._before.size + len(self._keys), upvotes
            self._ids += paper.id.encode("utf-8", "surrogatepass")
            self._id_bounds.append(self._first_letter + len(self._ids))
            self._bounds.extend(bounds)
            self._keys.append(key)
            self._published.append(published)

    def _is_same(self, row: int, start: int, bounds: Sequence[int]) -> bool:
        """Whether a row has the words from `start` on, in fields with these bounds."""
        columns = self._before.columns
        own = columns.bounds[row * FIELDS : (row + 1) * FIELDS + 1]
        shift = self._first_token + start - int(own[0])
        tokens = columns.tokens[own[0] : own[-1]].tobytes()
        return (own[1:] + shift).tolist() == bounds and tokens == self._tokens[start:].tobytes()

    def columns(self) -> Columns:
        """The new rows and words."""
        return Columns(
            np.frombuffer(self._ids, np.uint8),
            np.asarray(self._id_bounds),
            np.asarray(self._keys),
            np.asarray(self._published),
            np.asarray(self._tokens),
            np.asarray(self._bounds),
            *self._before.vocabulary.since(self._before.words),
        )

    def upvotes(self) -> NDArray[np.int32]:
        """The upvotes of every row, the new ones included, DELETED for those that were replaced."""
        keys, last = np.asarray(self._keys), np.array(list(self._last.values()), np.int64).reshape(-1, 2)
        replaced = self._before.find_keys(keys)
        upvotes = np.concatenate([self._before.upvotes, np.full(len(keys), DELETED, np.int32)])
        upvotes[replaced[replaced >= 0]] = DELETED
        upvotes[last[:, 0]] = last[:, 1]
        return upvotes


def _has_outgrown(snapshot: Snapshot) -> bool:
    """Whether the index has grown too much for its word vectors."""
    trained_on = snapshot.word_vectors.papers
    return snapshot.live > (_RETRAIN_LARGE_AT if trained_on >= _LARGE else _RETRAIN_AT) * trained_on


def _trained(snapshot: Snapshot) -> WordVectors:
    papers = snapshot.sample(snapshot.live)
    starts, stops = snapshot.columns.spans(papers, TITLE, ABSTRACT)
    papers = papers[np.cumsum(stops - starts) <= MAX_TRAINING_WORDS]
    tokens, owners = snapshot.tokens(papers, TITLE, ABSTRACT)
    return train(tokens, owners, snapshot.content_flags, snapshot.live)


def _authors(paper: Paper) -> list[str]:
    return [AUTHOR_SIGN + name for author in paper.authors for name in names(author)]


def _derived(columns: Columns, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks of all rows, derived where there are none yet."""
    spans = [(block.start, block.stop) for block in blocks]
    first = spans[-1][1] if spans else 0
    spans += [(start, min(start + MAX_PAPERS, len(columns))) for start in range(first, len(columns), MAX_PAPERS)]
    known = {(block.start, block.stop): block for block in blocks}
    means = mean_lengths(columns)
    return tuple(known.get(span) or derive(columns, *span, means) for span in _merged(spans))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same rows in few spans: many small neighbours become one.

    Each paper is derived once for every time the index grows _MERGE_AT-fold (log-structured merge: O'Neil 1996)."""
    while spans:
        tiers = [math.floor(math.log(max(stop - start, _SMALL) / _SMALL, _MERGE_AT)) for start, stop in spans]
        first = len(spans)
        while first and tiers[first - 1] <= tiers[-1]:
            first -= 1
        if len(spans) - first < _MERGE_AT:
            break
        while spans[-1][1] - spans[first][0] > MAX_PAPERS:
            first += 1
        if first > len(spans) - 2:
            break
        spans[first:] = [(spans[first][0], spans[-1][1])]
    return spans
