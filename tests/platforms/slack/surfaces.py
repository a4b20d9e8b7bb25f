"""A service with forms, and a member who uses what Slack shows besides messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.model.messages import Action, Asker, Form, Place, Reply
from bot.store.database import Store
from tests.fakes.slack.people import Member
from tests.fakes.slack.values import View
from tests.platforms.recording_service import RecordingService
from tests.platforms.slack.http_team import http_team_at_work
from tests.platforms.slack.team import SlackTeam, buttons, team_at_work
from tests.platforms.slack.test_views import SCHEDULE, SETTINGS


@dataclass
class BotApi(RecordingService):
    """Answers `schedule` and `settings` with their forms to managers, and holds answers back while it is told to."""

    limiter: asyncio.Event | None = None

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        answer = await super().ask(place, asker, line)
        if self.limiter:
            await self.limiter.wait()
        form: Form | None = {"schedule": SCHEDULE, "settings": SETTINGS}.get(line)
        return replace(answer, form=form) if form and asker.manager else answer

    async def act(self, place: Place, asker: Asker, action: Action, event_id: str = "") -> Reply:
        answer = await super().act(place, asker, action, event_id)
        if self.limiter:
            await self.limiter.wait()
        return answer


def service_of(team: SlackTeam) -> BotApi:
    assert isinstance(team.service, BotApi)
    return team.service


async def offered(team: SlackTeam, who: Member, command: str) -> View:
    """The modal behind the button under the words of a command."""
    count = len(who.ephemeral)
    await who.says("/papers", command, team.ml)
    await team.slack.until(lambda: len(who.ephemeral) > count)
    [change] = [each for each in buttons(who.ephemeral[-1].blocks) if each["text"]["text"] == "Change"]
    await who.presses(team.ml, who.ephemeral[-1].ts, change["action_id"])
    await team.slack.until(lambda: who.modals and "One moment" not in who.modals[-1].words)
    return who.modals[-1]


async def at_home(team: SlackTeam, who: Member) -> View:
    before = who.home and who.home.hash
    await who.opens_home()
    await team.slack.until(lambda: who.home and who.home.hash != before)
    assert who.home
    return who.home


def action_id(view: View, words: str, place: int = 0) -> tuple[str, str]:
    """(action id, block id) of a button or menu of a view, by what stands on it."""
    found = [
        (each["action_id"], block["block_id"])
        for block in view.body["blocks"]
        for each in [block.get("accessory"), *block.get("elements", [])]
        if each and words in (each.get("text") or each.get("placeholder") or {}).get("text", "")
    ]
    return found[place]


async def press_home(team: SlackTeam, who: Member, words: str, place: int = 0, value: Any = None) -> None:
    """Press on the home tab; done when it was published anew."""
    assert who.home
    action, block = action_id(who.home, words, place)
    before = who.home.hash
    await who.presses_in(who.home, action, value, block)
    await team.slack.until(lambda: who.home and who.home.hash != before)


@asynccontextmanager
async def at_work(way: str, store: Store, folder: Path) -> AsyncIterator[SlackTeam]:
    """A team whose bot listens over "sockets" or "http", and has the forms."""
    team_at = team_at_work(BotApi()) if way == "sockets" else http_team_at_work(store, folder, BotApi())
    async with team_at as team:
        for each in (team.ada, team.bo):
            await each.writes(team.ml, "hello")
        yield team
        assert team.slack.unknown == []
