from __future__ import annotations

import asyncio
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console
from structlog.testing import capture_logs

from bot.commands.registry import COMMANDS
from bot.demo.page import demo_page
from bot.demo.visit import PLACE, is_talked_to, scripted
from bot.demo.world import DemoClock, demo_world
from bot.model.messages import Asker
from bot.platforms.terminal import TerminalPlatform
from bot.settings import load
from recommender import Paper
from tests.support.paper_sources import PaperSources

NOBODY = "http://127.0.0.1:1"
TODAY = date(2026, 3, 4)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a scripted visit printed, as one text and by day."""

    text: str

    @property
    def liked(self) -> dict[str, tuple[int, int, float, float]]:
        """By day: cards, how many were liked; how many of five would be without reactions, and by chance."""
        number = r" +([\d.]+)"
        rows = re.findall(rf"^ (\w{{3}} \d+ \w{{3}}) {number * 4} *$", self.text, flags=re.MULTILINE)
        return {row[0]: (int(row[1]), int(row[2]), float(row[3]), float(row[4])) for row in rows}

    def between(self, start: str, end: str) -> str:
        """The part from one text to the next, line breaks as spaces."""
        return " ".join(self.text.split(start, 1)[1].split(end, 1)[0].split())


async def visit(url: str = NOBODY) -> Transcript:
    settings = load(None, {"PAPERBOY_SOURCES__HUGGINGFACE__URL": url})
    screen = io.StringIO()
    with capture_logs():
        await scripted(settings, Console(file=screen, width=100), lambda: datetime(2026, 3, 4, 15, tzinfo=UTC))
    return Transcript(screen.getvalue())


@pytest.fixture(scope="module")
def offline() -> Transcript:
    return asyncio.run(visit())


def test_later_picks_are_liked_far_more_than_chance_would_have_it(offline: Transcript) -> None:
    days = list(offline.liked.values())
    assert len(days) >= 6
    later = days[1:]
    liked, unlearned, by_chance = (sum(day[n] for day in later) for n in (1, 2, 3))
    assert liked >= 1.5 * unlearned, "the reactions make the difference, and not a lucky first guess"
    assert liked >= 2.5 * by_chance
    assert liked >= 0.7 * sum(day[0] for day in later)


def test_cards_say_why_in_the_words_of_what_was_liked(offline: Transcript) -> None:
    assert "because you liked" not in offline.text.split("# Day 2")[0]
    second = offline.between("# Day 2", "# Day 3")
    assert re.search(r"because you liked “.+?” yesterday: .*federated", second)


def test_a_search_is_answered_and_says_what_the_team_has_seen(offline: Transcript) -> None:
    answer = offline.between("/papers federated", "# Day 3")
    assert answer.startswith("“federated”")
    assert answer.count("https://arxiv.org/abs/") == 5
    assert re.search(r"posted 3 Nov, \d 👍", answer)


def test_a_topic_brings_its_matches_and_they_say_so(offline: Transcript) -> None:
    before = offline.text.split("/papers subscribe gaussian splatting")[0]
    after = offline.between("papers for Friday", "# Day 6")
    brought = [card for card in after.split("https://") if "your topic “gaussian splatting”" in card]
    assert len(brought) == 2
    assert all("aussian" in card.split("your topic")[0] for card in brought)
    assert "your topic" not in before


def test_titles_below_the_cards_are_voted_on(offline: Transcript) -> None:
    day = offline.between("papers for Tuesday, 4 November", "# Anybody can search")
    assert "Also today." in day
    title = re.search(r" 15 (Probing \S+ \S+)", day.split("Also today.")[1])
    assert title
    assert f" 15 👍 1 {title[1]}" in day


def test_a_reaction_taken_back_is_unlearned_to_the_last_digit(offline: Transcript) -> None:
    told = offline.between("# Day 4", "# Day 5")
    score = r"([+-]\d+\.\d{6})"
    found = re.search(rf"Its score: {score} before, {score} with the 👍, {score} after: (.*?)\.(?: |$)", told)
    assert found
    assert found[1] == found[3]
    assert float(found[2]) > float(found[1])
    assert found[4] == "the same number again"


def test_a_quiet_day_says_why(offline: Transcript) -> None:
    quiet = offline.between("# Day 6", "# Day 8")
    assert "Nothing new for Saturday, 8 November: it is the weekend" in quiet
    assert "https://" not in quiet


def test_the_visit_says_honestly_that_nobody_answered(offline: Transcript) -> None:
    end = offline.between("from the live list of Hugging Face Daily Papers:", "Bye")
    assert "The live list did not answer, so the visit ends here" in end


async def test_two_visits_print_the_same(offline: Transcript) -> None:
    assert await visit() == offline


async def test_the_live_list_is_ranked_by_the_same_taste_when_it_answers() -> None:
    listed = [
        _paper(1, "Pretty pictures by diffusion", "Diffusion paints pictures. It paints them well."),
        _paper(2, "Federated learning with private clients", "Clients in federated learning stay private."),
        _paper(3, "A robot that folds towels", "A robot folds towels by reinforcement. It folds them well."),
    ]
    async with PaperSources() as world:
        world.huggingface(TODAY, listed)
        shown = await visit(world.url)
    live = shown.between("from the live list of Hugging Face Daily Papers:", "Bye")
    assert "did not answer" not in live
    assert "for Wednesday, 4 March" in live
    first = live.split(" 1 ", 1)[1].split("https://")[0]
    assert first.startswith("Federated learning with private clients")
    assert "because you liked" in first


def test_what_is_said_later_in_the_demo_is_later() -> None:
    clock = DemoClock(datetime(2025, 11, 3, 9, tzinfo=UTC))
    assert clock() < clock() < datetime(2025, 11, 3, 9, 1, tzinfo=UTC)


def test_a_visit_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    asyncio.run(visit())
    assert list(tmp_path.iterdir()) == []


def _paper(number: int, title: str, abstract: str) -> Paper:
    return Paper(f"2603.{number:05d}", title, abstract, ("Ada Lovelace",), published=TODAY, upvotes=5)


def test_the_readme_shows_what_the_demo_prints(offline: Transcript) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    shown = readme.split("<!-- transcript -->")[1].split("<!-- /transcript -->")[0].strip("`\n").splitlines()
    printed = {_rounded(line) for line in offline.text.splitlines()}
    assert len(shown) > 40
    assert [line for line in shown if line.strip("… ") and _rounded(line) not in printed] == []


def _rounded(line: str) -> str:
    """A line without the last digits of scores, in which machines may differ."""
    return re.sub(r"([-+]\d+\.\d{2})\d+", r"\1", line.rstrip())


@pytest.mark.parametrize(
    ("said", "closes", "expected"), [(b"federated\n", False, True), (b"", True, False), (b"", False, False)]
)
def test_the_demo_answers_lines_that_come_through_a_pipe(said: bytes, closes: bool, expected: bool) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, said)
    if closes:
        os.close(write_end)
    with os.fdopen(read_end) as stdin:
        assert is_talked_to(stdin, io.StringIO(), seconds=0.01) == expected
        if said:
            assert stdin.readline() == said.decode(), "nothing is lost"
    if not closes:
        os.close(write_end)


def test_without_any_input_the_demo_plays_its_script(tmp_path: Path) -> None:
    with Path(os.devnull).open() as nothing:
        assert not is_talked_to(nothing, io.StringIO())
    closed = (tmp_path / "lines").open("w+")
    closed.close()
    assert not is_talked_to(closed, io.StringIO())


async def test_the_page_of_the_demo_shows_its_channel_while_it_lasts(tmp_path: Path) -> None:
    clock = DemoClock(datetime(2025, 11, 3, 8, 30, tzinfo=UTC))
    settings = load(None, {"PAPERBOY_SOURCES__HUGGINGFACE__ENABLED": "false"})

    def terminal(folder: Path) -> TerminalPlatform:
        return TerminalPlatform(folder, Console(file=io.StringIO()), clock, COMMANDS)

    async with demo_world(settings, clock, terminal) as world, aiohttp.ClientSession() as client:
        await world.open_channel(PLACE, "you")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            web = settings.web.model_copy(update={"port": port, "host": "0.0.0.0", "page": False})
            app = replace(world.app, settings=world.app.settings.model_copy(update={"web": web}))
            async with demo_page(app, PLACE, "you", clock) as page:
                assert page.url.startswith("http://127.0.0.1:")
                assert not page.url.endswith(f":{port}"), "a port that is taken is no obstacle"
                for url, shown in ((page.url, "Monday, 3 November 2025"), (page.channel_url, "#papers")):
                    async with client.get(url) as answer:
                        assert answer.status == 200
                        assert shown in await answer.text()
                asked = await app.service.ask(PLACE, Asker("you", manager=True), "link")
                assert "There is a link already: you made it today." in asked.text
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(page.url)


def test_the_demo_with_its_page_names_it_first_and_last() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "demo", "--page"],
        input="federated\n",
        capture_output=True,
        text=True,
        env=os.environ | {"PAPERBOY_SOURCES__HUGGINGFACE__URL": NOBODY, "PAPERBOY_WEB__PORT": "0"},
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    first, last = re.findall(r"^http://127\.0\.0\.1:\d+/c/\S{43}$", ran.stdout, flags=re.MULTILINE)
    assert first == last
    assert ran.stdout.index(first) < ran.stdout.index("“federated”") < ran.stdout.rindex(last)


def test_piped_lines_are_answered_by_the_demo_of_the_program() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "demo"],
        input="federated\nschedule noon\n/next\npause\n/next\n",
        capture_output=True,
        text=True,
        env=os.environ | {"PAPERBOY_SOURCES__HUGGINGFACE__URL": NOBODY},
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("“federated”, 5 papers, best first:")
    assert "5 papers for Tuesday, 4 November." in ran.stdout, "the day goes on to the hour of the digest"
    assert ran.stdout.endswith("Wednesday: no digest here. `status` says when the next one comes.\n")
