"""The desk: the one door through which platforms reach the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace

import structlog

from bot.channels import about, cards, grammar, home
from bot.channels.conversation import NOT_INVITED, Conversation, Tools, sorry
from bot.channels.values import Action, Asker, Home, Kind, Overview, Place, Reaction, Reply
from bot.channels.verbs import members, schedule, search, taste, topics, votes
from bot.intake import Intake
from bot.platforms.base import Platform
from bot.settings import Digest as NewChannel
from bot.store import channels, papers
from bot.store import topics as topic_rows
from bot.store.channels import Channel
from bot.store.database import StoreError
from bot.store.states import ChannelState

log = structlog.get_logger(__name__)
_SILENT = "My memory does not answer just now, and nothing was changed. Please try again in a moment."
_TITLES = 25
_FURTHEST = 10_000
"""Entries of a list that anybody pages past."""
_LEAST_TYPED = 3
"""Characters from which on titles are offered."""
Say = Callable[[Conversation, str], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be said: how it is written, what it does, and who may."""

    usage: str
    does: str
    say: Say
    managers: bool = False
    listed: bool = True
    open: bool = False
    """Whether its answer only tells what anybody here may see anyway, and so may be shared."""
    paper: bool = False
    """Whether it is about a paper, so that titles complete it."""


async def _help(talk: Conversation, argument: str) -> Reply:
    channel = talk.channel
    async with talk.tools.store.read() as tx:
        known = await talk.tools.digests.known(tx, channel.id)
        followed = await topic_rows.of(tx, channel.id)
    names = ", ".join(f"“{cards.inert(topic.line)}”" for topic in followed[:10]) or "none yet"
    rows = [
        f"Next digest: {schedule.next_digest(channel)}.",
        f"Learned from {cards.count(known.votes, 'vote')} by {cards.count(known.members, 'member')}. Topics: {names}.",
        "",
        "What you can say:",
        *(f"• `/papers {verb.usage}`: {verb.does}" for verb in VERBS.values() if verb.listed),
        "Anything else is a search, as `/papers federated learning`.",
    ]
    return Reply("\n".join(rows))


VERBS: Mapping[str, Verb] = {
    "help": Verb("help", "this list, and how things stand here", _help, open=True),
    "search": Verb(
        'search federated "differential privacy" cat:cs.LG author:mcmahan after:2025 -survey',
        "search; add `for us` to rank by this channel's taste",
        search.search,
        open=True,
        paper=True,
    ),
    "today": Verb("today", "the digest as it would be now", search.today, open=True),
    "trending": Verb("trending [day|week|month]", "the most upvoted and most liked", search.trending, open=True),
    "subscribe": Verb(
        "subscribe federated learning [alert]", "rank a topic up; `-word` mutes one", topics.subscribe, managers=True
    ),
    "unsubscribe": Verb("unsubscribe federated learning", "drop a topic", topics.unsubscribe, managers=True),
    "topics": Verb("topics", "this channel's topics and what each brings", topics.show, open=True),
    "similar": Verb(
        "similar <paper>", "the papers nearest to one (an id, a link or a title)", search.similar, open=True, paper=True
    ),
    "why": Verb("why <paper>", "why it is, or is not, for this channel", taste.why, open=True, paper=True),
    "abstract": Verb("abstract <paper>", "the whole abstract", taste.abstract, open=True, paper=True),
    "more": Verb("more <paper>", "a vote for it, as 👍 on its card", votes.more, paper=True),
    "less": Verb("less <paper>", "a vote against it, as 👎 on its card", votes.less, paper=True),
    "save": Verb("save <paper>", "keep it for yourself", votes.save, paper=True),
    "unsave": Verb("unsave <paper>", "keep it no longer", votes.unsave, listed=False, paper=True),
    "saved": Verb("saved [bib]", "what you keep, also as BibTeX", votes.show_saved),
    "teach": Verb("teach <ids, links or BibTeX>", "start from papers the team loves", votes.teach, managers=True),
    "submit": Verb("submit <arXiv link>", "put a paper before the channel", votes.submit, paper=True),
    "taste": Verb("taste", "what this channel likes and dislikes", taste.taste, open=True),
    "stats": Verb("stats", "how many picks were liked, week by week", taste.stats, open=True),
    "schedule": Verb(
        "schedule 09:00 weekdays Europe/Berlin 5",
        "when digests come and how many cards",
        schedule.schedule,
        managers=True,
    ),
    "pause": Verb("pause", "no digests until `/papers resume`", schedule.pause, managers=True),
    "resume": Verb("resume", "digests again", schedule.resume, managers=True, listed=False),
    "settings": Verb("settings [name value]", "every setting here, the digest's style among them", schedule.settings),
    "forget": Verb("forget me", "delete every trace of you", members.forget),
    "export": Verb("export", "everything this channel has, as JSONL", members.export, managers=True),
}


