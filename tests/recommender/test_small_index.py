"""The learner in small indexes, where the candidates are most of the index, or all of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recommender import Paper, Recommender
from tests.recommender.papers import NOW, library, made, votes


def rank_subjects(engine: Recommender, liked: list[str], papers: list[Paper]) -> list[str]:
    """The subject of each paper that is not liked, best first. All of these are candidates."""
    candidates = [paper.id for paper in papers if paper.id not in liked]
    ranking = engine.rank(votes(*liked), candidates, now=NOW)
    assert all(math.isfinite(ranked.score) for ranked in ranking)
    return [ranked.paper_id.split("-")[0] for ranked in ranking]


def built(papers: list[Paper]) -> Recommender:
    engine = Recommender()
    engine.add(papers)
    return engine


@pytest.mark.parametrize("size", [8, 50, 500])
@pytest.mark.parametrize("likes", [1, 2, 10])
def test_a_liked_subject_leads_when_the_candidates_are_all_of_the_index(size: int, likes: int) -> None:
    papers = library(size // 4)
    liked = [paper.id for paper in papers if paper.id.startswith("physics")][: min(likes, size // 8)]
    subjects = rank_subjects(built(papers), liked, papers)
    rest = subjects.count("physics")
    assert subjects[:rest].count("physics") >= 0.8 * rest


def test_a_liked_subject_leads_in_an_index_of_five_papers() -> None:
    papers = [*library(1), made("physics", 1)]
    assert rank_subjects(built(papers), ["physics-0"], papers)[0] == "physics"
    assert rank_subjects(built(papers), ["vision-0", "physics-0"], papers)[0] == "physics"


def test_the_rest_of_a_subject_leads_when_half_of_the_index_is_liked() -> None:
    papers = [made("physics", number) for number in range(20)] + [made("vision", number) for number in range(10)]
    liked = [f"physics-{number}" for number in range(15)]
    assert rank_subjects(built(papers), liked, papers)[:5] == ["physics"] * 5


def test_weights_stay_moderate_however_few_papers_are_left_as_background() -> None:
    papers = library(4)
    engine = built(papers)
    for likes in range(1, len(papers)):
        liked = [paper.id for paper in papers[:likes]]
        scores = [r.score for r in engine.rank(votes(*liked), [paper.id for paper in papers[likes:]], now=NOW)]
        assert np.ptp(scores) < 10


def test_a_taste_and_its_reasons_name_words_of_the_likes_in_an_index_of_thirty_papers() -> None:
    papers = library(8)[:30]
    engine, feedback = built(papers), votes("physics-1", "physics-2", "vision-3", value=1.0)
    candidates = [paper.id for paper in papers if paper.id not in {"physics-1", "physics-2", "vision-3"}]
    picks = engine.pick(feedback, candidates, 4, now=NOW, seed=1)
    texts = {paper.id: f"{paper.title} {paper.abstract}".lower() for paper in papers}
    for pick in picks:
        for reason in pick.reasons:
            assert all(part in texts[pick.paper_id] for word in reason.words for part in word.split())
            assert reason.because in {"physics-1", "physics-2", "vision-3", None}
    assert any(pick.reasons for pick in picks)
    likes = " ".join(texts[vote.paper_id] for vote in feedback)
    taste = engine.taste(feedback, now=NOW)
    assert taste.liked
    assert all(part in likes for word in taste.liked for part in word.text.split())


def test_one_subject_alone_is_ranked_by_what_its_papers_share() -> None:
    papers = [
        made("physics", 0, id=f"{kind}-{number}", title=f"{detail} study{number}")
        for number in range(15)
        for kind, detail in (("laser", "Laser cooling of atoms"), ("phonon", "Phonon transport in crystals"))
    ]
    assert rank_subjects(built(papers), ["phonon-3", "phonon-4"], papers)[:8] == ["phonon"] * 8


def test_papers_without_dates_categories_and_authors_are_learned_from() -> None:
    papers = [Paper(id=paper.id, title=paper.title, abstract=paper.abstract) for paper in library(10)]
    subjects = rank_subjects(built(papers), ["language-1", "language-4"], papers)
    assert set(subjects[:6]) == {"language"}


def test_titles_alone_are_learned_from() -> None:
    papers = [Paper(id=paper.id, title=paper.abstract) for paper in library(10)]
    assert rank_subjects(built(papers), ["vision-1", "vision-2"], papers)[0] == "vision"


@pytest.mark.parametrize(
    ("subject", "other"),
    [
        ("Квантовая запутанность решётки и спиновые магниты", "Сегментация изображений свёрточными сетями"),
        ("量子 纠缠 晶格 自旋 磁体", "图像 分割 卷积 像素 相机"),
        ("Verschränkung von Quanten im Gitter", "Zerlegung von Bildern durch Faltung"),
    ],
)
def test_papers_in_other_languages_are_learned_from(subject: str, other: str) -> None:
    words = {"subject": subject.split(), "other": other.split()}
    papers = [
        Paper(id=f"{kind}-{number}", title=" ".join(text[number % 3 :] + text[: number % 3]))
        for kind, text in words.items()
        for number in range(10)
    ]
    assert set(rank_subjects(built(papers), ["subject-1"], papers)[:9]) == {"subject"}


@pytest.mark.parametrize("each", [2, 12, 125])
def test_after_one_dislike_alone_its_subject_comes_last(each: int) -> None:
    papers = library(each)
    engine = built(papers)
    candidates = [paper.id for paper in papers if paper.id != "vision-0"]
    ranking = engine.rank(votes("vision-0", value=-1.0), candidates, now=NOW)
    last = [ranked.paper_id.split("-")[0] for ranked in ranking[-max(each // 2, 1) :]]
    assert set(last) == {"vision"}


def test_an_index_that_holds_only_the_likes_and_one_candidate_still_picks_it() -> None:
    papers = library(2)
    engine = built(papers)
    liked = [paper.id for paper in papers[:-1]]
    picks = engine.pick(votes(*liked), [papers[-1].id], 5, now=NOW)
    assert [pick.paper_id for pick in picks] == [papers[-1].id]
    assert 0 <= picks[0].percentile <= 1
