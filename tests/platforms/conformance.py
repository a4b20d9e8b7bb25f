"""What every platform must do, as tests. A platform joins by a subclass of `PlatformConformance` that builds its own
`PlatformUnderTest`: the real platform code against a server (or a room) of its own, and people who use it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from bot.digests.feedback import plain_emoji
from bot.model.charts import Bar, BarChart, BarGroup
from bot.model.messages import Action, Attachment, Card, Form, FormField, Line, Link, Message, Place, Reply
from bot.model.number_emoji import keycap, number_of
from bot.ports.platform import AccessLost, NotAccepted, Platform, PlatformError, Rejected, Rewriting, Uncertain
from tests.platforms.recording_service import RecordingService


@dataclass(frozen=True)
class Seen:
    """A message as a person in the channel sees it: all its words, in whatever dress; `thread` is the message in whose
    thread it stands."""

    id: str
    text: str
    thread: str = ""


class PlatformUnderTest(Protocol):
    """One platform with its people. `start` was called before a test gets it; `stop` is called after."""

    service: RecordingService
    place: Place
    """A channel the bot has been invited to."""
    elsewhere: Place
    """Another one."""
    custom_emoji: str
    """An emoji of the platform's or the workspace's own, as the core gets to see it."""

    @property
    def platform(self) -> Platform:
        """The platform as it runs now: another object after `restart`."""
        ...

    def now(self) -> datetime:
        """The platform's own time."""
        ...

    async def start(self) -> None:
        """Run the platform over `service`, and return when it serves."""
        ...

    async def stop(self) -> None:
        """Cancel `run` and return when it has ended."""
        ...

    async def restart(self) -> None:
        """End the process and start another: nothing is left in memory, all that the platform keeps is."""
        ...

    async def seen(self, place: Place) -> list[Seen]:
        """The messages that everybody in the channel and in its threads sees, oldest first."""
        ...

    async def ask(self, member: str, line: str) -> str:
        """A member asks in `place`; what the member is shown."""
        ...

    async def press(self, member: str, message: str, command: str) -> str:
        """A member presses the button of a card that says `command`; what the member is shown."""
        ...

    async def press_number(self, member: str, message: str, number: int) -> str:
        """A member presses the button of a numbered paper, or types it; what the member is shown."""
        ...

    async def press_offered(self, member: str, label: str) -> str:
        """A member presses a button under the last answer; what the member is shown."""
        ...

    async def react(self, member: str, message: str, emoji: str, *, on: bool = True) -> None:
        """A member puts an emoji on a message of `place` or takes it back, and the service has been told.

        A number, as 2️⃣, is put only on a message of numbered lines.
        """
        ...

    async def bot_reacts(self, message: str, emoji: str) -> None:
        """The bot itself puts an emoji on a message; nothing happens where bots can't."""
        ...

    def trouble(self, error: type[PlatformError]) -> AbstractContextManager[Message]:
        """While held, sending the given message ends in this error, from the platform's own cause for it.

        For `Uncertain` the message does arrive, and the answer is lost.
        """
        ...