class FrontDesk:
    """Implements `bot.platforms.base.Desk`."""

    def __init__(self, tools: Tools, intake: Intake, new_channel: NewChannel) -> None:
        self._tools, self._intake, self._new = tools, intake, new_channel

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        """Answer one line of text."""
        command = grammar.parse(line, VERBS)
        return await self._say(place, asker, command.verb, command.argument)

    async def act(self, place: Place, asker: Asker, action: Action, event_id: str = "") -> Reply:
        """Answer a pressed button; `share` shows to all what the line it holds would answer, if all may see that.

        With the event's id, a vote is counted once however often the press is told.
        """
        if action.verb == "share":
            command = grammar.parse(action.argument, VERBS)
            if not VERBS[command.verb].open:
                return sorry("This is yours alone and can't be shared.")
            answer = await self._say(place, asker, command.verb, command.argument, action.offset)
            return replace(answer, public=True, actions=()) if answer.ok else answer
        if action.verb not in VERBS:
            return sorry("This button is from another time; say `/papers help` for what can be done now.")
        return await self._say(place, asker, action.verb, grammar.readable(action.argument), action.offset, event_id)

    async def about(
        self, place: Place, asker: Asker, verb: str, message: str, text: str = "", event_id: str = ""
    ) -> Reply:
        """Do what a verb says with the paper that a message is about: the card that it is, or what its text links to.
        Of several papers it asks which one is meant."""
        if verb not in VERBS or not VERBS[verb].paper:
            return sorry("This is from another time; say `/papers help` for what can be done now.")
        try:
            lines = await about.papers_in(self._tools, place, message, text)
        except StoreError as error:
            log.error("The store did not answer.", why=str(error))
            return sorry(_SILENT)
        if len(lines) == 1:
            return await self.act(place, asker, Action("", verb, lines[0].paper_id), event_id)
        return about.which(verb, lines)

    async def home(self, place: Place, asker: Asker, rooms: Collection[str] = (), offset: int = 0) -> Home:
        """All that is the asker's own; `place` is their direct conversation, `rooms` are the addresses of the channels
        they are in, of which those they manage are told of."""
        try:
            return await home.of(self._tools, place, asker, rooms, min(max(offset, 0), _FURTHEST))
        except StoreError as error:
            log.error("The store did not answer.", why=str(error))
            return Home(Overview(place, _SILENT))

    async def react(self, reaction: Reaction, event_id: str | None = None) -> None:
        """Take in a reaction, exactly once per event id."""
        await self._intake.react(reaction, event_id)

    async def reread(self, platform: Platform, place: Place, message: str) -> None:
        """Read back what stands on a message."""
        await self._intake.reread(platform, place, message)

    async def missed(self, platform: str) -> None:
        """Have the reactions read back soon."""
        await self._intake.missed()

    async def suggest(self, place: Place, line: str, limit: int = 25) -> list[str]:
        """Whole lines that may be meant: verbs, this channel's topics, then titles. None while the store is silent."""
        try:
            return (await self._suggest(place, line))[: max(limit, 0)]
        except StoreError as error:
            log.warning("The store did not answer.", why=str(error))
            return []
        except Exception:
            log.exception("Suggestions broke.")
            return []

    async def joined(self, place: Place, by: str) -> Reply:
        """The bot was invited: digests begin, or go on with everything as it was."""
        now = self._tools.clock()
        channel = await self._open(place, owner=by)
        again = channel.state is ChannelState.LOST
        async with self._tools.store.write() as tx:
            told = {"name": place.name, "private": place.private, "owner": by or channel.owner}
            await channels.change(tx, channel.id, **told)
            if channel.state_reason == NOT_INVITED or (again and channel.next_due_at is not None):
                await schedule.wake(tx, channel, now)
            elif again:  # lost while it was paused: paused it stays
                await channels.change(tx, channel.id, state=ChannelState.PAUSED, state_reason="paused here")
            channel = await channels.get(tx, channel.id) or channel
        hello = (
            "I am back, with everything I knew."
            if again
            else "Hello, I am Paperboy: I bring the new papers this channel will like."
        )
        return Reply(
            f"{hello} Next digest: {schedule.next_digest(channel)}.\n"
            "React to a card with 👍 or 👎 and I learn. `/papers subscribe federated learning` (any topic) gives me a "
            "start, `/papers schedule 09:00 weekdays Europe/Berlin 5` sets the hour, `/papers help` tells the rest.",
            public=True,
        )

    async def left(self, place: Place, why: str) -> None:
        """The bot may not write there any more: everything is kept until it is invited again."""
        channel = await self._find(place)
        if channel and channel.state_reason != NOT_INVITED:
            async with self._tools.store.write() as tx:
                await channels.change(tx, channel.id, state=ChannelState.LOST, state_reason=why)

    async def renamed(self, place: Place) -> None:
        """The place has a new name, or became private or public."""
        channel = await self._find(place)
        if channel:
            async with self._tools.store.write() as tx:
                await channels.change(tx, channel.id, name=place.name, private=place.private)

    async def dismissed(self, platform: str, workspace: str, why: str) -> None:
        """The bot may act nowhere in a workspace any more: everything there is kept."""
        async with self._tools.store.write() as tx:
            await channels.lose_all(tx, platform, workspace, why)

    async def roll_call(self, platform: str, workspace: str, rooms: Collection[Place]) -> list[tuple[Place, Reply]]:
        """These are the rooms that the bot is in now: what was lost there goes on. A conversation with one member is
        no room that anybody can put the bot out of: it goes on as well, and is greeted if it gets digests."""
        async with self._tools.store.read() as tx:
            known = await channels.of_workspace(tx, platform, workspace)
        there, greetings = {room.address: room for room in rooms}, []
        for channel in known:
            room = there.get(channel.place.address)
            if channel.state is ChannelState.LOST and (room or channel.place.kind is Kind.DIRECT):
                greeting = await self.joined(room or channel.place, "")
                if room or channel.next_due_at:
                    greetings.append((room or channel.place, greeting))
            elif room and (room.name, room.private) != (channel.place.name, channel.place.private):
                await self.renamed(room)
        return greetings

    async def _suggest(self, place: Place, line: str) -> list[str]:
        typed = line.lstrip().casefold()
        first, space, rest = typed.partition(" ")
        lines = [name for name in VERBS if name.startswith(typed)] if not space else []
        channel = await self._find(place)
        if channel:
            async with self._tools.store.read() as tx:
                followed = [topic.query for topic in await topic_rows.of(tx, channel.id)]
            verb = f"{first} " if space and first in ("search", "unsubscribe") else ""
            start = rest if verb else typed
            lines += [verb + query for query in followed if query.casefold().startswith(start)]
        spoken = VERBS.get(first) if space else None
        wanted = rest if spoken else typed
        if len(wanted) >= _LEAST_TYPED and (spoken is None or spoken.paper):
            found = await asyncio.to_thread(self._tools.library.engine.search, wanted, _TITLES)
            titles = await self._titles([hit.paper_id for hit in found])
            lines += [f"{first if spoken else 'search'} {title}" for title in titles]
        return list(dict.fromkeys(lines))

    async def _say(
        self, place: Place, asker: Asker, verb: str, argument: str, offset: int = 0, event_id: str = ""
    ) -> Reply:
        spoken = VERBS[verb]
        try:
            channel = await self._open(place, owner=asker.member if place.kind is Kind.DIRECT else "")
            offset = min(max(offset, 0), _FURTHEST)
            talk = Conversation(self._tools, place, asker, channel, self._tools.clock(), offset, event_id)
            # To look at the schedule is open to all; to change it is not.
            if spoken.managers and not talk.may_manage and (argument or verb != "schedule"):
                return schedule.not_yours()
            return await spoken.say(talk, argument)
        except StoreError as error:
            log.error("The store did not answer.", why=str(error))
            return sorry(_SILENT)
        except Exception:
            # A guest gets an answer whatever breaks; who runs the bot gets the trace.
            log.exception("A question broke.", verb=verb)
            return sorry("That went wrong, and it is not your fault. Please try again, or ask for something else.")

    async def _find(self, place: Place) -> Channel | None:
        async with self._tools.store.read() as tx:
            return await channels.find(tx, place)

    async def _open(self, place: Place, owner: str) -> Channel:
        """The channel at a place; one never seen is remembered as paused, since nobody asked for digests there."""
        found = await self._find(place)
        if found:
            if place.private and not found.place.private:
                await self.renamed(replace(place, name=place.name or found.place.name))
            return found
        async with self._tools.store.write() as tx:
            found = await channels.find(tx, place)
            if found:
                return found
            await channels.add(
                tx,
                place,
                owner=owner,
                hour=self._new.hour,
                days=self._new.days,
                zone=self._new.zone,
                count=self._new.count,
                bar=self._new.bar,
                guess=self._new.guess,
                style=self._new.style,
                created_at=self._tools.clock(),
            )
            channel = await channels.find(tx, place)
            assert channel is not None
            await channels.change(tx, channel.id, state=ChannelState.PAUSED, state_reason=NOT_INVITED)
            return await channels.get(tx, channel.id) or channel

    async def _titles(self, paper_ids: list[str]) -> list[str]:
        async with self._tools.store.read() as tx:
            return [cards.inert(paper.title) for paper in (await papers.get_many(tx, paper_ids)).values()]
