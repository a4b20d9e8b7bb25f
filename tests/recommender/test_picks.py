from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Feedback, Paper, Pick, PickOptions, Profile, Recommender, Standing
from recommender.learning.labels import aggregate_labels
from tests.recommender.papers import NOW, library, made, paper_labels, votes

IDS = [paper.id for paper in library()]
CANDIDATES = [i for i in IDS if int(i.split("-")[1]) >= 20]
LIKES = votes("federated-1", "federated-2", "federated-3")


def subject(paper_id: str) -> str:
    return paper_id.split("-")[0]


def share(picks: list[Pick], wanted: str) -> int:
    return sum(subject(pick.paper_id) == wanted for pick in picks if not pick.guess)


def test_likes_bring_more_of_their_kind(engine: Recommender) -> None:
    picks = engine.pick(LIKES, CANDIDATES, 5, now=NOW)
    assert len(picks) == 5
    assert share(picks, "federated") >= 4
    ranked = engine.rank(LIKES, CANDIDATES, now=NOW)
    assert {r.paper_id for r in ranked} == set(CANDIDATES)
    assert all(subject(r.paper_id) == "federated" for r in ranked[:10])
    assert [r.score for r in ranked] == sorted((r.score for r in ranked), reverse=True)


def test_a_dislike_pushes_its_kind_down(engine: Recommender) -> None:
    def position(feedback: list[Feedback]) -> int:
        order = [r.paper_id for r in engine.rank(feedback, CANDIDATES, now=NOW)]
        return min(order.index(i) for i in order if subject(i) == "vision")

    both = [*LIKES, *votes("vision-1", "vision-2")]
    assert position([*LIKES, *votes("vision-1", "vision-2", value=-1.0)]) > position(both)


def test_silence_counts_a_little_against_its_kind(engine: Recommender) -> None:
    def score(feedback: list[Feedback]) -> float:
        return engine.explain("vision-30", feedback, now=NOW).score

    liked = [*LIKES, *votes("vision-1")]
    silent = [*liked, *votes("vision-2", "vision-3", value=0.0, member=None)]
    disliked = [*liked, *votes("vision-2", "vision-3", value=-1.0)]
    assert score(liked) > score(silent) > score(disliked)


def test_a_vote_taken_back_is_unlearned_exactly(engine: Recommender) -> None:
    before = engine.rank(LIKES, CANDIDATES, now=NOW)
    assert engine.rank([*LIKES, *votes("vision-1")], CANDIDATES, now=NOW) != before
    assert engine.rank(list(LIKES), CANDIDATES, now=NOW) == before


def test_a_topic_ranks_its_matches_up_before_any_vote(engine: Recommender) -> None:
    picks = engine.pick([], CANDIDATES, 5, topics=["quantum lattice"], now=NOW)
    assert share(picks, "physics") == 5
    assert all(any(reason.topic == "quantum lattice" for reason in pick.reasons) for pick in picks)
    assert all(0 <= pick.percentile <= 1 for pick in picks)


def test_a_topic_that_brought_nothing_liked_has_the_less_say_in_what_does_not_match_it() -> None:
    engine = Recommender()
    engine.add([*library(), Paper("law-1", "Tax law of tolls", "Tolls and taxes of the Middle Ages in several towns.")])
    ignored = votes(*(f"physics-{n}" for n in range(1, 11)), value=0.0, member=None)
    for feedback, physics in (([], 4), (ignored, 0)):
        first, *others = engine.pick(feedback, [*CANDIDATES, "law-1"], 5, topics=["several towns"], now=NOW)
        assert first.paper_id == "law-1", "what matches comes first all the same"
        assert share(others, "physics") == physics


def test_a_topic_is_named_only_of_papers_that_match_it(engine: Recommender) -> None:
    candidates = [*(f"vision-{n}" for n in range(20, 40)), "physics-25"]
    everything = engine.pick([], candidates, 21, topics=["quantum lattice magnets"], now=NOW)
    matching = {hit.paper_id for hit in engine.matching("quantum lattice magnets", candidates)}
    for pick in everything:
        named = any(reason.topic for reason in pick.reasons)
        assert named == (pick.paper_id in matching), pick


