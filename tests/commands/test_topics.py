"""The commands subscribe, unsubscribe and topics."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import ADA, BEN, PLACE, BotHarness, harness_over, paper

YARN = [
    paper(1, "Yarn of wool in hospital pillows", "Softness is measured by sleeping patients."),
    paper(2, "Cotton yarn for carpets at sea", "Salt water and wind wear carpets out."),
    paper(3, "Flax yarn and the price of ropes", "Markets of rope moved with the harvest."),
]


async def at_work(harness: BotHarness, *lines: str) -> None:
    """Invited, with topics, and a digest of the morning after."""
    await harness.invite()
    for line in lines:
        assert (await harness.say(line)).ok
    await harness.next_morning()
    await harness.list_papers([*YARN, *(paper(n) for n in range(10, 30))])
    await harness.beat()


async def test_topics_shows_the_posted_matches_since_each_topic_was_made(store: Store, clock: Clock) -> None:
    harness = harness_over(store, clock)
    await at_work(harness, "subscribe yarn", "subscribe zebras", "subscribe -robots")
    await harness.react(YARN[0].id, "👍")
    [_, yarn, zebras, robots] = (await harness.say("topics")).text.split("\n")
    assert yarn.startswith("• yarn: brought 2 papers in the last 30 days, 1 of them liked; the last today: “")
    assert zebras == "• zebras: brought nothing yet. It matches 0 of the 23 papers of the last 30 days."
    assert robots == "• robots: muted; 2 of the 23 papers of the last 30 days match it."
    await harness.say("unsubscribe yarn")
    harness.clock.advance(timedelta(minutes=1))
    await harness.say("subscribe yarn")
    assert "• yarn: brought nothing yet. It matches 3 " in (await harness.say("topics")).text


async def test_a_search_has_a_follow_button_for_its_query(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await at_work(harness)
    [follow] = [action for action in (await harness.say("search yarm cat:cs.LG")).actions if action.label == "Follow"]
    assert (await harness.app.service.act(PLACE, ADA, follow)).text.startswith("Subscribed to “yarn cat:cs.LG”.")
    assert [action.label for action in (await harness.say("yarn -wool", BEN)).actions] == ["Share"]
    for line in ("-wool", "red alert", "yarn " * 50, "yarn for us"):
        assert ("Follow" in [action.label for action in (await harness.say(line)).actions]) is (line == "yarn for us")


async def test_topics_leaves_out_matches_older_than_a_month(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await at_work(harness, "subscribe yarn alert")
    assert "• yarn (alerts at once): brought 2 papers" in (await harness.say("topics")).text
    harness.clock.advance(timedelta(days=31))
    assert (await harness.say("topics")).text.endswith(
        "brought nothing yet. No papers were listed in the last 30 days to try it on."
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("subscribe study", "It matches 126 of the 126 papers of the last 30 days. That is a lot: a narrower topic"),
        ("subscribe nimble alert", "It matches 26 of the 126 papers of the last 30 days."),
        ("subscribe yarm", "It matches 0 of the 126 papers of the last 30 days. Nothing has this as written; did you"),
        ("subscribe yarn cat:cs.LGX", "No paper here is in “cat:cs.LGX”; did you mean cat:cs.LG?"),
        ("subscribe yarn after:soon", "“after:soon” names no day"),
        ("subscribe author:lovel", "No author here is called as in “author:lovel”; did you mean lovelace?"),
        (
            "subscribe -study",
            "papers about it are left out. It matches 126 of the 126 papers of the last 30 days. That",
        ),
    ],
)
async def test_subscribe_warns_of_a_topic_that_is_too_broad_or_matches_nothing(
    sqlite_store: Store, clock: Clock, line: str, said: str
) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    await harness.list_papers([paper(n) for n in range(99)] + [_nimble(n) for n in range(26)] + [_yarn(200)])
    assert said in (await harness.say(line)).text


async def test_subscribe_warns_of_many_alerts_a_day(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    await harness.list_papers([_nimble(n) for n in range(100)] + [paper(n) for n in range(400)])
    assert "about 3 alerts a day: a narrower topic is quieter" in (await harness.say("subscribe nimble alert")).text
    assert "alerts" not in (await harness.say("subscribe nimble")).text


def _nimble(number: int) -> Paper:
    return paper(1_000 + number, f"Nimble things of kind {number} in a row", f"We study nimble {number}.")


def _yarn(number: int) -> Paper:
    return paper(number, "Yarn in many colours", "We study yarn.")


async def test_a_topic_said_again_is_told_to_be_there(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    await harness.say("subscribe yarn")
    assert (await harness.say("subscribe Yarn")).text.startswith("“yarn” is followed here already.")
    assert (await harness.say("subscribe yarn alert")).text.startswith("Changed “yarn”.")
    await harness.say("mute ropes")
    assert (await harness.say("mute ropes")).text.startswith("“ropes” is muted here already.")


async def test_commas_part_topics(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    reply = await harness.say('subscribe wool, author:"Doe, Jane",  flax alert')
    assert reply.text.startswith("3 topics, because commas part them:\n• Subscribed to “wool”.")
    await harness.say("mute: ropes, carpets")
    rows = (await harness.say("topics")).text.split("\n")[1:]
    assert [row.split(":")[0] for row in rows] == [
        "• wool (alerts at once)",
        "• author",
        "• flax (alerts at once)",
        "• ropes",
        "• carpets",
    ]
    assert "at most 10 at a time" in (await harness.say(f"subscribe {', '.join(map(str, range(11)))}")).text
    assert "too long" in (await harness.say("subscribe " + "x" * 300)).text
    assert "Follow" not in [action.label for action in (await harness.say("wool, cotton")).actions]


async def test_a_paper_that_is_not_known_can_be_searched_for(sqlite_store: Store, clock: Clock) -> None:
    harness = harness_over(sqlite_store, clock)
    await harness.invite()
    [search] = (await harness.say("similar federated averaging")).actions
    assert (search.label, search.command, search.argument) == (
        "Search “federated averaging”",
        "search",
        "federated averaging",
    )
    for command in ("submit", "save"):
        reply = await harness.say(f"{command} https://example.org/blog/9")
        assert "I look up ids and links of arXiv" in reply.text
        assert not reply.actions
