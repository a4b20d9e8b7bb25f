"""Notes on how the search read a query."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.reports.query_notes import explain
from recommender import QueryInterpretation
from recommender.search.query import parse
from tests.support.harness import BotHarness, demo_papers

KNOWN = demo_papers()[0]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("learning after:soon", "“after:soon” names no day, and is left out; a day is written 2025-06-30, a month"),
        ("learning after:2026-06 before:2025", "No day fits “after:2026-06 before:2025”, so these are left out."),
        ("learning cat:cs.LGX", "No paper here is in “cat:cs.LGX”, so it is left out; did you mean cat:cs.LG or "),
        ("2501.99999", "I don't have “2501.99999”. `/papers abstract 2501.99999` asks arXiv for it."),
        ("id:attention", "I don't have “attention”. Nothing found"),
        ("author:zzyzx", "No author here is called as in “author:zzyzx”."),
        ("the of and the", "“the of and” stands in nearly every paper; a word that tells more finds more."),
        ("learning OR", "Not understood or too much, and left out: OR."),
        ("lerning", "Nothing has this as written; did you mean “learning”? This is for that."),
    ],
)
async def test_a_query_that_is_not_taken_as_written_gets_a_note_with_advice(
    harness: BotHarness, line: str, said: str
) -> None:
    reply = await harness.say(line)
    assert reply.ok
    assert said in reply.text


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("learning", "“learning”, 1–5, best first:"),
        (f"id:{KNOWN.id}", f"“id:{KNOWN.id}”, 1 paper:"),
        ("learning for us", "“learning”, 1–5, best first; nothing liked here yet:"),
        ("lerning", "Nothing has this as written; did you mean “learning”? This is for that. “lerning”, 1–5, best"),
    ],
)
async def test_the_heading_of_a_search_says_the_count_and_the_order(
    harness: BotHarness, line: str, heading: str
) -> None:
    assert (await harness.say(line)).text.startswith(heading)


async def test_a_search_for_us_says_so_once_something_is_liked(harness: BotHarness) -> None:
    await harness.say("subscribe robots")
    assert (await harness.say("learning for us")).text == "“learning”, 1–5, best for this channel first:"


@pytest.mark.parametrize("accent", ["", "\u0301"])
@pytest.mark.parametrize("query", ['author:{last} "{title}"', "{name}"])
async def test_an_author_who_was_asked_for_is_named_though_others_come_first(
    harness: BotHarness, query: str, accent: str
) -> None:
    name = KNOWN.authors[-1]
    assert len(KNOWN.authors) > 3
    asked = query.format(last=name.split()[-1] + accent, name=name + accent, title=KNOWN.title)
    [line, *_] = (await harness.say(asked)).lines
    shown = f"{KNOWN.authors[0]}, {KNOWN.authors[1]}, {KNOWN.authors[-1]} + {len(KNOWN.authors) - 3} · "
    assert line.detail.startswith(shown)


async def test_the_snippet_of_a_corrected_query_matches_the_correction(harness: BotHarness) -> None:
    meant, slip = await harness.say("federated learning"), await harness.say("federatd lerning")
    assert [line.note for line in slip.lines] == [line.note for line in meant.lines]


async def test_a_query_taken_as_written_is_not_commented(harness: BotHarness) -> None:
    assert (await harness.say("learning cat:cs.*")).text == "“learning cat:cs.*”, 1–5, best first:"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["after:x", "cat:no", "id:9", "author:q", "OR", '"a', "`b`", "x" * 999, "-"]), max_size=99)
)
async def test_query_notes_are_short_for_any_query(harness: BotHarness, parts: list[str]) -> None:
    read = harness.app.paper_index.engine.interpret(" ".join(parts))
    assert len(explain(read)) < 900
    assert len(explain(QueryInterpretation("", issues=parse(" ".join(parts)).issues))) < 900