def test_what_a_topic_taught_is_given_as_words_alone_where_it_does_not_match() -> None:
    engine = Recommender()
    engine.add([Paper(f"t{n}", f"tokamak plasma heating {n}", "magnets confine the plasma") for n in range(8)])
    engine.add([Paper(f"o{n}", f"cooking {n}", "recipes and bread") for n in range(300)])
    engine.add([Paper("near", "plasma heating in stars", "magnets confine the plasma")])
    [reason, *_] = engine.explain("near", [], ["tokamak"]).reasons
    assert (reason.topic, reason.because) == (None, None)
    assert reason.words


def test_one_everyday_word_is_no_reason_to_name_a_liked_paper() -> None:
    engine = Recommender()
    engine.add([Paper(f"o{n}", f"direction bread{n} oven{n}", "") for n in range(300)])
    engine.add([Paper("liked", "direction tokamak plasma", ""), Paper("chance", "direction finches beaks", "")])
    engine.add([Paper("rare", "tokamak walls tiles", ""), Paper("several", "plasma direction drift", "")])
    feedback = votes("liked")
    assert engine.explain("chance", feedback).reasons == ()
    for paper_id in ("rare", "several"):
        assert [reason.because for reason in engine.explain(paper_id, feedback).reasons] == ["liked"], paper_id


def test_a_category_can_be_a_topic(engine: Recommender) -> None:
    picks = engine.pick([], CANDIDATES, 5, topics=["cat:x.VI"], now=NOW)
    assert share(picks, "vision") == 5


def test_a_muted_topic_keeps_its_matches_out(engine: Recommender) -> None:
    picks = engine.pick(LIKES, CANDIDATES, 50, topics=["-federated"], now=NOW)
    assert picks
    matches = {hit.paper_id for hit in engine.search("federated", limit=200)}
    assert not matches & {pick.paper_id for pick in picks}
    order = [r.paper_id for r in engine.rank(LIKES, CANDIDATES, topics=["-federated"], now=NOW)]
    assert set(order[-len(matches & set(CANDIDATES)) :]) == matches & set(CANDIDATES)
    muted = engine.explain(next(i for i in CANDIDATES if i in matches), LIKES, topics=["-federated"])
    assert muted.muted_by == "federated"


def test_a_muted_topic_alone_is_no_taste(engine: Recommender) -> None:
    picks = engine.pick([], CANDIDATES, 5, topics=["-federated"], now=NOW, bar=0.99)
    assert len(picks) == 5
    assert share(picks, "federated") <= share(engine.pick([], CANDIDATES, 5, now=NOW), "federated")


def test_reasons_name_the_liked_paper_and_words_it_shares(engine: Recommender) -> None:
    feedback = [*votes("physics-1"), *votes("vision-4")]
    for pick in engine.pick(feedback, CANDIDATES, 4, now=NOW):
        first = pick.reasons[0]
        assert first.because == {"physics": "physics-1", "vision": "vision-4"}[subject(pick.paper_id)]
        assert first.words
        assert first.weight > 0
        text = {paper.id: f"{paper.title} {paper.abstract}".lower() for paper in library()}
        for word in " ".join(first.words).split():
            assert word in text[pick.paper_id]
            assert word in text[first.because]


def test_an_explanation_says_what_speaks_against_a_paper(engine: Recommender) -> None:
    feedback = [*LIKES, *votes("vision-1", "vision-2", value=-1.0)]
    told = engine.explain("vision-25", feedback, now=NOW)
    assert told.against
    assert all(word.weight < 0 for word in told.against)
    assert told.percentile < engine.explain("federated-25", feedback, now=NOW).percentile
    scores = {r.paper_id: r.score for r in engine.rank(feedback, ["vision-25"], now=NOW)}
    assert told.score == scores["vision-25"]


def test_nothing_speaks_against_a_paper_where_nobody_disliked_anything(engine: Recommender) -> None:
    for paper_id in ("vision-25", "federated-25"):
        assert engine.explain(paper_id, LIKES, now=NOW).against == ()


def test_a_taste_is_told_in_words(engine: Recommender) -> None:
    taste = engine.taste([*LIKES, *votes("vision-1", value=-1.0, member="ben")], now=NOW)
    assert (taste.votes, taste.members) == (4, 2)
    liked = " ".join(word.text for word in taste.liked)
    assert "federated" in liked or "clients" in liked
    assert any(
        word.text in ("image", "segmentation", "pixels", "camera") or "image" in word.text for word in taste.disliked
    )
    assert taste.liked_categories[0].text == "x.FE"
    assert taste.disliked_categories[0].text == "x.VI"
    assert all(word.weight > 0 for word in taste.liked)
    assert all(word.weight < 0 for word in taste.disliked)