CARD = Card(
    "2310.01234",
    "Federated optimisation with unlike clients",
    url="https://arxiv.org/abs/2310.01234",
    authors="Ada Lovelace, Alan Turing + 3",
    organization="Analytical Society",
    published=date(2023, 10, 2),
    upvotes=12,
    comments=3,
    summary="Clients differ. We show what follows.",
    why="because you liked “Secure sums” on Tuesday: federated, non-iid",
    note="already in #ml-theory",
    category="cs.LG",
    source="Example Letters",
    links=(
        Link("PDF", "https://arxiv.org/pdf/2310.01234"),
        Link("Code", "https://github.com/example/unlike?tab=readme&x=1"),
    ),
)
PICKS = Message(
    "Like them by number:",
    lines=tuple(Line(str(n), f"Paper {letter}", f"https://x.org/{n}") for n, letter in enumerate("ABCDEFGHIJ", 1)),
    numbered=True,
)
HOSTILE = "<!channel> @everyone <@U1> [bold]x[/bold] *b* \x1b[2J\x1b]0;owned\x07 \u202eevil\u2066 </b> `rm` \x00\x9b31m"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class PlatformConformance:
    """Subclass it, and give `build`."""

    def build(self, folder: Path) -> AbstractAsyncContextManager[PlatformUnderTest]:
        """A fresh platform that keeps what it keeps in `folder`, started."""
        raise NotImplementedError

    @pytest.fixture
    async def under_test(self, tmp_path: Path) -> AsyncIterator[PlatformUnderTest]:
        async with self.build(tmp_path / "one") as under_test:
            yield under_test

    async def test_a_person_sees_the_cards_title_link_and_reason(self, under_test: PlatformUnderTest) -> None:
        message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        (seen,) = await under_test.seen(under_test.place)
        assert seen.id == message
        for text in (CARD.title, CARD.url, CARD.why, CARD.authors, CARD.organization, CARD.summary, CARD.note, "12"):
            assert text in seen.text

    async def test_words_and_lists_are_shown(self, under_test: PlatformUnderTest) -> None:
        lines = tuple(Line(str(n), f"Title {n}", f"https://arxiv.org/abs/{n}", f"detail {n}") for n in range(10))
        await under_test.platform.send(under_test.place, Message("Also today", lines=lines), "key-1")
        (seen,) = await under_test.seen(under_test.place)
        assert "Also today" in seen.text
        assert all(line.title in seen.text for line in lines)

    async def test_a_guess_is_marked(self, under_test: PlatformUnderTest) -> None:
        await under_test.platform.send(
            under_test.place, Message(card=Card("1", "Out of the blue", guess=True)), "key-1"
        )
        (seen,) = await under_test.seen(under_test.place)
        assert "🎲" in seen.text

    async def test_the_same_key_shows_one_message(self, under_test: PlatformUnderTest) -> None:
        if not under_test.platform.capabilities.idempotent_for:
            pytest.skip("this platform does not promise it")
        ids = [await under_test.platform.send(under_test.place, Message(card=CARD), "key-1") for _ in range(3)]
        assert len(set(ids)) == 1
        assert [seen.id for seen in await under_test.seen(under_test.place)] == ids[:1]

    async def test_different_keys_show_messages_in_their_order(self, under_test: PlatformUnderTest) -> None:
        ids = [await under_test.platform.send(under_test.place, Message("the same"), f"key-{n}") for n in range(4)]
        assert [seen.id for seen in await under_test.seen(under_test.place)] == ids
        assert len(set(ids)) == 4

    async def test_a_posted_key_is_found_after_a_restart(self, under_test: PlatformUnderTest) -> None:
        if not under_test.platform.capabilities.lookup:
            pytest.skip("this platform does not promise it")
        since = under_test.now() - timedelta(minutes=1)
        message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        await under_test.restart()
        assert await under_test.platform.find(under_test.place, "key-1", since) == message

    async def test_an_unknown_key_is_not_found(self, under_test: PlatformUnderTest) -> None:
        await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        assert await under_test.platform.find(under_test.place, "key-2", LONG_AGO) is None
        assert await under_test.platform.find(under_test.elsewhere, "key-1", LONG_AGO) is None

    async def test_a_key_is_found_behind_a_known_message_whatever_our_clock_says(
        self, under_test: PlatformUnderTest
    ) -> None:
        platform, place = under_test.platform, under_test.place
        if not platform.capabilities.lookup:
            pytest.skip("this platform does not promise it")
        ids = [await platform.send(place, Message(f"message {n}"), f"key-{n}") for n in range(3)]
        await under_test.restart()
        assert await under_test.platform.find(place, "key-2", after=ids[1]) == ids[2]
        assert await under_test.platform.find(place, "key-2", after=ids[0]) == ids[2]
        assert await under_test.platform.find(place, "key-3", after=ids[2]) is None

    async def test_a_key_is_found_where_nothing_says_from_when_on(self, under_test: PlatformUnderTest) -> None:
        platform, place = under_test.platform, under_test.place
        if not platform.capabilities.lookup:
            pytest.skip("this platform does not promise it")
        ids = [await platform.send(place, Message(f"message {n}"), f"key-{n}") for n in range(3)]
        assert [await platform.find(place, f"key-{n}") for n in range(4)] == [*ids, None]

    async def test_a_key_in_a_thread_is_found_behind_its_header(self, under_test: PlatformUnderTest) -> None:
        platform, place = _with_threads(under_test), under_test.place
        if not platform.capabilities.lookup:
            pytest.skip("this platform does not promise it")
        header = await platform.send(place, Message("One paper."), "key-1")
        card = await platform.send(place, Message(card=CARD, thread=header), "key-2")
        assert await platform.find(place, "key-2", thread=header, after=header) == card
        assert await platform.find(place, "key-3", thread=header, after=card) is None

    async def test_reactions_are_read_back_without_those_of_bots(self, under_test: PlatformUnderTest) -> None:
        if not under_test.platform.capabilities.reads_reactions:
            pytest.skip("this platform does not promise it")
        message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        await under_test.bot_reacts(message, "👍")
        await under_test.react("ada", message, "👍")
        await under_test.react("ada", message, "🔥")
        await under_test.react("bo", message, "👎")
        await under_test.react("ada", message, "🔥", on=False)
        await under_test.restart()
        standing = await under_test.platform.reactions(under_test.place, message)
        told = {(each.member, each.emoji) for each in under_test.service.reactions if each.on}
        assert len(standing) == 2
        assert {plain_emoji(emoji) for _, emoji in standing} == {"👍", "👎"}
        assert set(standing) <= told, "read back and told, a reaction must be the same one"

    async def test_cards_in_a_thread_stand_under_their_header_alone(self, under_test: PlatformUnderTest) -> None:
        platform, place = _with_threads(under_test), under_test.place
        header = await platform.send(place, Message("Two papers."), "key-1")
        other = await platform.send(place, Message("Another day."), "key-2")
        cards = [
            await platform.send(place, Message(card=replace(CARD, paper_id=str(n)), thread=header), f"key-{n}")
            for n in (3, 4)
        ]
        seen = await under_test.seen(place)
        assert [(each.id, each.thread) for each in seen if not each.thread] == [(header, ""), (other, "")]
        assert [(each.id, each.thread) for each in seen if each.thread] == [(card, header) for card in cards]
        assert all(CARD.title in each.text for each in seen if each.thread)

    async def test_a_key_in_a_thread_is_found_there_after_a_restart(self, under_test: PlatformUnderTest) -> None:
        platform, place = _with_threads(under_test), under_test.place
        if not platform.capabilities.lookup:
            pytest.skip("this platform does not promise it")
        since = under_test.now() - timedelta(minutes=1)
        header = await platform.send(place, Message("One paper."), "key-1")
        card = await platform.send(place, Message(card=CARD, thread=header), "key-2")
        await under_test.restart()
        assert await under_test.platform.find(place, "key-2", since, header) == card
        assert await under_test.platform.find(place, "key-1", since) == header
        assert await under_test.platform.find(place, "key-3", since, header) is None

    async def test_a_lost_answer_to_a_card_in_a_thread_leads_to_one_message(
        self, under_test: PlatformUnderTest
    ) -> None:
        platform, place = _with_threads(under_test), under_test.place
        since = under_test.now() - timedelta(minutes=1)
        header = await platform.send(place, Message("One paper."), "key-1")
        with under_test.trouble(Uncertain) as message, pytest.raises(Uncertain):
            await platform.send(place, replace(message, thread=header), "key-2")
        if platform.capabilities.idempotent_for:
            await platform.send(place, replace(message, thread=header), "key-2")
        elif platform.capabilities.lookup:
            assert await platform.find(place, "key-2", since, header)
        assert [each.thread for each in await under_test.seen(place)] == ["", header]

    async def test_a_card_in_a_thread_takes_reactions_and_buttons(self, under_test: PlatformUnderTest) -> None:
        platform, place = _with_threads(under_test), under_test.place
        header = await platform.send(place, Message("One paper."), "key-1")
        card = await platform.send(place, Message(card=CARD, thread=header), "key-2")
        await under_test.react("ada", card, "👍")
        [reaction] = under_test.service.reactions
        assert (reaction.message, reaction.place.address, plain_emoji(reaction.emoji)) == (card, place.address, "👍")
        assert await platform.reactions(place, card) == [(reaction.member, reaction.emoji)]
        assert await platform.reactions(place, header) == []
        assert "It is so." in await under_test.press("ada", card, "save")

    async def test_numbered_papers_show_their_numbers_and_take_reactions_by_number(
        self, under_test: PlatformUnderTest
    ) -> None:
        platform, place = under_test.platform, under_test.place
        most = platform.capabilities.numbers
        if not most:
            pytest.skip("this platform does not promise it")
        message = await platform.send(place, replace(PICKS, lines=PICKS.lines[:most]), "key-1")
        [seen] = await under_test.seen(place)
        for number, line in enumerate(PICKS.lines[:most], 1):
            assert re.search(rf"({number}|{keycap(number)})\W+{line.title}", seen.text), seen.text
        for number in (1, 2, most):
            await under_test.react("ada", message, keycap(number))
        await under_test.react("ada", message, keycap(2), on=False)
        told = [(number_of(each.emoji), each.on, each.message) for each in under_test.service.reactions]
        assert told == [(1, True, message), (2, True, message), (most, True, message), (2, False, message)]
        if platform.capabilities.reads_reactions:
            standing = await platform.reactions(place, message)
            assert sorted(number_of(emoji) for _, emoji in standing) == [1, most]

    async def test_a_numbered_paper_is_liked_by_its_button_too(self, under_test: PlatformUnderTest) -> None:
        platform, place = under_test.platform, under_test.place
        most = platform.capabilities.numbers
        if not most:
            pytest.skip("this platform does not promise it")
        message = await platform.send(place, replace(PICKS, lines=PICKS.lines[:most]), "key-1")
        for number in (1, most):
            assert "It is so." in await under_test.press_number("ada", message, number)
        pressed = [(action.command, action.argument) for _, _, action in under_test.service.acted]
        assert pressed == [("more", "1"), ("more", str(most))]
        assert {there.address for there, _, _ in under_test.service.acted} == {place.address}

    async def test_titles_below_the_cards_have_numbers_of_their_own_also_in_a_thread(
        self, under_test: PlatformUnderTest
    ) -> None:
        platform, place = _with_threads(under_test), under_test.place
        header = await platform.send(place, Message("One paper."), "key-1")
        card = await platform.send(place, Message(card=CARD), "key-2")
        titles = await platform.send(place, replace(PICKS, further=True, thread=header), "key-3")
        await under_test.react("ada", card, "👍")
        await under_test.react("ada", titles, keycap(1))
        await under_test.react("ada", titles, keycap(1), on=False)
        told = [(each.message, each.on) for each in under_test.service.reactions]
        assert told == [(card, True), (titles, True), (titles, False)]
        assert [number_of(each.emoji) for each in under_test.service.reactions] == [0, 1, 1]
        assert "It is so." in await under_test.press_number("ada", titles, 2)
        assert [(action.command, action.argument) for _, _, action in under_test.service.acted] == [("more", "2")]

    async def test_a_card_written_anew_stands_in_its_place_with_what_was_voted_by_button(
        self, under_test: PlatformUnderTest
    ) -> None:
        platform, place = _rewriting(under_test), under_test.place
        since = under_test.now() - timedelta(minutes=1)
        card = await under_test.platform.send(place, Message(card=CARD), "key-1")
        await under_test.platform.send(place, Message("below"), "key-2")
        before = await under_test.seen(place)
        for _ in range(2):
            await platform.rewrite(place, card, Message(card=replace(CARD, tally="By button: 👍 2")), "key-1")
        first, below = await under_test.seen(place)
        assert (first.id, below) == (card, before[1])
        for text in (CARD.title, CARD.url, CARD.why, CARD.note, "By button: 👍 2"):
            assert text in first.text
        await platform.rewrite(place, card, Message(card=CARD), "key-1")
        assert await under_test.seen(place) == before
        if under_test.platform.capabilities.lookup:
            await under_test.restart()
            assert await under_test.platform.find(place, "key-1", since) == card

    async def test_a_card_written_anew_keeps_its_emoji_and_its_buttons(self, under_test: PlatformUnderTest) -> None:
        platform, place = _rewriting(under_test), under_test.place
        card = await under_test.platform.send(place, Message(card=CARD), "key-1")
        await under_test.react("ada", card, "👍")
        await platform.rewrite(place, card, Message(card=replace(CARD, tally="By button: 👍 2")), "key-1")
        [reaction] = under_test.service.reactions
        assert await under_test.platform.reactions(place, card) == [(reaction.member, reaction.emoji)]
        assert "It is so." in await under_test.press("ada", card, "more")
        [(_, _, action)] = under_test.service.acted
        assert (action.command, action.argument) == ("more", CARD.paper_id)

    async def test_a_message_in_a_thread_and_one_of_several_papers_are_written_anew(
        self, under_test: PlatformUnderTest
    ) -> None:
        platform, place = _rewriting(under_test), under_test.place
        header = await _with_threads(under_test).send(place, Message("Ten papers."), "key-1")
        posted = replace(PICKS, thread=header)
        titles = await under_test.platform.send(place, posted, "key-2")
        first, second, *rest = PICKS.lines
        lines = (first, replace(second, tally="By button: 👍 1"), *rest)
        await platform.rewrite(place, titles, replace(posted, lines=lines), "key-2")
        _, seen = await under_test.seen(place)
        assert (seen.id, seen.thread) == (titles, header)
        assert re.search(r"Paper B[^A-J]*By button: 👍 1", seen.text), seen.text
        assert seen.text.count("By button") <= 2, "once for the eye, and perhaps once for who listens"
        assert "It is so." in await under_test.press_number("ada", titles, 2)

    @pytest.mark.parametrize("sentence", ["This sentence is repeated. ", "这句话会重复很多次。 ", "<&> 😀 "])
    async def test_a_long_message_that_was_taken_is_taken_again(
        self, under_test: PlatformUnderTest, sentence: str
    ) -> None:
        platform, place = _rewriting(under_test), under_test.place
        long = sentence * 2_000
        card = Card("1", long, "https://x.org/1", long, long, summary=long, why=long, note=long)
        lines = tuple(replace(line, title=f"{line.title} {long}", detail=long, note=long) for line in PICKS.lines)
        for key, message in (("key-1", Message(long, card)), ("key-2", replace(PICKS, text=long, lines=lines))):
            posted = await under_test.platform.send(place, message, key)
            tallied = replace(
                message,
                card=replace(card, tally="By button: 👍 2") if message.card else None,
                lines=tuple(replace(line, tally="By button: 👍 2") for line in message.lines),
            )
            await platform.rewrite(place, posted, tallied, key)
        assert all("By button: 👍 2" in seen.text for seen in await under_test.seen(place))

    async def test_numbered_papers_of_any_length_and_malice_are_shown(self, under_test: PlatformUnderTest) -> None:
        if not under_test.platform.capabilities.numbers:
            pytest.skip("this platform does not promise it")
        long = "This sentence is repeated. " * 400
        lines = [Line(str(n), f"{letter} {HOSTILE} {long}", f"https://x.org/{'a' * 450}", long, long + HOSTILE)
                 for n, letter in enumerate("ABCDEFGHIJ", 1)]  # fmt: skip
        await under_test.platform.send(under_test.place, Message(long, lines=tuple(lines), numbered=True), "key-1")
        [seen] = await under_test.seen(under_test.place)
        for number, letter in enumerate("ABCDEFGHIJ", 1):
            assert re.search(rf"({number}|{keycap(number)})\W+{letter} ", seen.text)

    async def test_a_message_without_reactions_has_none(self, under_test: PlatformUnderTest) -> None:
        message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        assert await under_test.platform.reactions(under_test.place, message) == []

    async def test_a_reaction_reaches_the_service_on_and_off_with_the_time_in_utc(
        self, under_test: PlatformUnderTest
    ) -> None:
        _interactive(under_test)
        message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        await under_test.react("ada", message, "👍")
        await under_test.react("ada", message, "👍", on=False)
        on, off = under_test.service.reactions
        assert (on.on, off.on) == (True, False)
        assert on.at < off.at
        for each in (on, off):
            assert (each.message, each.member, plain_emoji(each.emoji)) == (message, on.member, "👍")
            assert (each.place.platform, each.place.address) == (under_test.platform.name, under_test.place.address)
            assert each.at.utcoffset() == timedelta(0)
            assert abs(each.at - under_test.now()) < timedelta(minutes=1)

    async def test_skin_tones_and_custom_emoji_arrive_as_the_core_knows_them(
        self, under_test: PlatformUnderTest
    ) -> None:
        _interactive(under_test)
        message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        for emoji in ("👍🏽", "❤️", under_test.custom_emoji):
            await under_test.react("ada", message, emoji)
        told = [plain_emoji(each.emoji) for each in under_test.service.reactions]
        assert told == ["👍", "❤", under_test.custom_emoji]

    async def test_hostile_text_is_shown_and_does_nothing(self, under_test: PlatformUnderTest) -> None:
        card = Card(
            "1", HOSTILE, f"https://x.org/{HOSTILE}", HOSTILE, HOSTILE, None, 0, 0, HOSTILE, HOSTILE, note=HOSTILE
        )
        message = Message(HOSTILE, card, (Line("2", HOSTILE, "javascript:alert(1)", HOSTILE),))
        await under_test.platform.send(under_test.place, message, "key-1")
        under_test.service.answer = Reply(HOSTILE, message.lines, (card,), (Action(HOSTILE, "share", "x"),))
        answers = [await under_test.ask("ada", "hostile")] if under_test.platform.capabilities.interactive else []
        (seen,) = await under_test.seen(under_test.place)
        for text in (seen.text, *answers):
            assert "evil" in text
            assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cf") and char not in "\n\t\r"]

    async def test_a_text_that_is_too_long_is_cut_and_not_refused(self, under_test: PlatformUnderTest) -> None:
        most = under_test.platform.capabilities.max_text
        long = "This sentence is repeated. " * (3 * most // 27)
        card = Card("1", long, f"https://x.org/{'a' * 3000}", long, long, summary=long, why=long, note=long)
        await under_test.platform.send(under_test.place, Message(long), "key-1")
        await under_test.platform.send(under_test.place, Message(long, card), "key-2")
        words, whole = await under_test.seen(under_test.place)
        assert words.text.lstrip().startswith("This sentence is repeated.")
        assert len(re.sub(r"\s+", " ", words.text).strip()) <= most
        assert len(whole.text) < len(long) * 2

    async def test_an_answer_is_for_the_asker_alone(self, under_test: PlatformUnderTest) -> None:
        if not under_test.platform.capabilities.private_replies:
            pytest.skip("this platform does not promise it")
        under_test.service.answer = Reply("Between you and me.")
        assert "Between you and me." in await under_test.ask("ada", "federated")
        assert await under_test.seen(under_test.place) == []

    async def test_a_question_reaches_the_service_as_it_was_typed(self, under_test: PlatformUnderTest) -> None:
        _interactive(under_test)
        line = '"differential privacy" cat:cs.LG author:mcmahan -survey 量子'
        await under_test.ask("ada", line)
        ((place, asker, asked),) = under_test.service.asked
        assert (place.address, asked) == (under_test.place.address, line)
        assert asker.member

    @pytest.mark.parametrize("command", ["more", "less", "save", "similar", "abstract"])
    async def test_a_cards_button_reaches_the_service(self, under_test: PlatformUnderTest, command: str) -> None:
        _interactive(under_test)
        message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        assert "It is so." in await under_test.press("ada", message, command)
        ((_, _, action),) = under_test.service.acted
        assert (action.command, action.argument) == (command, CARD.paper_id)

    async def test_an_offered_action_reaches_the_service_whole(self, under_test: PlatformUnderTest) -> None:
        _interactive(under_test)
        offered = Action("More", "search", "federated learning", 5)
        under_test.service.answer = Reply(
            "Found.", (Line("1", "A hit"),), actions=(offered, Action("Share", "share", "x"))
        )
        await under_test.ask("ada", "federated learning")
        await under_test.press_offered("ada", "More")
        assert [action for _, _, action in under_test.service.acted] == [offered]

    async def test_every_part_of_an_answer_is_shown(self, under_test: PlatformUnderTest) -> None:
        _interactive(under_test)
        under_test.service.answer = Reply(
            "Here is all of it.",
            lines=(Line("7", "A hit", "https://arxiv.org/abs/7", "posted 3 May"),),
            cards=(CARD,),
            actions=(Action("Share", "share", "x"),),
            attachment=Attachment("saved.bib", "@article{a}\n"),
            form=Form(
                "schedule", "When digests come", (FormField("hour", "At what hour", "09:00", ("09:00", "17:00")),)
            ),
        )
        answer = await under_test.ask("ada", "everything")
        shown = (
            "Here is all of it.",
            "A hit",
            "posted 3 May",
            CARD.title,
            "Share",
            "saved.bib",
            "When digests come",
            "09:00",
        )
        assert [text for text in shown if text not in answer] == [], answer

    async def test_an_answer_with_a_chart_keeps_its_text_for_those_who_see_no_picture(
        self, under_test: PlatformUnderTest
    ) -> None:
        _interactive(under_test)
        taste = BarChart("What it likes", "privacy", (BarGroup("Words", (Bar("privacy", 1.0),)),))
        under_test.service.answer = Reply("Learned from 3 votes.\nWords it likes: privacy.", charts=(taste,))
        answer = await under_test.ask("ada", "taste")
        assert "Learned from 3 votes." in answer
        assert "Words it likes: privacy." in answer
        assert await under_test.seen(under_test.place) == [], "the asker alone sees it"

    async def test_a_private_word_is_not_posted(self, under_test: PlatformUnderTest) -> None:
        await under_test.platform.tell(under_test.place, "ada", "I can't post there any more.")
        assert await under_test.seen(under_test.place) == []

    @pytest.mark.parametrize("error", [NotAccepted, Rejected, AccessLost])
    async def test_a_failure_has_its_type_and_nothing_is_posted(
        self, under_test: PlatformUnderTest, error: type[PlatformError]
    ) -> None:
        await under_test.platform.send(under_test.place, Message("before"), "key-0")
        with under_test.trouble(error) as message, pytest.raises(error) as caught:
            await under_test.platform.send(under_test.place, message, "key-1")
        assert type(caught.value) is error
        assert str(caught.value)
        assert len(await under_test.seen(under_test.place)) == 1
        await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        assert len(await under_test.seen(under_test.place)) == 2

    async def test_a_lost_answer_is_uncertain_and_leads_to_one_message(self, under_test: PlatformUnderTest) -> None:
        since = under_test.now() - timedelta(minutes=1)
        with under_test.trouble(Uncertain) as message, pytest.raises(Uncertain):
            await under_test.platform.send(under_test.place, message, "key-1")
        if under_test.platform.capabilities.idempotent_for:
            await under_test.platform.send(under_test.place, message, "key-1")
        elif under_test.platform.capabilities.lookup:
            assert await under_test.platform.find(under_test.place, "key-1", since)
        assert len(await under_test.seen(under_test.place)) == 1

    async def test_it_can_be_cancelled_and_started_again(self, under_test: PlatformUnderTest) -> None:
        message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
        for _ in range(2):
            await under_test.stop()
            await under_test.start()
        assert await under_test.platform.send(under_test.place, Message(card=CARD), "key-2") != message
        _interactive(under_test)
        await under_test.react("ada", message, "👍")
        assert "It is so." in await under_test.ask("ada", "federated")
        assert [(each.message, each.on) for each in under_test.service.reactions] == [(message, True)]

    async def test_two_of_them_side_by_side_do_not_mix(self, under_test: PlatformUnderTest, tmp_path: Path) -> None:
        async with self.build(tmp_path / "two") as other:
            message = await under_test.platform.send(under_test.place, Message(card=CARD), "key-1")
            assert await other.seen(other.place) == []
            assert await other.platform.find(other.place, "key-1", LONG_AGO) is None
            _interactive(under_test)
            await under_test.react("ada", message, "👍")
            await other.ask("bo", "federated")
            assert await other.seen(other.place) == []
            assert not other.service.reactions
            assert not under_test.service.asked


def _rewriting(under_test: PlatformUnderTest) -> Rewriting:
    if not isinstance(under_test.platform, Rewriting):
        pytest.skip("this platform writes nothing anew")
    return under_test.platform


def _interactive(under_test: PlatformUnderTest) -> None:
    if not under_test.platform.capabilities.interactive:
        pytest.skip("members can neither ask nor react on this platform")


def _with_threads(under_test: PlatformUnderTest) -> Platform:
    if not under_test.platform.capabilities.threads:
        pytest.skip("this platform has no threads")
    return under_test.platform
