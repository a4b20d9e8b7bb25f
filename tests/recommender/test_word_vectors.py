"""What words mean, and that it is kept with the index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recommender import Recommender
from recommender.index import word_vectors, writer
from recommender.index.columns import ABSTRACT, TITLE
from recommender.index.word_vectors import train
from recommender.index.writer import Index
from tests.recommender.papers import library, made, votes


def likeness(index: Index, one: str, other: str) -> float:
    """The cosine of two words' vectors."""
    snapshot, meaning = index.snapshot, index.snapshot.word_vectors
    places = np.searchsorted(meaning.words, snapshot.vocabulary.known([one, other]))
    first, second = meaning.vectors[places]
    return float(first @ second / np.sqrt((first @ first) * (second @ second)))


def test_words_that_keep_the_same_company_lie_near_each_other() -> None:
    index = Index()
    index.add(library(40))
    assert likeness(index, "pixels", "camera") > likeness(index, "pixels", "magnets") + 0.5


def test_a_liked_paper_speaks_for_one_that_says_the_same_in_other_words() -> None:
    engine = Recommender()
    engine.add(library(40))
    engine.add([made("vision", 900, title="Pixels", abstract="", categories=())])
    engine.add([made("vision", 901, title="Camera", abstract="", categories=())])
    engine.add([made("physics", 902, title="Magnets", abstract="", categories=())])
    best, _ = engine.rank(votes("vision-900"), ["vision-901", "physics-902"])
    assert best.paper_id == "vision-901"


def test_words_are_learned_anew_only_when_the_index_has_grown_by_half() -> None:
    index = Index()
    index.add(library(10))
    first = index.snapshot.word_vectors
    index.add([made("vision", 100 + n) for n in range(20)])
    assert index.snapshot.word_vectors is first
    index.add([made("vision", 200)])
    assert index.snapshot.word_vectors is not first
    assert index.snapshot.word_vectors.papers == 61


def test_training_reads_no_more_words_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, part = Index(), Index()
    whole.add(library(40))
    words = int(whole.snapshot.columns.bounds[-1])
    monkeypatch.setattr(writer, "MAX_TRAINING_WORDS", words // 2)
    part.add(library(40))
    vectors = part.snapshot.word_vectors
    assert vectors.papers == whole.snapshot.word_vectors.papers
    numbers = part.snapshot.sample(part.snapshot.live)
    lengths = np.cumsum(np.subtract(*part.snapshot.columns.spans(numbers, TITLE, ABSTRACT)[::-1]))
    read = numbers[lengths <= words // 2]
    assert 0 < len(read) < len(numbers)
    tokens, owners = part.snapshot.tokens(read, TITLE, ABSTRACT)
    alone = train(tokens, owners, part.snapshot.content_flags, vectors.papers)
    assert np.array_equal(vectors.vectors, alone.vectors)


def test_an_index_opened_again_knows_the_same_meanings(tmp_path: Path) -> None:
    kept = Index(tmp_path)
    kept.add(library(10))
    opened = Index(tmp_path)
    assert np.array_equal(opened.snapshot.word_vectors.vectors, kept.snapshot.word_vectors.vectors)
    kept.add(library(20))
    opened.refresh()
    assert opened.snapshot.word_vectors.papers == 80
    assert np.array_equal(opened.snapshot.word_vectors.vectors, kept.snapshot.word_vectors.vectors)
    assert len(list(tmp_path.glob("*.vectors"))) == 1


def test_the_same_papers_give_the_same_meanings() -> None:
    one, other = Index(), Index()
    one.add(library(20))
    other.add(library(20))
    assert np.array_equal(one.snapshot.word_vectors.vectors, other.snapshot.word_vectors.vectors)


def test_nothing_to_read_has_no_meaning() -> None:
    nothing = train(np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, np.uint8), 0)
    assert len(nothing.words) == 0


def test_words_beyond_the_contexts_are_folded_in(monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index()
    index.add(library(40))
    every = index.snapshot.word_vectors
    monkeypatch.setattr(word_vectors, "CONTEXTS", 20)
    index = Index()
    index.add(library(40))
    folded = index.snapshot.word_vectors
    assert np.array_equal(folded.words, every.words)
    assert folded.vectors.shape == (len(every.words), 2)
    assert likeness(index, "pixels", "camera") > likeness(index, "pixels", "magnets") + 0.5


def test_the_vectors_of_frequent_words_multiply_to_their_mutual_information() -> None:
    rng = np.random.default_rng(0)
    presence = rng.random((200, 40)) < np.where(np.arange(40) // 20 == rng.integers(0, 2, 200)[:, None], 0.4, 0.05)
    owners, tokens = np.nonzero(presence)
    meaning = train(tokens.astype(np.uint32), owners, np.ones(40, np.uint8), 200)
    df, together = presence.sum(axis=0), (presence.T.astype(float) @ presence).clip(1e-9)
    ppmi = np.log(np.maximum(200 * together / np.outer(df, df), 1))
    np.fill_diagonal(ppmi, 0)
    values, vectors = np.linalg.eigh(ppmi)
    best = np.argsort(-np.abs(values))[: meaning.vectors.shape[1]]
    reduced = (vectors[:, best] * np.abs(values[best])) @ vectors[:, best].T
    assert np.allclose(meaning.vectors @ meaning.vectors.T, reduced, atol=0.05)