def test_no_feedback_is_no_taste(engine: Recommender) -> None:
    taste = engine.taste([])
    assert (taste.liked, taste.disliked, taste.votes, taste.members) == ((), (), 0, 0)


def test_the_bar_leaves_out_what_does_not_fit(engine: Recommender) -> None:
    everything = engine.pick(LIKES, CANDIDATES, 80, now=NOW)
    some = engine.pick(LIKES, CANDIDATES, 80, now=NOW, bar=0.7)
    assert 0 < len(some) < len(everything)
    assert all(pick.percentile >= 0.7 for pick in some)
    foreign = [i for i in CANDIDATES if subject(i) == "physics"]
    assert engine.pick(LIKES, foreign, 5, now=NOW, bar=0.9) == []


def test_a_candidate_is_told_how_it_stands_among_the_others(engine: Recommender) -> None:
    def standing(paper_id: str, bar: float = 0.0, among: list[str] = CANDIDATES) -> Standing:
        return engine.assess(paper_id, Profile(tuple(LIKES)), among, PickOptions(5, bar=bar), NOW)[1]

    order = [one.paper_id for one in engine.rank(LIKES, CANDIDATES, now=NOW)]
    picks = {pick.paper_id for pick in engine.pick(LIKES, CANDIDATES, 5, now=NOW)}
    for place, paper_id in enumerate(order, 1):
        found = standing(paper_id)
        assert (found.place, found.among, found.picked) == (place, len(order), paper_id in picks)
    assert not standing(order[0], 0.9).below
    assert standing(order[-1], 0.9).below
    with pytest.raises(ValueError, match="No candidate 'federated-1'"):
        standing("federated-1")


def test_a_near_duplicate_of_a_pick_is_told_so() -> None:
    engine = Recommender()
    engine.add([*library(), made("federated", 90), made("federated", 90, id="again")])
    ids = ["federated-90", "again", "vision-25"]
    found = {i: engine.assess(i, Profile(tuple(LIKES)), ids, PickOptions(2), NOW)[1] for i in ids}
    [kept] = [i for i in ids[:2] if found[i].picked]
    [other] = [i for i in ids[:2] if not found[i].picked]
    assert (found[other].twin, found[kept].twin) == (kept, None)


def test_without_a_taste_the_bar_does_not_apply_and_the_seed_spreads(engine: Recommender) -> None:
    days = [engine.pick([], CANDIDATES, 5, now=NOW, seed=seed, bar=0.9) for seed in range(6)]
    assert all(len(day) == 5 for day in days)
    assert len({pick.paper_id for day in days for pick in day}) > 10


def test_without_a_taste_the_popular_come_first() -> None:
    engine = Recommender()
    engine.add([made("vision", n, upvotes=5000 if n == 7 else 0) for n in range(30)])
    ids = [f"vision-{n}" for n in range(30)]
    first = [
        engine.rank([], ids, now=NOW)[0].paper_id,
        *(engine.pick([], ids, 5, seed=s)[0].paper_id for s in range(60)),
    ]
    assert first.count("vision-7") > 12, "six times as often as by chance"


def test_the_same_input_gives_the_same_output(engine: Recommender) -> None:
    for feedback in ([], LIKES):
        once = engine.pick(feedback, CANDIDATES, 5, now=NOW, seed=3)
        assert engine.pick(feedback, CANDIDATES, 5, now=NOW, seed=3) == once
        assert [p.paper_id for p in engine.pick(feedback, CANDIDATES[::-1], 5, now=NOW, seed=3)] == [
            p.paper_id for p in engine.pick(feedback, CANDIDATES, 5, now=NOW, seed=3)
        ]


def test_one_guess_at_most_and_only_once_there_is_a_taste(engine: Recommender) -> None:
    guesses = [pick.guess for pick in engine.pick(LIKES, CANDIDATES, 5, now=NOW)]
    assert guesses == [False, False, False, False, True]
    assert not any(pick.guess for pick in engine.pick(LIKES, CANDIDATES, 2, now=NOW))
    assert not any(pick.guess for pick in engine.pick(votes("vision-1"), CANDIDATES, 5, now=NOW))


def test_near_duplicates_are_never_posted_together() -> None:
    engine = Recommender()
    twin = made("federated", 30)
    engine.add([*library(), Paper("twin", twin.title, twin.abstract, categories=twin.categories)])
    picks = engine.pick(LIKES, [*CANDIDATES, "twin"], 80, now=NOW)
    ids = [pick.paper_id for pick in picks]
    assert len(ids) == len(set(ids))
    assert not {"twin", "federated-30"} <= set(ids)


