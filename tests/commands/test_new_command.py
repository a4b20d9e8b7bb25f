"""A new command is a handler and one entry: everything else follows from its traits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.commands.context import Command, CommandContext
from bot.commands.registry import COMMANDS
from bot.model.commands import CardButton, CommandSet, MenuEntry
from bot.model.messages import Action, Card, Message, Reply
from bot.platforms.discord.commands import application_commands
from bot.platforms.discord.render import Renderer
from bot.platforms.slack import render
from bot.platforms.slack.manifest import manifest
from bot.platforms.terminal.typed import Act, parse
from bot.service.service import BotService
from tests.support.harness import ADA, BEN, PLACE, BotHarness


async def praise(ctx: CommandContext, argument: str) -> Reply:
    return Reply(f"{ctx.asker.name} praises {argument}.")


COMMANDS_WITH_PRAISE = CommandSet(
    [
        *COMMANDS.values(),
        Command(
            "praise <paper>",
            "say how good a paper is",
            praise,
            managers_only=True,
            takes_paper=True,
            shareable=True,
            button=CardButton(6, "Praise"),
            menu=MenuEntry(3, "Praise this paper", "Say how good this paper is"),
        ),
    ]
)
CARD = Card("2603.00001", "A paper")


@pytest.fixture
def service(harness: BotHarness) -> BotService:
    app = harness.app
    defaults = app.settings.digest.channel_defaults()
    services = replace(app.service._services, commands=COMMANDS_WITH_PRAISE)
    return BotService(services, app.reactions, defaults)


async def test_the_service_runs_completes_and_shares_it(harness: BotHarness, service: BotService) -> None:
    await harness.invite()
    assert (await service.ask(PLACE, ADA, "Praise: 2603.00001")).text == "Ada praises 2603.00001."
    assert (await service.act(PLACE, ADA, Action("", "praise", "x"))).text == "Ada praises x."
    assert (await service.act(PLACE, ADA, Action("", "share", "praise x"))).public
    assert not (await service.ask(PLACE, BEN, "praise x")).ok, "its trait says that it is for managers"
    assert await service.suggest(PLACE, "prai") == ["praise"]


def buttons(components: Any) -> list[str]:
    match components:
        case list():
            return [label for component in components for label in buttons(component)]
        case {"action_id": str(), "text": {"text": str(label)}} | {"custom_id": str(), "label": str(label)}:
            return [label]
        case dict():
            return [label for part in components.values() for label in buttons(part)]
    return []


def test_every_platform_shows_it() -> None:
    message = Message(card=CARD)
    assert buttons(render.posted(message, COMMANDS_WITH_PRAISE).blocks)[-1] == "Praise"
    assert buttons(Renderer(COMMANDS_WITH_PRAISE).posted(message).components)[-1] == "Praise"
    assert "callback_id: praise\n" in manifest(COMMANDS_WITH_PRAISE)
    assert application_commands(COMMANDS_WITH_PRAISE, "papers")[-1]["name"] == "Praise this paper"
    on_papers = [name for name, command in COMMANDS_WITH_PRAISE.items() if command.takes_paper]
    assert parse("praise 2", on_papers) == Act("praise", (2,))
