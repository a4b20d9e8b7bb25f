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


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("schedule ", ["schedule 09:00", "schedule noon", "schedule weekdays", "schedule UTC"]),
        ("schedule 9am week", ["schedule 9am weekdays", "schedule 9am weekends"]),
        ("schedule noon weekdays Berl", ["schedule noon weekdays Europe/Berlin"]),
        ("schedule noon mum", ["schedule noon Asia/Kolkata"]),
        ("schedule 9am europe/par", ["schedule 9am Europe/Paris"]),
        ("settings ", ["settings hour", "settings bar", "settings style"]),
        ("settings gu", ["settings guess"]),
        ("settings guess ", ["settings guess on", "settings guess off"]),
        ("settings style co", ["settings style compact"]),
        ("settings bar l", ["settings bar learned"]),
        ("Settings zone Europe/Ber", ["settings zone Europe/Berlin"]),
        ("settings days ", ["settings days daily", "settings days weekdays"]),
        ("trending ", ["trending day", "trending week", "trending month"]),
        ("saved b", ["saved bib"]),
        ("feeds ", ["feeds add", "feeds drop"]),
    ],
)
async def test_the_values_of_a_command_are_offered(harness: BotHarness, line: str, some: list[str]) -> None:
    assert [each for each in await offered(harness, line, 100) if each in some] == some


async def test_what_is_offered_for_schedules_and_settings_is_taken(harness: BotHarness) -> None:
    for line in ("schedule ", "schedule noon ", "schedule noon eu", *(f"settings {name} " for name in NAMES)):
        for each in await offered(harness, line, 100):
            assert (await harness.say(each)).ok, each


NAMES = ("hour", "days", "zone", "count", "bar", "guess", "style", "titles")


@pytest.mark.parametrize(
    "line", ["schedule 9am 10am ", "settings color ", "settings bar 0.8 x", "schedule 9am weekdays xyzz"]
)
async def test_nothing_is_offered_that_would_be_refused(harness: BotHarness, line: str) -> None:
    assert await offered(harness, line) == []


@pytest.mark.parametrize("limit", [-3, 0, 1, 7])
async def test_completions_keep_to_their_limit(harness: BotHarness, limit: int) -> None:
    assert len(await offered(harness, "s", limit)) == max(limit, 0)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.text(), st.sampled_from(["x" * 100_000, "search " * 10_000, '"' * 999, "why \u202e`", "(", "\x00"]))
)
async def test_no_text_raises(harness: BotHarness, line: str) -> None:
    assert len(await offered(harness, line)) <= 25