def test_a_candidate_given_twice_is_picked_once(engine: Recommender) -> None:
    assert len(engine.pick(LIKES, ["vision-1"] * 5, 5)) == 1


def test_unknown_ids_are_ignored_in_feedback_and_refused_as_candidates(engine: Recommender) -> None:
    known = engine.rank(LIKES, CANDIDATES, now=NOW)
    assert engine.rank([*LIKES, *votes("nobody", "", "\ud800")], CANDIDATES, now=NOW) == known
    for refuse in (
        lambda: engine.rank(LIKES, ["vision-1", "stranger"]),
        lambda: engine.pick(LIKES, ["stranger"], 5),
        lambda: engine.explain("stranger", LIKES),
    ):
        with pytest.raises(ValueError, match="stranger"):
            refuse()


def test_one_member_with_many_votes_does_not_drown_the_others() -> None:
    loud = [Feedback(f"loud-{n}", 1.0, NOW, "loud") for n in range(10_000)]
    quiet = [Feedback("quiet-1", 1.0, NOW, "ben"), Feedback("quiet-2", 1.0, NOW, "cy")]
    papers = paper_labels([*loud, *quiet], NOW)
    weight = sum(v.like for v in papers if v.paper_id.startswith("loud"))
    assert weight < 0.9 * sum(v.like for v in papers)
    assert {v.like for v in paper_labels(loud[:50], NOW)} == {1.0}


def test_many_votes_of_one_member_are_learned_from(engine: Recommender) -> None:
    loud = [Feedback(f"vision-{n % 20}", 1.0, NOW - timedelta(minutes=n), "loud") for n in range(10_000)]
    assert share(engine.pick(loud, CANDIDATES, 5, now=NOW), "vision") >= 4


def test_a_paper_that_some_dislike_counts_for_less() -> None:
    both = [Feedback("p", 1.0, NOW, "ada"), Feedback("p", 1.0, NOW, "ben"), Feedback("p", -1.0, NOW, "cy")]
    [torn] = paper_labels(both, NOW)
    [loved] = paper_labels(both[:2], NOW)
    assert torn.like < loved.like
    [hated] = paper_labels([Feedback("p", 1.0, NOW, "ada"), Feedback("p", -1.0, NOW, "ben")], NOW)
    assert hated.like == 0
    assert hated.dislike > 0


def test_the_latest_vote_of_a_member_stands_whatever_the_order() -> None:
    early, late = Feedback("p", 1.0, NOW - timedelta(days=1), "ada"), Feedback("p", -1.0, NOW, "ada")
    assert paper_labels([early, late], NOW) == paper_labels([late, early], NOW)
    assert paper_labels([early, late], NOW)[0].dislike > 0
    assert aggregate_labels([early, late], NOW).votes == 1


def test_votes_fade_slowly() -> None:
    [fresh] = paper_labels([Feedback("p", 1.0, NOW, "ada")], NOW)
    [old] = paper_labels([Feedback("p", 1.0, NOW - timedelta(days=100), "ada")], NOW)
    assert fresh.like == 1
    assert 0.5 < old.like < 1


def test_silence_about_a_title_in_a_list_weighs_less_than_about_a_card() -> None:
    listed = Feedback("p", 0.0, NOW, glance=True)
    [title] = paper_labels([listed], NOW)
    [card] = paper_labels([Feedback("p", 0.0, NOW)], NOW)
    assert 0 < title.ignored < card.ignored
    assert paper_labels([listed, Feedback("p", 0.0, NOW)], NOW) == [card], "it had a card as well"
    [voted] = paper_labels([Feedback("p", 1.0, NOW, "ada", glance=True)], NOW)
    assert voted.like == 1, "a vote there is a vote"


def test_times_with_and_without_a_zone_mix(engine: Recommender) -> None:
    naive = [Feedback("federated-1", 1.0, NOW.replace(tzinfo=None), "ada")]
    east = timezone(timedelta(hours=9))
    aware = [Feedback("federated-1", 1.0, NOW.astimezone(east), "ada")]
    assert engine.rank(naive, CANDIDATES, now=NOW) == engine.rank(aware, CANDIDATES, now=NOW.replace(tzinfo=None))
    assert engine.rank([*naive, *aware], CANDIDATES)


