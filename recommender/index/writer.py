"""The index that papers are added to: in memory, or in a folder that other processes read meanwhile."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
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
from recommender.index.segment import (
    ABSTRACT,
    CATEGORIES,
    FIELDS,
    MAX_PAPERS,
    TITLE,
    Papers,
    Segment,
    Words,
    build,
    join,
    join_words,
)
from recommender.index.snapshot import Snapshot, day_number, key_of
from recommender.index.vocabulary import AUTHOR_SIGN, Vocabulary, categories_of
from recommender.index.word_vectors import MAX_VECTOR_PAPERS, NO_VECTORS, WordVectors, train
from recommender.paper import Paper
from recommender.text import names, words

MOST_TOKENS = 20_000
"""The most words of one field that are indexed."""
_MERGE_AT = 8
"""The number of segments of similar size that are merged."""
_SMALL = 1_000
_REWRITE_SHARE = 0.3
_PATIENCE = 5.0
_RETRAIN_AT = 1.5
"""Growth of the index since its word vectors were trained, after which they are trained again."""

Deleted = NDArray[np.bool_] | None
Part = tuple[Segment, Deleted]


class Index:
    """An index that papers are added to. Readers take its `snapshot`, which is replaced at each commit. Segments of
    similar size are merged, so that there are never many."""

    def __init__(self, folder: Path | None = None, patience: float = _PATIENCE) -> None:
        self.snapshot = Snapshot(Vocabulary())
        self._folder = folder
        self._patience = patience
        self._writing = RLock()
        self._manifest_version: tuple[int, int, int] | None = None
        self._manifest = storage.Manifest(lineage=uuid4().hex)
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
                    self._load(self._folder, manifest)
                except FileNotFoundError as missing:
                    problem = f"{Path(missing.filename).name} is missing"
                    continue
                self._manifest_version = manifest_version
                return True
            raise CorruptIndexError(self._folder, problem)

    def add(self, papers: Iterable[Paper], marker: str | None = None) -> None:
        """Commit papers, those already known replaced, and the marker with them: all of it, or on any error nothing."""
        with self._transaction() as (parts, vocabulary):
            for held, superseded in _read(papers, vocabulary):
                parts = [(segment, _mark_deleted(segment, deleted, held.keys)) for segment, deleted in parts]
                fresh = vocabulary.since(sum(len(segment.words.stems) for segment, _ in parts))
                alive = held if superseded is None else join([(held, superseded)])
                parts.append((_build(alive, fresh, parts), None))
            self._commit(parts, vocabulary, marker if marker is not None else self.snapshot.marker)

    def discard(self, paper_ids: Iterable[str]) -> None:
        """Forget papers; ids that are not in the index are ignored."""
        keys = np.array([key_of(paper_id) for paper_id in paper_ids], np.uint64)
        with self._transaction() as (parts, vocabulary):
            marked = [(segment, _mark_deleted(segment, deleted, keys)) for segment, deleted in parts]
            self._commit(marked, vocabulary, self.snapshot.marker)

    @contextmanager
    def _transaction(self) -> Iterator[tuple[list[Part], Vocabulary]]:
        with self._writing, storage.write_lock(self._folder, self._patience) if self._folder else nullcontext():
            self.refresh()
            before = self.snapshot
            try:
                yield list(zip(before.segments, before.deleted, strict=True)), before.vocabulary
            except BaseException:
                before.vocabulary.truncate(before.words)
                raise

    def _commit(self, parts: list[Part], vocabulary: Vocabulary, marker: str | None) -> None:
        parts = _merged(parts)
        snapshot = Snapshot(
            vocabulary,
            tuple(segment for segment, _ in parts),
            tuple(deleted for _, deleted in parts),
            sum(len(segment.words.stems) for segment, _ in parts),
            marker,
            self.snapshot.word_vectors,
        )
        if snapshot.live > _RETRAIN_AT * snapshot.word_vectors.papers:
            snapshot = replace(snapshot, word_vectors=_trained(snapshot))
        if self._folder is not None:
            self._save(self._folder, parts, marker, snapshot.word_vectors)
        self.snapshot = snapshot

    def _save(self, folder: Path, parts: list[Part], marker: str | None, word_vectors: WordVectors) -> None:
        commit = self._manifest.commit + 1
        written = {id(s): e.name for s, e in zip(self.snapshot.segments, self._manifest.segments, strict=True)}
        entries = []
        for number, (segment, deleted) in enumerate(parts):
            name = written.get(id(segment))
            if name is None:
                name = storage.segment_name(commit, number)
                storage.write_segment(folder, name, segment)
            entries.append(storage.SegmentEntry(name, len(segment), storage.pack_deleted(deleted)))
        vectors = self._manifest.vectors
        if word_vectors is not self.snapshot.word_vectors:
            vectors = storage.vectors_name(commit)
            storage.write_vectors(folder, vectors, word_vectors)
        manifest = storage.Manifest(
            self._manifest.lineage, commit, marker, tuple(entries), vectors, word_vectors.papers
        )
        storage.write_manifest(folder, manifest)
        self._manifest, self._manifest_version = manifest, storage.manifest_version(folder)
        storage.remove_orphans(folder, [*(entry.name for entry in entries), *([vectors] if vectors else [])])

    def _load(self, folder: Path, manifest: storage.Manifest) -> None:
        same = manifest.lineage == self._manifest.lineage
        loaded = (
            {e.name: s for s, e in zip(self.snapshot.segments, self._manifest.segments, strict=True)} if same else {}
        )
        vocabulary = self.snapshot.vocabulary if same else Vocabulary()
        segments = [loaded.get(entry.name) or storage.map_segment(folder, entry) for entry in manifest.segments]
        count = 0
        for segment in segments:
            vocabulary.extend(segment.words, known=max(0, len(vocabulary.words) - count))
            count += len(segment.words.stems)
        deleted = tuple(entry.deleted_rows for entry in manifest.segments)
        if same and manifest.vectors == self._manifest.vectors:
            word_vectors = self.snapshot.word_vectors
        else:
            word_vectors = (
                storage.map_vectors(folder, manifest.vectors, manifest.vectors_of) if manifest.vectors else NO_VECTORS
            )
        self.snapshot = Snapshot(vocabulary, tuple(segments), deleted, count, manifest.marker, word_vectors)
        self._manifest = manifest


def _read(papers: Iterable[Paper], vocabulary: Vocabulary) -> Iterator[tuple[Papers, Deleted]]:
    """The papers as columns, at most MAX_PAPERS at a time, and which of them came again later among these."""
    papers = iter(papers)
    while True:
        tokens, bounds = array("I"), array("q", [0])
        ids, id_bounds, published, upvotes = bytearray(), array("q", [0]), array("i"), array("i")
        keys = array("Q")
        for paper in islice(papers, MAX_PAPERS):
            for field in (words(paper.title), words(paper.abstract), categories_of(paper), _authors(paper)):
                tokens.extend(map(vocabulary.__getitem__, field[:MOST_TOKENS]))
                bounds.append(len(tokens))
            ids += paper.id.encode("utf-8", "surrogatepass")
            id_bounds.append(len(ids))
            published.append(day_number(paper.published))
            upvotes.append(min(max(paper.upvotes, 0), 2**31 - 1))
            keys.append(key_of(paper.id))
        if not keys:
            return
        held = Papers(
            ids=np.frombuffer(bytes(ids), np.uint8),
            id_bounds=np.array(id_bounds),
            keys=np.array(keys),
            published=np.array(published),
            upvotes=np.array(upvotes),
            tokens=np.array(tokens),
            bounds=np.array(bounds),
        )
        yield held, _superseded(held.keys)


def _trained(snapshot: Snapshot) -> WordVectors:
    tokens, owners = snapshot.tokens(snapshot.sample(MAX_VECTOR_PAPERS), TITLE, ABSTRACT)
    return train(tokens, owners, snapshot.content_flags, snapshot.live)


def _authors(paper: Paper) -> list[str]:
    return [AUTHOR_SIGN + name for author in paper.authors for name in names(author)]


def _superseded(keys: NDArray[np.uint64]) -> Deleted:
    order = np.argsort(keys, kind="stable")
    again = keys[order[:-1]] == keys[order[1:]]
    if not again.any():
        return None
    deleted = np.zeros(len(keys), bool)
    deleted[order[:-1][again]] = True
    return deleted


def _mark_deleted(segment: Segment, deleted: Deleted, keys: NDArray[np.uint64]) -> Deleted:
    """The deletion mask of a segment with the papers of `keys` marked as well."""
    if not len(segment) or not len(keys):
        return deleted
    gone = segment.key_rows[np.isin(segment.sorted_keys, keys)]
    if not len(gone):
        return deleted
    deleted = np.zeros(len(segment), bool) if deleted is None else deleted.copy()
    deleted[gone] = True
    return deleted


def _living(part: Part) -> int:
    segment, deleted = part
    return len(segment) - (0 if deleted is None else int(deleted.sum()))


def _merged(parts: list[Part]) -> list[Part]:
    """The same papers in few segments: many small neighbours become one, and one with many deleted is rewritten.

    Each paper is rewritten once for every time the index grows _MERGE_AT-fold (log-structured merge: O'Neil 1996)."""
    parts = list(parts)
    while len(run := _run(parts)) >= _MERGE_AT:
        fits = [n for n in range(len(run)) if sum(map(_living, run[n:])) <= MAX_PAPERS]
        if not fits or fits[0] > len(run) - 2:
            break
        run = run[fits[0] :]
        parts[-len(run) :] = [_rebuilt(run, parts)]
    return [
        part if len(part[0]) - _living(part) <= _REWRITE_SHARE * len(part[0]) else _rebuilt([part], parts)
        for part in parts
    ]


def _run(parts: list[Part]) -> list[Part]:
    """The segments at the end that are no larger than the last one's tier."""
    tiers = [math.floor(math.log(max(_living(part), _SMALL) / _SMALL, _MERGE_AT)) for part in parts]
    start = len(parts)
    while start and tiers[start - 1] <= tiers[-1]:
        start -= 1
    return parts[start:]


def _rebuilt(some: list[Part], everything: list[Part]) -> Part:
    papers = join([(segment.papers, deleted) for segment, deleted in some])
    return _build(papers, join_words([segment.words for segment, _ in some]), everything), None


def _build(papers: Papers, fresh: Words, others: list[Part]) -> Segment:
    """A segment that stands in an index beside the others, `fresh` being the words that it alone may bring."""
    titles = abstracts = count = 0
    for held in [papers, *(segment.papers for segment, _ in others)]:
        titles += int((held.bounds[ABSTRACT::FIELDS] - held.bounds[TITLE:-1:FIELDS]).sum())
        abstracts += int((held.bounds[CATEGORIES::FIELDS] - held.bounds[ABSTRACT::FIELDS]).sum())
        count += len(held)
    means = (titles / max(count, 1), abstracts / max(count, 1))
    vocabulary = join_words([*(segment.words for segment, _ in others), fresh])
    return build(papers, fresh, vocabulary.stems, vocabulary.content_flags, means)
