"""The demo: interactive, or as a scripted visit that is printed."""

from __future__ import annotations

import io
import re
import select
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.app import system_clock
from bot.commands.registry import COMMANDS
from bot.demo.page import demo_page
from bot.demo.world import DemoClock, World, demo_world, first_morning
from bot.model.codec import load_message
from bot.model.messages import Message, Place
from bot.platforms.terminal import TerminalPlatform
from bot.ports.platform import Clock
from bot.settings import Settings
from bot.store import channels, deliveries
from bot.store.states import PostState
from recommender import Explanation

PLACE = Place("terminal", "papers", name="papers")
_WELCOME = (
    "This is Paperboy with ten days of real arXiv papers (3 to 14 November 2025, 22 a day, summaries in our words).\n"
    "Nothing of this visit is kept. Try: [b]2 👍[/b] or [b]2 like[/b] (card 2) · [b]/next[/b] (tomorrow's digest) · "
    "[b]/papers federated[/b] (search) · [b]taste[/b] · [b]/help[/b]"
)
_PAGE = (
    "This channel has a page too, while you are here. Open it in a browser, and again after some 👍 and a /next:\n{}\n"
    "The papers of the day, for everyone: {}"
)
_PAGE_ENDS = "The page of this visit was at\n{}\nand ends with it; [b]{} run[/b] serves one that stays."
_PRIVACY = r"federated|differential(ly)? priva|\bprivacy\b|\bprivate\b|unlearn|membership inference"
"""The subject of the scripted visit's team: it likes every card that matches, and no other."""
_CARDS = 5
_FIRST_LINE_SECONDS = 1.0
_DRAWS = 50
_TOPIC = "gaussian splatting"
"""A topic that one member also follows from the fifth day on."""


def _farewell() -> str:
    return f"Bye. Nothing of this visit is kept; `{_program()} chat` is the same with a store of your own."


def _program() -> str:
    """The program as it can be typed here: with its folder where the shell would not find it by its name alone."""
    program = Path(sys.executable).with_name("paperboy")
    if shutil.which("paperboy") or not program.exists():
        return "paperboy"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)


def is_talked_to(stdin: TextIO, stdout: TextIO, seconds: float = _FIRST_LINE_SECONDS) -> bool:
    """Whether a person is at the terminal, or lines come through a pipe or from a file. A pipe that says nothing for
    so many seconds counts as silent."""
    try:
        if stdin.isatty():
            return stdout.isatty()
        has_come = bool(select.select([stdin], [], [], seconds)[0])
        return has_come and isinstance(stdin, io.TextIOWrapper) and bool(cast(io.BufferedReader, stdin.buffer).peek(1))
    except (OSError, ValueError, AttributeError):  # it is closed, or the system can't wait for it
        return False


async def interactive(settings: Settings, *, page: bool = False) -> None:
    """The interactive demo; with its `page` while it lasts."""
    console = Console()
    clock = DemoClock(first_morning(settings))

    async def next_day() -> bool:
        if world.clock().date() == world.last_day:
            console.print("The ten days are over. From here it is the real today, with the live list:")
        has_passed = await world.next_day()
        if not has_passed:
            console.print(
                "Today is here already: the demo ends with the present. "
                f"`{_program()} chat` is the same with a store of your own."
            )
        return has_passed

    def platform(folder: Path) -> TerminalPlatform:
        return TerminalPlatform(folder, console, clock, COMMANDS, next_day=next_day, farewell=_farewell())

    async with demo_world(settings, clock, platform) as world:
        if sys.stdin.isatty():
            console.print(_WELCOME, highlight=False)
        await _run_chat(world, "you", console, page=page)