def test_nothing_but_dislikes_still_ranks(engine: Recommender) -> None:
    order = engine.rank(votes("vision-1", "vision-2", value=-1.0), CANDIDATES, now=NOW)
    assert subject(order[-1].paper_id) == "vision"
    assert len(engine.pick(votes("vision-1", value=-1.0), CANDIDATES, 5, now=NOW)) == 5


_VOTE = st.builds(
    Feedback,
    paper_id=st.sampled_from([*IDS[:40], "nobody"]),
    value=st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([-1.0, 0.0, 1.0]),
    at=st.datetimes(timezones=st.sampled_from([None, UTC])),
    member=st.sampled_from([None, "ada", "ben"]),
)


@given(
    st.lists(_VOTE, max_size=30),
    st.lists(st.sampled_from(CANDIDATES), max_size=30),
    st.integers(0, 8),
    st.lists(st.sampled_from(["quantum", "-vision", '"', "cat:x.*", "", "-", "unknownword", "-cat:cs.LG"]), max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_any_feedback_gives_sane_picks(
    engine: Recommender, feedback: list[Feedback], candidates: list[str], limit: int, topics: list[str]
) -> None:
    picks = engine.pick(feedback, candidates, limit, topics=topics)
    ids = [pick.paper_id for pick in picks]
    assert len(ids) == len(set(ids)) <= limit
    assert set(ids) <= set(candidates)
    assert sum(pick.guess for pick in picks) <= 1
    for pick in picks:
        assert math.isfinite(pick.score)
        assert 0 <= pick.percentile <= 1
        assert all(math.isfinite(reason.weight) and reason.weight > 0 for reason in pick.reasons)
    assert all(math.isfinite(r.score) for r in engine.rank(feedback, candidates, topics=topics))
    engine.taste(feedback, topics)


def test_papers_with_nothing_to_read_do_no_harm() -> None:
    engine = Recommender()
    engine.add(
        [Paper("a", ""), Paper("b", "", "\u202e\x00"), Paper("c", "Σχεδίαση 深度"), Paper("d", "words here", "")]
    )
    feedback = votes("a", "b", "c")
    assert len(engine.pick(feedback, ["a", "b", "c", "d"], 4)) == 4
    assert engine.similar("a") == []
    assert engine.explain("a", feedback).reasons is not None


def test_an_empty_index_has_empty_answers() -> None:
    engine = Recommender()
    assert (engine.search("x"), engine.rank(LIKES, []), engine.pick(LIKES, [], 5), len(engine)) == ([], [], [], 0)
    assert engine.taste(LIKES).liked == ()
    assert "x" not in engine


def test_undated_papers_are_taken_as_old() -> None:
    engine = Recommender()
    engine.add(
        [made("vision", 1, id="dated", published=date(2025, 3, 1)), made("vision", 1, id="undated", published=None)]
    )
    assert [r.paper_id for r in engine.rank([], ["undated", "dated"], now=NOW)] == ["dated", "undated"]


def test_a_word_is_named_once_in_whatever_form() -> None:
    texts = [f"client {n} and clients share gradients of each client" for n in range(6)]
    engine = Recommender()
    engine.add([Paper(f"p{n}", text, text) for n, text in enumerate(texts)])
    engine.add([Paper(f"o{n}", f"Nothing like it {n}", f"wholly other matters {n}") for n in range(30)])
    feedback = [Feedback(f"p{n}", 1.0, datetime(2026, 1, 1, tzinfo=UTC), "ada") for n in range(5)]
    [reason, *_] = engine.explain("p5", feedback).reasons
    assert sum(word.startswith("client") for word in reason.words) == 1


def test_a_category_is_liked_or_disliked_but_never_both() -> None:
    engine = Recommender()
    engine.add([Paper(f"p{n}", f"Graphs {n}", f"graphs, walks {n}", categories=("cs.LG", "cs.SI")) for n in range(9)])
    engine.add([Paper(f"q{n}", f"Robots {n}", f"robots, arms {n}", categories=("cs.SI", "cs.RO")) for n in range(9)])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    feedback = [Feedback("p1", 1.0, at, "ada"), Feedback("p2", 1.0, at, "ada"), Feedback("q1", -1.0, at, "ada")]
    taste = engine.taste(feedback)
    liked = {word.text for word in taste.liked_categories}
    assert "cs.LG" in liked
    assert liked.isdisjoint(word.text for word in taste.disliked_categories)
