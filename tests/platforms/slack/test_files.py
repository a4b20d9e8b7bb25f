"""Files that members send with `teach`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.model.commands import LONGEST_LINE
from bot.platforms.slack.api import SlackApi
from bot.ports.platform import Rejected
from tests.platforms.slack.team import SlackTeam, team_at_work

BIB = "@article{a,\n  title = {Fédérated},\n  eprint = {1602.05629}\n}\n"


@pytest.fixture
async def team() -> AsyncIterator[SlackTeam]:
    async with team_at_work() as team:
        yield team


@pytest.mark.parametrize("said", ["teach", "", "Teach:"])
async def test_a_bib_file_in_a_direct_message_is_taught(team: SlackTeam, said: str) -> None:
    await team.bo.sends_dm(said, files={"ours.bib": BIB.encode()})
    await team.slack.until(lambda: team.service.asked)
    assert team.service.asked[0][2] == f"{said or 'teach'}\n{BIB}"


async def test_a_file_with_a_mention_is_taught_where_it_was_sent(team: SlackTeam) -> None:
    await team.ada.mentions(team.ml, "teach", files={"a.txt": b"1602.05629", "b.txt": b"1912.04977"})
    await team.slack.until(lambda: team.service.asked)
    place, asker, line = team.service.asked[0]
    assert (place.address, asker.manager, line) == ("C1", True, "teach\n1602.05629\n1912.04977")


async def test_other_words_are_no_invitation_to_read_a_file(team: SlackTeam) -> None:
    await team.ada.mentions(team.ml, "federated", files={"secret.txt": b"secret"})
    await team.slack.until(lambda: team.service.asked)
    assert team.service.asked[0][2] == "federated"


async def test_no_more_of_a_file_is_read_than_a_line_may_have(team: SlackTeam) -> None:
    await team.bo.sends_dm("teach", files={"long.bib": b"x" * 5_000_000})
    await team.slack.until(lambda: team.service.asked)
    assert len(team.service.asked[0][2]) == LONGEST_LINE + len("teach\n")


async def test_what_is_no_text_is_told_of(team: SlackTeam) -> None:
    await team.bo.sends_dm("teach", files={"paper.pdf": b"%PDF"})
    await team.slack.until(lambda: [message for message in team.bo.dm.visible if "plain text only" in message.words])
    assert team.service.asked == []


async def test_a_file_that_the_bot_may_not_read_is_told_of(team: SlackTeam) -> None:
    team.lab.scopes.discard("files:read")
    await team.ada.mentions(team.ml, "teach", files={"a.bib": BIB.encode()})
    await team.slack.until(lambda: team.ada.ephemeral)
    assert "paste its text after" in team.ada.ephemeral[0].words
    assert team.service.asked == []


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/files.slack.com", "http://files.slack.com/x", "https://files.slack.com@evil.example/", ""],
)
async def test_nobody_but_slack_is_shown_the_token(team: SlackTeam, url: str) -> None:
    api = SlackApi("xoxb-secret", team.slack.api, team.clock)
    with pytest.raises(Rejected, match="not at Slack"):
        await api.read_file(url, 10)
