"""What was voted by button, on the cards of a team in Slack: what is asked of Slack, and what goes wrong there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.model.messages import Message, Style
from bot.ports.platform import AccessLost, NotAccepted, Rejected, Uncertain, WorkspaceLost
from bot.store.database import Store
from tests.fakes.slack.values import Message as Shown
from tests.platforms.conformance import CARD
from tests.platforms.slack.team import SlackTeam, team_at_work
from tests.platforms.slack.test_styles import team_with_digest

TALLIED = Message(card=replace(CARD, tally="By button: 👍 3 · 👎 1"))


def context(shown: Shown) -> list[str]:
    """The small lines of a card."""
    return [each["text"] for block in shown.blocks if block["type"] == "context" for each in block["elements"]]


async def written(team: SlackTeam, times: int) -> list[dict[str, Any]]:
    """What was asked of chat.update, when it was so often."""
    await team.slack.until(lambda: len(team.slack.calls_to("chat.update")) >= times)
    await team.slack.settled()
    return [dict(call.args) for call in team.slack.calls_to("chat.update")]


async def test_an_edit_says_all_that_the_post_said_and_one_small_line_more() -> None:
    async with team_at_work() as team:
        card = await team.platform.send(team.place, Message(card=CARD), "key-1")
        [posted] = [dict(call.args) for call in team.slack.calls_to("chat.postMessage")]
        await team.platform.rewrite(team.place, card, TALLIED, "key-1")
        [edit] = await written(team, 1)
        assert (edit["channel"], edit["ts"]) == (team.ml.id, card)
        assert edit["metadata"] == posted["metadata"]
        assert edit["text"] == posted["text"].replace(CARD.note, f"{CARD.note}\n{TALLIED.card and TALLIED.card.tally}")
        [head, small, buttons] = edit["blocks"]
        assert [head, buttons] == [posted["blocks"][0], posted["blocks"][2]]
        line = {"type": "plain_text", "text": "By button: 👍 3 · 👎 1", "emoji": False}
        assert small == {**posted["blocks"][1], "elements": [*posted["blocks"][1]["elements"], line]}
        await team.platform.rewrite(team.place, card, Message(card=CARD), "key-1")
        _, back = await written(team, 2)
        assert (back["text"], back["blocks"]) == (posted["text"], posted["blocks"])


async def test_a_team_sees_on_the_card_what_it_pressed(sqlite_store: Store) -> None:
    async with team_with_digest(sqlite_store, Style.CARDS) as (team, harness):
        card = team.ml.visible[1]
        before = context(card)
        assert "Counted" in await team.press("bo", card.ts, "more")
        await written(team, 1)
        assert context(card) == [*before, "By button: 👍 1"]
        assert "Counted" in await team.press("ada", card.ts, "less")
        await written(team, 2)
        assert context(card) == [*before, "By button: 👍 1 · 👎 1"]
        assert "Taken back" in await team.press("ada", card.ts, "less")
        assert "Taken back" in await team.press("bo", card.ts, "more")
        await team.slack.until(lambda: context(card) == before)
        channel = await harness.channel(team.place)
        assert channel.state == "active", "the bot's own edits are nothing that anybody said"


async def test_titles_by_number_and_cards_in_a_thread_show_it_too(sqlite_store: Store) -> None:
    async with team_with_digest(sqlite_store, Style.THREAD) as (team, _):
        _, card, *_, titles = team.ml.visible
        await team.press("bo", card.ts, "less")
        await team.press_number("bo", titles.ts, 2)
        await team.slack.until(lambda: "By button: 👍 1" in titles.words)
        assert titles.words.count("By button") == 1
        assert context(card)[-1] == "By button: 👎 1"
        assert card.thread_ts == titles.thread_ts == team.ml.visible[0].ts


async def test_vote_by_button_counts_and_is_answered_even_if_the_edit_fails(sqlite_store: Store) -> None:
    async with team_with_digest(sqlite_store, Style.CARDS) as (team, _):
        card = team.ml.visible[1]
        team.slack.faults.error("chat.update", "cant_update_message")
        assert "Counted" in await team.press("bo", card.ts, "more")
        await written(team, 1)
        assert "Counted" in await team.press("ada", card.ts, "more")
        await team.slack.until(lambda: context(card)[-1] == "By button: 👍 2")


async def test_an_edit_whose_answer_is_lost_is_asked_for_again(sqlite_store: Store) -> None:
    async with team_with_digest(sqlite_store, Style.CARDS) as (team, _):
        card = team.ml.visible[1]
        team.slack.faults.lose_reply("chat.update")
        assert "Counted" in await team.press("bo", card.ts, "more")
        await written(team, 2)
        assert context(card)[-1] == "By button: 👍 1"
        assert len(team.ml.visible) == 5


async def test_a_message_that_was_deleted_is_left_in_peace() -> None:
    async with team_at_work() as team:
        card = await team.platform.send(team.place, Message(card=CARD), "key-1")
        team.ml.messages.clear()
        await team.platform.rewrite(team.place, card, TALLIED, "key-1")
        assert team.ml.messages == []


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("cant_update_message", Rejected),
        ("msg_too_long", Rejected),
        ("is_archived", AccessLost),
        ("token_revoked", WorkspaceLost),
        ("internal_error", Uncertain),
    ],
)
async def test_what_slack_says_of_an_edit_has_its_meaning(name: str, error: type[Exception]) -> None:
    async with team_at_work() as team:
        card = await team.platform.send(team.place, Message(card=CARD), "key-1")
        team.slack.faults.error("chat.update", name)
        with pytest.raises(error) as caught:
            await team.platform.rewrite(team.place, card, TALLIED, "key-1")
        assert type(caught.value) is error


async def test_edits_rest_when_slack_asks_for_it_and_posts_go_on() -> None:
    async with team_at_work() as team:
        card = await team.platform.send(team.place, Message(card=CARD), "key-1")
        team.slack.faults.limit("chat.update", 30)
        for _ in range(2):
            with pytest.raises(NotAccepted) as caught:
                await team.platform.rewrite(team.place, card, TALLIED, "key-1")
            assert caught.value.retry_after == 30
        assert len(team.slack.calls_to("chat.update")) == 1, "a method that rests is not even asked"
        await team.platform.send(team.place, Message("Good morning."), "key-2")