async def scripted(
    settings: Settings, console: Console | None = None, present: Clock = system_clock, *, page: bool = False
) -> None:
    """Play a visit of eight days through the same terminal, and print it as a transcript; with its `page` while it
    lasts. It ends in the `present`."""
    console = console or Console(width=None if sys.stdout.isatty() else 100, soft_wrap=False)
    clock = DemoClock(first_morning(settings))
    visit = Visit(console)

    def platform(folder: Path) -> TerminalPlatform:
        return TerminalPlatform(
            folder,
            console,
            clock,
            COMMANDS,
            who="ada",
            next_day=visit.next_day,
            script=visit.lines(),
            farewell=_farewell(),
        )

    async with demo_world(settings, clock, platform, present) as world:
        visit.world = world
        await _run_chat(world, "ada", console, page=page)


async def _run_chat(world: World, who: str, console: Console, *, page: bool) -> None:
    """Invite the bot to the channel, and run the chat. The page's address is told at the start and at the end."""
    terminal = world.app.delivery_worker.platforms[PLACE.platform]
    assert isinstance(terminal, TerminalPlatform)
    terminal.log.join(PLACE)
    await world.open_channel(PLACE, who)
    if not page:
        await terminal.run(world.app.service)
        return
    async with demo_page(world.app, PLACE, who, world.clock) as served:
        console.print(_PAGE.format(served.channel_url, served.url), highlight=False, soft_wrap=True)
        await terminal.run(world.app.service)
        console.print(_PAGE_ENDS.format(served.channel_url, _program()), highlight=False, soft_wrap=True)


@dataclass
class Day:
    """The result of one day: the number of cards, and how many of them the team liked. `unlearned` is how many of five
    picks it would have liked if the bot knew no reactions (mean of many draws), `by_chance` how many random papers."""

    day: date
    cards: int
    liked: int
    unlearned: float
    by_chance: float


