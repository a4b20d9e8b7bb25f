"""The completions of a line that is being typed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.registry import COMMANDS
from bot.model.messages import Place
from tests.support.harness import PLACE, BotHarness, demo_papers, paper

KNOWN = demo_papers()[0]


async def offered(harness: BotHarness, line: str, limit: int = 25) -> list[str]:
    return await harness.app.service.suggest(PLACE, line, limit)


async def test_the_beginning_of_a_command_completes_it(harness: BotHarness) -> None:
    assert (await offered(harness, "su"))[:2] == ["subscribe", "submit"]
    assert set(await offered(harness, "", 100)) == set(COMMANDS)


async def test_this_channels_topics_are_offered_as_searches_and_to_unsubscribe(harness: BotHarness) -> None:
    await harness.say("subscribe Federated learning")
    assert "Federated learning" in await offered(harness, "fed")
    assert (await offered(harness, "unsubscribe fed")) == ["unsubscribe Federated learning"]
    assert "Federated learning" not in await harness.app.service.suggest(Place("fake", "c2"), "fed")


async def test_the_last_word_of_a_query_is_completed(harness: BotHarness) -> None:
    await harness.list_papers([paper(1, "Knitting with yarn"), paper(2, "Knitting for robots"), paper(3, "Yarn")])
    assert (await offered(harness, "knitting y"))[:2] == ["knitting yarn", "search Knitting with yarn"]
    assert await offered(harness, "Subscribe Knitting ya") == ["subscribe Knitting yarn"]
    assert (await offered(harness, "search knitting AND cat:cs."))[0] == "search knitting AND cat:cs.LG"
    assert await offered(harness, "similar knitting ya") == ["similar Knitting with yarn"]


async def test_titles_are_offered_though_a_word_is_mistyped(harness: BotHarness) -> None:
    await harness.list_papers([paper(1, "Knitting with yarn")])
    assert (await offered(harness, "kniting with y"))[-1:] == ["search Knitting with yarn"]


async def test_titles_complete_what_is_about_a_paper(harness: BotHarness) -> None:
    start = KNOWN.title[:30]
    assert f"search {KNOWN.title}" in await offered(harness, start)
    assert f"similar {KNOWN.title}" in await offered(harness, f"Similar {start}")
    for line in ("pause", "schedule", "unsubscribe", "trending", "forget"):
        assert await offered(harness, f"{line} {start}") == []


@pytest.mark.parametrize("limit", [-3, 0, 1, 7])
async def test_completions_keep_to_their_limit(harness: BotHarness, limit: int) -> None:
    assert len(await offered(harness, "s", limit)) == max(limit, 0)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.text(), st.sampled_from(["x" * 100_000, "search " * 10_000, '"' * 999, "why \u202e`", "(", "\x00"]))
)
async def test_no_text_raises(harness: BotHarness, line: str) -> None:
    assert len(await offered(harness, line)) <= 25
