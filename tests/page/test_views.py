"""Cards that are kept: made once for each state of a paper, and never lost to a request that needs them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot.digests import cards
from bot.model.messages import Card
from bot.page.views import KeptCards
from recommender import Paper
from tests.support.harness import paper


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Paper]:
    """The papers of which a card was made, in order."""
    papers: list[Paper] = []
    make = cards.card

    def noted(each: Paper) -> Card:
        papers.append(each)
        return make(each)

    monkeypatch.setattr(cards, "card", noted)
    return papers


def test_a_card_is_made_once_for_each_state_of_its_paper(made: list[Paper]) -> None:
    kept, first, second = KeptCards(), paper(1), replace(paper(1), upvotes=5)
    for each in (first, first, second, second):
        assert [card.upvotes for card in kept.cards_of([each])] == [each.upvotes]
    assert made == [first, second]


def test_only_the_cards_used_last_are_kept(made: list[Paper]) -> None:
    kept = KeptCards(most=2)
    for number in (1, 2, 1, 3, 1, 2):
        kept.cards_of([paper(number)])
    assert [each.id for each in made] == [paper(number).id for number in (1, 2, 3, 2)]


def test_threads_that_push_out_each_others_cards_all_get_theirs() -> None:
    kept = KeptCards(most=3)
    requests = [[paper(number % 7), paper(number % 5), paper(100 + number)] for number in range(200)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(kept.cards_of, requests))
    assert [[card.paper_id for card in answer] for answer in answers] == [[p.id for p in asked] for asked in requests]
