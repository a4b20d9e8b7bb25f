"""Votes, posts and papers of private channels appear nowhere else: every answer of the bot is searched for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from bot.commands.registry import COMMANDS
from bot.model.messages import Action, Asker, Place, PlaceKind
from bot.store.database import Store
from recommender import Paper
from tests.fakes.clock import Clock
from tests.support.harness import BotHarness, demo_papers, harness_over, paper

CAT = Asker("cat", manager=True, name="Cat")


@dataclass(frozen=True)
class Room:
    """A room whose members like, post, teach and follow things with words of their own. Others may guess the `word` and
    ask for it; the `secret` one is never typed by anybody else."""

    place: Place
    word: str
    secret: str
    number: int

    @property
    def posted(self) -> Paper:
        """A paper that a member puts before the room."""
        return paper(600 + self.number, f"A study of {self.word} that was posted", f"We study {self.word}.")

    @property
    def liked(self) -> Paper:
        """A paper that the room likes, listed today and without upvotes."""
        return paper(700 + self.number, f"Of zebras and number {self.number} among them", "Zebras in herds.")


SECRET = [
    Room(Place("fake", "board", "T1", "board-of-directors", private=True), "quixotic", "abyssinian", 1),
    Room(Place("fake", "group", "T1", "mpdm-ada--ben--carl-1", private=True), "zymurgic", "borborygmic", 2),
    Room(Place("fake", "d-ada", "T1", kind=PlaceKind.DIRECT), "vespertine", "callipygian", 3),
    Room(Place("fake", "abroad", "T2", "rivals"), "xylophagous", "defenestrated", 4),
]
PUBLIC = Place("fake", "general", "T1", "general")
OPEN = Room(PUBLIC, "crepuscular", "effulgent", 5)
LISTENERS = [
    PUBLIC,
    Place("fake", "other", "T1", "other-private", private=True),
    Place("fake", "d-cat", "T1", kind=PlaceKind.DIRECT),
    Place("fake", "elsewhere", "T3", "elsewhere"),
    Place("fake", "new", "T1", "just-invited"),
]


async def lives(harness: BotHarness, room: Room) -> None:
    """Everything that a room can do, done there."""
    ada, place = Asker("ada", manager=True, name="Ada"), room.place
    entry = (
        f"@misc{{k, title={{A draft on {room.word} and {room.secret} matters}}, author={{{room.secret.title()}, Ann}}, "
        f"abstract={{Of {room.secret} things.}}}}"
    )
    await harness.invite(place)
    for line in (
        f"teach {entry}",
        f"more {room.liked.id}",
        f"save {room.liked.id}",
        f"more {room.posted.id}",
        f"submit {room.posted.id}",
        f"submit A draft on {room.word} and {room.secret} matters",
        f"subscribe {room.secret} herds",
        f'less "{room.secret} beetles"',
    ):
        told = await harness.say(line, ada, place)
        assert told.ok, (line, told.text)


@pytest.fixture
async def harness(sqlite_store: Store, clock: Clock) -> BotHarness:
    made = harness_over(sqlite_store, clock)
    await made.list_papers(demo_papers()[:40])
    await made.list_papers([one for room in [*SECRET, OPEN] for one in (room.liked, room.posted)])
    for room in [*SECRET, OPEN]:
        await lives(made, room)
    return made


def lines(room: Room) -> list[str]:
    """Every command, said with whatever might bring out what a room did."""
    word, draft = room.word, f"A draft on {room.word} and"
    arguments = {
        "search": [word, f"{word} for us", draft, f"author:{word}", f"{word[:-2]}", "zebras", "draft", "study"],
        "trending": ["day", "week", "month"],
        "similar": [room.liked.id, draft],
        "why": [room.liked.id, room.posted.id, draft],
        "abstract": [room.liked.id, draft],
        "more": [draft],
        "less": [draft],
        "save": [draft],
        "unsave": [draft],
        "submit": [draft],
        "saved": ["", "bib"],
        "subscribe": [],
        "unsubscribe": [],
        "teach": [],
        "schedule": [""],
        "settings": [""],
        "pause": [],
        "resume": [],
        "forget": [""],
    }
    return [f"{command} {argument}".strip() for command in COMMANDS for argument in arguments.get(command, [""])]


async def answers(harness: BotHarness, place: Place, room: Room) -> list[tuple[str, str]]:
    """All that the bot says in a place: to each command, as a button and shared, completed, and at home."""
    told = []
    for line in lines(room):
        told.append((line, str(await harness.say(line, CAT, place))))
        command, _, argument = line.partition(" ")
        for action in (Action("", command, argument), Action("", "share", line)):
            told.append((f"press {line}", str(await harness.app.service.act(place, CAT, action))))
    for typed in (room.word[:4], f"search {room.word[:4]}", "more A draft", "unsubscribe ", "search A study", "saved "):
        told.append((f"typing {typed}", str(await harness.app.service.suggest(place, typed))))
    told.append(("home", str(await harness.app.service.home(place, CAT, [one.address for one in LISTENERS]))))
    return told


@pytest.mark.parametrize("place", LISTENERS, ids=lambda place: place.address)
async def test_nothing_of_a_private_channel_is_shown_in_other_channels(harness: BotHarness, place: Place) -> None:
    await harness.invite(place, by="cat")
    harness.chat.shown[place.address].clear()
    secrets = [room for room in SECRET if room.place != place]
    told = [answer for room in secrets for answer in await answers(harness, place, room)]
    await harness.next_morning()
    await harness.list_papers([paper(900 + number) for number in range(30)])
    await harness.beat()
    told += [("posted", str(post)) for post in harness.chat.shown[place.address]]
    never = [room.secret for room in secrets] + [room.place.name for room in secrets if room.place.name]
    never += ["another channel", "already in another"]
    assert len(told) > 200
    assert [(asked, word) for asked, text in told for word in never if word in text.lower()] == []


async def test_a_private_channel_sees_its_own_history(harness: BotHarness) -> None:
    """Without this the test above could pass because nothing is told at all."""
    for room in [*SECRET, OPEN]:
        told = {
            asked.partition(" ")[0] for asked, text in await answers(harness, room.place, room) if room.secret in text
        }
        assert {"search", "abstract", "topics", "export", "why", "typing", "taste"} <= told, (room.word, told)


async def test_likes_in_private_channels_do_not_count_as_trending_elsewhere(harness: BotHarness) -> None:
    liked = {room.liked.id: room for room in [*SECRET, OPEN]}
    for place in LISTENERS:
        for period in ("day", "week", "month"):
            told = await harness.say(f"trending {period}", CAT, place)
            trending = {line.paper_id for line in told.lines}
            assert not trending & {paper_id for paper_id, room in liked.items() if room is not OPEN}, (place, period)
    assert OPEN.liked.id in {line.paper_id for line in (await harness.say("trending", CAT, PUBLIC)).lines}
    mine = {line.paper_id for line in (await harness.say("trending", CAT, SECRET[0].place)).lines}
    assert {SECRET[0].liked.id, OPEN.liked.id} <= mine


async def test_a_new_channel_learns_nothing_from_private_channels(harness: BotHarness) -> None:
    await harness.next_morning()
    for place in LISTENERS[1:]:
        await harness.invite(place, by="cat")
        async with harness.store.read() as tx:
            profile = await harness.app.digests.profile(tx, (await harness.channel(place)).id)
        said = {one.paper_id for one in profile.neighbours}
        assert not said & {one.id for room in SECRET for one in (room.liked, room.posted)}, place
        assert (OPEN.liked.id in said) == (place.workspace == "T1"), place


async def test_search_lines_tell_of_public_channels_alone(harness: BotHarness) -> None:
    for room in [*SECRET, OPEN]:
        [line] = [
            line
            for line in (await harness.say(f"search {room.word}", CAT, LISTENERS[1])).lines
            if line.paper_id == room.posted.id
        ]
        assert ("posted" in line.detail) == (room is OPEN), room.word
    assert "posted in #general" in line.detail


async def test_a_channel_of_unknown_privacy_counts_as_private(harness: BotHarness) -> None:
    unsure = Place("fake", "c77", "T1", "mpdm-ada--ben--carl-2", private=None)
    await harness.say(f"more {demo_papers()[3].id}", CAT, unsure)
    assert (await harness.channel(unsure)).place.private
    await harness.say(f"more {demo_papers()[3].id}", CAT, replace(unsure, private=None))
    told = await harness.say("trending week", CAT, PUBLIC)
    assert demo_papers()[3].id not in {line.paper_id for line in told.lines}
    await harness.app.service.renamed(replace(unsure, private=None))
    assert (await harness.channel(unsure)).place.private
    await harness.app.service.renamed(replace(unsure, private=False))
    assert not (await harness.channel(unsure)).place.private
