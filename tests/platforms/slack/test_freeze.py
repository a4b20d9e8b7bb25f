r"""The real program, and texts that once stopped it: pylatexenc took hours for `\sqrt[` forty times."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from recommender import Paper
from tests.fakes.slack import FakeSlack
from tests.platforms.slack.process import one_workspace, running
from tests.platforms.slack.test_walk import TODAY, Team
from tests.support.paper_sources import PaperSources

HOSTILE = (r"\sqrt[", r"\frac{", r"\begin{array}[", r"\cite[", r"{\footnote", r"\textcolor[", r"\hat{")
PAPERS = [
    Paper(
        id=f"2603.{n:05}",
        title=f"Hostile paper {n} {(HOSTILE[n % len(HOSTILE)] * 200)[:900]}",
        abstract=(f"We attack. {HOSTILE[n % len(HOSTILE)]}" * 2_000)[:19_000],
        authors=(r"Jane Roe \footnote", r"\sqrt[" * 30),
    )
    for n in range(1, 16)
]


@pytest.mark.timeout(300)
async def test_no_text_of_a_member_or_a_source_stops_the_program(tmp_path: Path) -> None:
    async with FakeSlack() as slack, PaperSources() as world:
        world.huggingface(TODAY, PAPERS)
        team = Team(slack, world, tmp_path / "data")
        team.settings |= one_workspace(slack, team.lab.bot_token)
        code, said = await team.types("ingest")
        assert (code, "15 listed, 15 new" in said) == (0, True), said
        async with running(slack, team.settings, team.folder) as process:
            await slack.until(lambda: slack.sockets.connections, within=60)
            await team.ada.invites_bot(team.room)
            async with asyncio.timeout(20):
                for opener in HOSTILE:
                    hostile = asyncio.create_task(team.says(team.ada, opener * 40))
                    assert "Nothing found" in await team.says(team.bo, "zebrafish")
                    assert await hostile
            _header, *cards = await team.digest(0, 5)
            assert len(cards) == 5
            assert r"\sqrt[" in await team.says(team.ada, f"abstract {PAPERS[6].id}")
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), 20)
            assert process.returncode == 0
