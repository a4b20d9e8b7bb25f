"""Slips that a paper or two made as well."""

from __future__ import annotations

import pytest

from recommender import Paper, Recommender
from tests.recommender.test_search import found


@pytest.fixture(scope="module")
def misspelt() -> Recommender:
    engine = Recommender()
    engine.add([Paper(f"p{n}", f"Diffusion and {n}", "A model of images.") for n in range(300)])
    engine.add([Paper("slip", "A difusion of gas"), Paper("name", "Tensor and TensoRF")])
    engine.add([Paper("by", "Initial weights after Difussion", "", ("Ann Difussion",))])
    return engine


def test_a_word_that_hardly_any_paper_has_may_be_a_slip(misspelt: Recommender) -> None:
    understood = misspelt.interpret("difusion")
    assert (understood.suggestion, understood.added_terms) == (None, (("difusion", "diffusion"),))
    hits = found(misspelt, "difusion")
    assert (hits[0], len(hits)) == ("slip", 10)
    assert "diffusion" in understood.answered


def test_who_made_one_slip_made_the_other_too(misspelt: Recommender) -> None:
    understood = misspelt.interpret("difusion modle")
    assert (understood.suggestion, understood.added_terms) == ("diffusion model", ())
    assert "slip" not in found(misspelt, "difusion modle")


def test_in_prose_a_rare_word_is_itself(misspelt: Recommender) -> None:
    assert misspelt.interpret("difusion of gas and a model").added_terms
    assert misspelt.interpret("difusion of gas " + "and a model of images " * 20).added_terms == ()


@pytest.mark.parametrize("query", ["tensorf", "gas", "tensor", "diffusion", "difussion", "title:zebra"])
def test_a_rare_word_that_is_near_no_frequent_one_is_itself(misspelt: Recommender, query: str) -> None:
    assert misspelt.interpret(query).added_terms == ()


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "discarded"])
def test_an_author_whose_papers_are_gone_is_proposed_to_nobody(*, replaced: bool) -> None:
    engine = Recommender()
    engine.add([Paper("gone", "Of gas", "", ("Zoe Quuxauthor", "Zyx Quuxauthor")), Paper("other", "Of more", "")])
    assert engine.interpret("author:quuxautho").suggestion or engine.interpret("author:quuxautho").issues[0].near
    if replaced:
        engine.add([Paper("gone", "Of gas", "", ("Ann Else",))])
    else:
        engine.discard(["gone"])
    assert "quuxauthor" not in str(engine.interpret("author:quuxautho"))
    assert "quuxauthor" not in str(engine.interpret("author:quuxauthr"))
