"""Votes on words: what members say of the words themselves, beside their votes on papers."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Feedback, Recommender
from recommender.learning.labels import aggregate_labels
from recommender.learning.preferences import parse_word_votes
from tests.recommender.papers import NOW, library, votes

CANDIDATES = [paper.id for paper in library() if int(paper.id.split("-")[1]) >= 20]
LIKES = votes("federated-1", "federated-2", "federated-3")


def less(words: str, member: str = "ada", value: float = -1.0, days: float = 1.0) -> Feedback:
    return Feedback.on_words(words, value, NOW - timedelta(days=days), member)


def more(words: str, member: str = "ada") -> Feedback:
    return less(words, member, 1.0)


def places(engine: Recommender, feedback: list[Feedback], words: str) -> float:
    """The mean place of the candidates that have the words."""
    matching = {hit.paper_id for hit in engine.matching(words, CANDIDATES)}
    assert matching
    order = [one.paper_id for one in engine.rank(feedback, CANDIDATES, now=NOW)]
    return sum(order.index(i) for i in matching) / len(matching)


def test_less_of_a_word_ranks_what_has_it_down_and_more_up(engine: Recommender) -> None:
    for words in ("quantum", "clients", "cat:x.VI"):
        before = places(engine, LIKES, words)
        assert places(engine, [*LIKES, less(words)], words) > before, words
        assert places(engine, [*LIKES, more(words)], words) < before, words


def test_a_vote_on_words_no_paper_has_changes_no_order(engine: Recommender) -> None:
    before = engine.rank(LIKES, CANDIDATES, now=NOW)
    assert engine.rank([*LIKES, less("zzyzx"), more("zzyzx qwfp")], CANDIDATES, now=NOW) == before


def test_more_of_some_words_is_a_taste_of_its_own_and_less_alone_is_none(engine: Recommender) -> None:
    wanted = engine.pick([more("quantum lattice")], CANDIDATES, 5, now=NOW)
    assert all(pick.paper_id.startswith("physics") for pick in wanted)
    assert wanted[0].reasons[0].asked == "quantum lattice"
    quiet = engine.pick([less("quantum")], CANDIDATES, 5, now=NOW, bar=0.99)
    assert len(quiet) == 5, "nothing is liked yet, so the bar does not apply"
    assert not [pick for pick in quiet if pick.paper_id.startswith("physics")]


def test_members_who_disagree_cancel_out_and_more_of_them_weigh_more(engine: Recommender) -> None:
    alone = places(engine, [*LIKES, less("clients")], "clients")
    against = places(engine, [*LIKES, less("clients"), *(more("clients", member) for member in "bcd")], "clients")
    assert against < alone
    assert engine.explain("federated-25", [*LIKES, less("clients", "ada"), less("clients", "ben")], now=NOW).score < (
        engine.explain("federated-25", [*LIKES, less("clients", "ada")], now=NOW).score
    )


def test_a_vote_on_words_fades_as_any_vote(engine: Recommender) -> None:
    old, new = less("clients", days=900), less("clients", days=0)
    scores = [engine.explain("federated-25", [*LIKES, one], now=NOW).score for one in (old, new)]
    assert scores[0] > scores[1]


def test_an_explanation_names_what_was_asked_for_less_only_where_the_paper_has_it(engine: Recommender) -> None:
    feedback = [*LIKES, less("quantum")]
    assert engine.explain("physics-25", feedback, now=NOW).unwanted == ("quantum",)
    assert engine.explain("federated-25", feedback, now=NOW).unwanted == ()


def test_a_taste_counts_votes_on_words_and_shows_them(engine: Recommender) -> None:
    taste = engine.taste([*LIKES, more("photons", "ben")], now=NOW)
    assert (taste.votes, taste.members) == (4, 2)
    assert "photons" in [word.text for word in taste.liked]
    assert "camera" in [word.text for word in engine.taste([*LIKES, less("camera")], now=NOW).disliked]


def test_what_stands_in_a_papers_place_tells_the_words_and_no_paper_is_taken_for_words() -> None:
    heard = aggregate_labels([less("a b"), *votes("2310.01234", "words:a")], NOW)
    assert [preference.text for preference in parse_word_votes(heard)] == ["a b"]


said = st.lists(
    st.tuples(
        st.sampled_from(["quantum", "image segmentation", "cat:x.VI", "learning -survey", "the", '"', "author:lee"]),
        st.sampled_from([1.0, -1.0]),
        st.sampled_from(["ada", "ben"]),
    ),
    max_size=6,
)


@settings(deadline=None, max_examples=25)
@given(said=said, taken_back=st.text(min_size=1, max_size=20))
def test_a_vote_on_words_taken_back_was_never_there(
    engine: Recommender, said: list[tuple[str, float, str]], taken_back: str
) -> None:
    feedback = [*LIKES, *(less(words, member, value) for words, value, member in said)]
    before = engine.rank(feedback, CANDIDATES, now=NOW), engine.taste(feedback, now=NOW)
    during = engine.rank([*feedback, less(taken_back, "cy")], CANDIDATES, now=NOW)
    assert {one.paper_id for one in during} == set(CANDIDATES)
    assert all(abs(one.score) < 1_000 for one in during)
    assert (engine.rank(list(feedback), CANDIDATES, now=NOW), engine.taste(list(feedback), now=NOW)) == before