@dataclass
class Visit:
    """The scripted visit: the lines that the team types, which depend on the cards that it sees."""

    console: Console
    days: list[Day] = field(default_factory=list)
    likes: str = _PRIVACY
    _world: World | None = None

    @property
    def world(self) -> World:
        """The world of the visit."""
        assert self._world is not None
        return self._world

    @world.setter
    def world(self, world: World) -> None:
        self._world = world

    async def next_day(self) -> bool:
        """Let a day pass. Returns False if no day can pass."""
        return await self.world.next_day()

    async def lines(self) -> AsyncIterator[str]:
        """The lines of the visit. Each is answered before the next is taken."""
        self._say("Day 1. Nobody has told the bot anything yet. This team works on privacy in machine learning: ada")
        self._say("and ben put a 👍 on such cards and on such titles below them, and say nothing to the others.")
        async for line in self._react():
            yield line

        self._say("Day 2. The picks follow, and each says why.")
        yield "/next"
        async for line in self._react():
            yield line
        self._say("Anybody can search; what the team has seen says so.")
        yield "/papers federated"

        self._say("Day 3.")
        yield "/next"
        async for line in self._react():
            yield line

        self._say("Day 4. A reaction is taken back, and what it taught is gone to the last digit.")
        yield "/next"
        async for line in self._react():
            yield line
        async for line in self._take_back():
            yield line

        self._say("Day 5. Ben also follows 3D vision: one line ranks a topic's matches up, before any vote on them.")
        yield f"/papers subscribe {_TOPIC}"
        self.likes += f"|{_TOPIC}"
        yield "/next"
        self._say(f"The cards that name the topic “{_TOPIC}” as their reason are here because of that line.")
        async for line in self._react():
            yield line

        self._say("Day 6. A Saturday: nothing is posted but one line that says why.")
        yield "/next"

        self._say("Day 8. Monday, after a quiet Sunday.")
        yield "/next 2"
        async for line in self._react():
            yield line
        yield "taste"
        yield "stats"
        self._table()

        self._say("And today, with the same taste, from the live list of Hugging Face Daily Papers:")
        if not await self.world.to_today():
            self._say("The live list did not answer, so the visit ends here; the demo needs no network.")

    async def _react(self) -> AsyncIterator[str]:
        """Type the likes of the team for today's cards and for the titles below them, and record the day."""
        digest = await self._last_digest()
        cards = [message.card for message in digest if message.card]
        number_of = self._numbers()
        numbers = [number_of[card.paper_id] for card in cards if self._is_theirs(card.title, card.summary)]
        below = [line for message in digest for line in message.lines]
        liked_titles = [number_of[line.paper_id] for line in below if self._is_theirs(line.title)]
        listed = [paper for paper in self.world.listed.papers if paper.published == self._today]
        matching = {paper.id for paper in listed if self._is_theirs(paper.title, paper.abstract)}
        engine, now = self.world.app.paper_index.engine, self.world.clock()
        ids = [paper.id for paper in listed]
        unlearned = [pick for seed in range(_DRAWS) for pick in engine.pick((), ids, _CARDS, now=now, seed=seed)]
        self.days.append(
            Day(
                self._today,
                len(cards),
                len(numbers),
                sum(pick.paper_id in matching for pick in unlearned) / _DRAWS,
                _CARDS * len(matching) / max(len(listed), 1),
            )
        )
        if numbers or liked_titles:
            yield f"{' '.join(map(str, [*numbers, *liked_titles]))} 👍"
        if numbers[1:]:
            yield "/me ben"
            yield f"{numbers[0]} 🔥"
            yield "/me ada"

    async def _take_back(self) -> AsyncIterator[str]:
        digest = await self._last_digest()
        papers = [(card.paper_id, f"{card.title} {card.summary}") for card in (each.card for each in digest) if card]
        papers += [(line.paper_id, line.title) for message in digest for line in message.lines]
        paper_id = next(paper_id for paper_id, text in papers if not self._is_theirs(text))
        number = self._numbers()[paper_id]
        before = await self._explain(paper_id)
        yield f"{number} 👍"
        liked = await self._explain(paper_id)
        yield f"-{number} 👍"
        after = await self._explain(paper_id)
        same = "the same number again" if after.score == before.score else "NOT the same number"
        self._say(
            f"Its score: {before.score:+.6f} before, {liked.score:+.6f} with the 👍, {after.score:+.6f} after: {same}."
        )

    def _numbers(self) -> dict[str, int]:
        """The numbers of the papers on the screen, by their ids."""
        terminal = self.world.app.delivery_worker.platforms[PLACE.platform]
        assert isinstance(terminal, TerminalPlatform)
        return {paper.paper_id: number for number, paper in terminal.numbers}

    def _is_theirs(self, *texts: str) -> bool:
        return bool(re.search(self.likes, " ".join(texts), re.IGNORECASE))

    async def _last_digest(self) -> list[Message]:
        """The messages of the last digest."""
        async with self.world.app.store.read() as tx:
            channel = await channels.find(tx, PLACE)
            assert channel is not None
            posts = await deliveries.posts_in_channel(tx, channel.id, [PostState.SENT])
        last = max(post.delivery_id for post in posts)
        return [load_message(post.body) for post in posts if post.delivery_id == last]

    async def _explain(self, paper_id: str) -> Explanation:
        app = self.world.app
        async with app.store.read() as tx:
            channel = await channels.find(tx, PLACE)
            assert channel is not None
            profile = await app.digests.profile(tx, channel.id)
        return app.paper_index.engine.explain(paper_id, profile.feedback, profile.topics, self.world.clock())

    @property
    def _today(self) -> date:
        return self.world.clock().date()

    def _say(self, text: str) -> None:
        self.console.print(
            Text(f"\n# {text}" if text[:3] == "Day" else f"# {text}", style="dim italic"), soft_wrap=True
        )

    def _table(self) -> None:
        table = Table(
            *("day", "cards", "liked", "of 5 without reactions", "of 5 by chance"),
            title="Picks that the team likes, day by day",
            title_justify="left",
            box=None,
        )
        for day in self.days:
            name = f"{day.day:%a} {day.day.day} {day.day:%b}"
            table.add_row(name, str(day.cards), str(day.liked), f"{day.unlearned:.1f}", f"{day.by_chance:.1f}")
        self.console.print()
        self.console.print(table)
