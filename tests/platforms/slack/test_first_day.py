"""The first day in a Slack channel, with the real listeners and the fake Slack."""

from __future__ import annotations

from typing import cast

from bot.ports.platform import Platform
from bot.store.database import Store
from tests.fakes.clock import Clock
from tests.fakes.slack import FakeSlack
from tests.platforms.slack.team import SlackTeam, buttons
from tests.support.harness import demo_papers, harness_over


async def test_the_inviters_zone_is_taken_and_the_first_digest_is_one_press_away(sqlite_store: Store) -> None:
    clock = Clock()
    async with FakeSlack(clock) as slack:
        team = SlackTeam(slack, clock)
        harness = harness_over(sqlite_store, clock, cast("Platform", team.platform))  # type: ignore[arg-type]
        team.speaks_to = harness.app.service
        await harness.list_papers(demo_papers()[:8])
        team.ada.zone = "America/New_York"
        nlp = team.lab.channel("C7", "nlp", bot=False)
        await team.start()
        try:
            await slack.until(lambda: team.ml.visible)  # the channels that the bot was in before are greeted
            await team.ada.invites_bot(nlp)
            greeting = (await slack.until(lambda: nlp.visible))[0]
            assert "09:00 (America/New_York)" in greeting.words
            [button] = buttons(greeting.blocks)
            assert button["text"]["text"] == "Show me one now"
            await team.ada.presses(nlp, greeting.ts, button["action_id"])
            await slack.until(lambda: team.ada.ephemeral)
            assert "Here it is." in team.ada.ephemeral[-1].words
            assert len(nlp.visible) > 5
        finally:
            await team.stop()


async def test_a_channel_that_invited_the_bot_while_it_was_down_is_greeted_on_start(sqlite_store: Store) -> None:
    clock = Clock()
    async with FakeSlack(clock) as slack:
        team = SlackTeam(slack, clock)
        harness = harness_over(sqlite_store, clock, cast("Platform", team.platform))  # type: ignore[arg-type]
        team.speaks_to = harness.app.service
        cem = team.lab.member("cem", "cem")
        await team.start()
        try:
            greeting = (await slack.until(lambda: team.ml.visible))[0]
            assert greeting.words.startswith("Hello, I am Paperboy")
            await team.bo.says("/papers", "schedule 08:00", team.ml)
            assert "08:00" in (await slack.until(lambda: team.bo.ephemeral))[-1].words
            await cem.says("/papers", "schedule 07:00", team.ml)
            assert "That is for whoever invited me" in (await slack.until(lambda: cem.ephemeral))[-1].words
        finally:
            await team.stop()
