"""Whatever is typed, on every platform: an answer, within the platform's limits, that rings nobody's bell."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.store.database import Store
from tests.platforms.discord.server import readable
from tests.platforms.test_together import SIDES, Together, together

_LONGEST_ON_DISCORD = 6_000
_WITHIN = 20.0
"""Seconds, of a machine that does much else."""
_PARTS = (
    '"', "'", "-", "--", "OR", "AND", "NOT", "|", "&", "(", ")", "*", ":", "^", "~", "NEAR/2", "\\", "$", "{", "%", "`",
    "cat:", "cat:cs.XYZ", "author:", 'author:"mc', "title:", "after:2025-13", "after:2026 before:2025", "id:", "10.",
    "author: ", 'author:"J. K.', "Wei Li", "cat:cs.LG,,", "cs.*", "after:20250000", "2504.20119,", "https://arxiv.org/abs/",
    "' OR 1=1; DROP TABLE papers; --", 'a" OR title MATCH "b', "papers MATCH 'x*'", "{{7*7}}", "%s", "\\frac{a}",
    "<!channel>", "<!here|x>", "<@U1>", "@everyone", "@here", "<@&1>", "<#C1>", "[a](http://x.y)", "https://x.y/?a=b",
    "😀", "👩‍💻", "\u200b", "\u202e", "\u0000", "\u001b[31m", "\ufeff", "हिन्दी", "ภาษาไทย", "العربية", "深度学习",
    "β-VAE", "the", "of", "learning", "federated", "for us",
)  # fmt: skip
LINES = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(_PARTS), max_size=30).map(" ".join),
    st.lists(st.sampled_from(_PARTS), max_size=30).map("".join),
)


@pytest.fixture
async def harness(sqlite_store: Store, tmp_path: Path) -> AsyncIterator[Together]:
    async with together(sqlite_store, tmp_path) as harness:
        yield harness


async def asked(harness: Together, side: str, line: str) -> str:
    """What a member reads in answer to a line."""
    async with asyncio.timeout(_WITHIN):
        return await harness.side(side).ask("bo", line)


@pytest.mark.timeout(300)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(line=LINES)
@example(line="learning privacy " * 5_000)
@example(line="the of and " * 3_000)
@example(line="OR AND NOT | " * 2_000)
@example(line='"learning ' * 2_000)
@example(line="cat:cs.LG " * 2_000 + "x" * 50_000)
@example(line="<!channel> @everyone <@U1> " * 20)
async def test_every_search_is_answered_on_every_platform(harness: Together, line: str) -> None:
    line = "search " + " ".join(line.split("\n"))
    for side in SIDES:
        shown = await asked(harness, side, line[:_LONGEST_ON_DISCORD] if side == "discord" else line)
        assert shown.strip(), side
        assert "your fault" not in shown
    assert harness.team.bo.ephemeral[-1].pings == []
    assert harness.server.bo.answers[-1].pings == []
    seen = harness.guest.screen.getvalue()[-5_000:]
    assert not {char for char in seen if unicodedata.category(char) in ("Cc", "Cf", "Cs")} - {"\n", "\u200d"}


@pytest.mark.timeout(300)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(line=LINES)
@example(line="learning privacy " * 300)
async def test_every_mention_is_answered_though_nobody_meant_to_ask(harness: Together, line: str) -> None:
    line = "search " + " ".join(line.split())
    team, server = harness.team, harness.server
    async with asyncio.timeout(_WITHIN):
        said = len(team.ml.visible) + len(team.bo.ephemeral)
        await team.bo.mentions(team.ml, line)
        await team.slack.until(lambda: len(team.ml.visible) + len(team.bo.ephemeral) > said + 1)
        count = len(server.ml.visible) + len(server.bo.dm.visible)
        await server.bo.mentions(server.ml, line[:1_900])
        await server.fake.until(lambda: len(server.ml.visible) + len(server.bo.dm.visible) > count + 1)
    answers = [each for each in server.ml.visible if each.author is not server.bo.user]
    assert all(not each.pings for each in answers)
    assert readable(answers[-1]).strip()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(line=LINES)
async def test_whatever_is_being_typed_discord_can_show_what_may_be_meant(harness: Together, line: str) -> None:
    shown = await harness.server.bo.types(harness.server.ml, "papers", line[:_LONGEST_ON_DISCORD])
    assert len(shown) <= 25
