"""What is proposed while a query is typed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Completion, Paper, Recommender
from recommender.search.completion import Completer
from recommender.search.lexicon import Lexicon

PAPERS = [
    Paper("1", "Federated learning of trees", "Fedora.", ("José McMahan",), ("cs.LG",), date(2025, 1, 1)),
    Paper("2", "A survey of federated learning", "", ("Ada McMahan",), ("cs.LG", "stat.ML"), date(2025, 1, 2)),
    Paper("3", "Federated language models", "", ("Ada Lovelace",), ("cs.CL",), date(2025, 1, 3), upvotes=9),
    Paper("4", "Schrödinger bridges and $\\beta$-VAE", "", (), ("cond-mat.mes-hall",), date(2025, 1, 4)),
    Paper("5", "深度学习", "", (), ("cs.LG",), date(2025, 1, 5)),
]


@pytest.fixture(scope="module")
def library() -> Recommender:
    engine = Recommender()
    engine.add(PAPERS)
    return engine


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("fed", ("federated", "fedora")),
        ("Federated l", ("Federated learning", "Federated language")),
        ("survey l", ("survey learning",)),
        ("bridges l", ("bridges learning", "bridges language")),
        ('"federated lea', ('"federated learning',)),
        ("cat:cs.LG federated l", ("cat:cs.LG federated learning", "cat:cs.LG federated language")),
        ("models OR tre", ("models OR trees",)),
        ("-surv", ("-survey",)),
        ("title:fed", ("title:federated", "title:fedora")),
        ("non-fed", ("non-federated", "non-fedora")),
        ("schro", ("schrödinger",)),
        ("cat:cs.", ("cat:cs.LG", "cat:cs.CL")),
        ("federated cat:cond", ("federated cat:cond-mat.mes-hall",)),
        ("author:mc", ("author:mcmahan",)),
        ('au:"jos', ('au:"jose',)),
        ("federated", ()),
        ("federated ", ()),
        ("zzz", ()),
        ("深度学", ()),
        ("", ()),
    ],
)
def test_the_last_word_is_completed_by_what_stands_beside_the_others(
    library: Recommender, typed: str, meant: tuple[str, ...]
) -> None:
    assert library.complete(typed).queries == meant


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("federated l", ("3", "1", "2")),
        ("a survey", ("2",)),
        ("learning fed", ("2", "1")),
        ("federated ", ("3", "1", "2")),
        ("schrodinger bridges and $\\beta$-v", ("4",)),
        ("深度学", ("5",)),
        ("federated -surv", ()),
        ("cat:cs", ()),
        ("fedarated l", ()),
        ("", ()),
    ],
)
def test_titles_that_begin_as_typed_come_first_then_the_most_upvoted_and_the_newest(
    library: Recommender, typed: str, ids: tuple[str, ...]
) -> None:
    assert library.complete(typed).paper_ids == ids


def test_there_are_never_more_than_asked_for(library: Recommender) -> None:
    assert library.complete("fed", 1, 1) == Completion(("federated",), ("3",))
    assert library.complete("fed", 0, -1) == Completion()


def test_what_was_discarded_or_replaced_is_proposed_no_more(library: Recommender) -> None:
    engine = Recommender()
    engine.add(PAPERS)
    engine.discard(["1", "2"])
    engine.add([Paper("3", "Language models")])
    assert engine.complete("fed").paper_ids == ()
    assert engine.complete("language m").paper_ids == ("3",)


def test_an_empty_index_has_nothing_to_propose() -> None:
    assert Recommender().complete("fed") == Completion()


@settings(deadline=None)
@given(st.text() | st.text(alphabet=st.sampled_from(list('fed l:"-$\\cat#@é深\u0300\u200b😀'))))
def test_no_text_raises(library: Recommender, text: str) -> None:
    found = library.complete(text)
    assert all(line.startswith(text[:-20]) for line in found.queries)


_WORD = st.sampled_from(["ab", "abc", "ba", "b", "cab"])


@settings(deadline=None)
@given(st.lists(st.lists(_WORD, max_size=4), max_size=12), st.lists(_WORD, max_size=2), st.sampled_from("abc"))
def test_every_title_with_all_the_words_is_found(titles: list[list[str]], whole: list[str], begun: str) -> None:
    engine = Recommender()
    engine.add(Paper(str(n), " ".join(title) or "?") for n, title in enumerate(titles))
    expected = {
        str(n)
        for n, title in enumerate(titles)
        if set(whole) <= set(title) and any(word.startswith(begun) for word in title)
    }
    assert set(engine.complete(" ".join([*whole, begun])).paper_ids) == expected


def test_a_completer_of_an_earlier_state_does_not_mind_that_words_were_added() -> None:
    engine = Recommender()
    before = engine._now().snapshot
    engine.add([Paper("1", "The learning of the trees", "We show that it is of the trees, and not of the woods.")])
    assert Completer(before, Lexicon(before)).complete("tre", 5, 5) == Completion((), ())
