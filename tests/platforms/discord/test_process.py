"""`paperboy run` as a newcomer starts it, against the fake Discord."""

from __future__ import annotations

import asyncio
import signal
from asyncio.subprocess import Process
from pathlib import Path

from tests.fakes.discord import FakeDiscord
from tests.platforms.process import log_lines, running


def discord(fake: FakeDiscord, token: str) -> dict[str, str]:
    """The settings under which the program speaks to the fake."""
    return {"DISCORD__TOKEN": token, "DISCORD__API_URL": fake.api, "DISCORD__GATEWAY_URL": fake.gateway_url}


async def ended(process: Process) -> str:
    """All that it said, when it has ended."""
    _, told = await asyncio.wait_for(process.communicate(), 60)
    return told.decode()


async def test_a_server_invites_the_bot_asks_it_and_its_keeper_ends_it(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        club = fake.guild("club", bot=False)
        general, boss = club.text("general"), club.member("boss", manager=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            async with running(tmp_path, discord(fake, fake.token)) as process:
                await fake.until(lambda: fake.gateway.ready, within=60)
                if not club.has_bot:
                    await club.adds_bot()
                    [hello] = await fake.until(lambda: general.visible)
                    await boss.picks(hello, "begin", general.id)
                asked = await boss.says(general, "papers", query="schedule 08:00 weekdays Europe/Berlin 3")
                assert not asked.failed
                await fake.until(lambda asked=asked: asked.original and "08:00" in asked.original.words)  # type: ignore[misc]
                await fake.until(lambda: looked_back(fake) == 1)  # and not on the second start, for it was chosen then
                await boss.types(general, "papers", "x")  # once that is answered, all that was asked before is at rest
                process.send_signal(number)
                told = await ended(process)
                assert process.returncode == 0
                assert [line.split()[0] for line in log_lines(told)] == ["The", "Bring", "Paperboy"], told
                await fake.until(lambda: not fake.gateway.ready)
        assert fake.commands.syncs.total() == 1, "the second start found the commands as they were"
        assert [message.words.startswith("Hello, I am Paperboy") for message in general.visible] == [True, True]
    assert fake.unknown == []


def looked_back(fake: FakeDiscord) -> int:
    """How often the bot saw whether it has greeted the server."""
    return sum(call.answer is not None for call in fake.calls_to("get_channel_messages"))


async def test_a_wrong_token_is_told_in_one_line_and_ends_it(tmp_path: Path) -> None:
    async with FakeDiscord() as fake:
        async with running(tmp_path, discord(fake, "MTAx.wrong.token")) as process:
            told = (await ended(process)).splitlines()
        assert process.returncode == 1
        assert len(told) == 4, told
        assert told[-1].startswith("paperboy: Discord does not know the bot's token. Copy it anew: discord.com/")
        assert "wrong" not in "\n".join(told)
        assert len(fake.invalid) == 1
