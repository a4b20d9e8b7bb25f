"""The service: everything that platforms may ask of the bot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import structlog

from bot import metrics
from bot.commands import intents, parser, schedule, votes
from bot.commands.context import CommandContext, Services, error_reply
from bot.commands.names import SEARCH
from bot.commands.parser import ParsedLine
from bot.jobs.reactions import ReactionRecorder
from bot.logs import current_event
from bot.model.channel_defaults import ChannelDefaults
from bot.model.commands import sanitize
from bot.model.messages import SHARE, Action, Asker, Home, Overview, Place, PlaceKind, Reaction, Reply
from bot.model.text import cut, plain_text
from bot.service import home, message_papers
from bot.service.autocomplete import suggestions
from bot.service.limiter import ConcurrencyLimiter
from bot.service.memberships import ChannelMembership
from bot.store.database import high_priority
from bot.store.errors import StoreError

log = structlog.get_logger(__name__)
_SILENT = "My memory does not answer just now, and nothing was changed. Please try again in a moment."
_LONGEST_SEARCH, _LABEL = 200, 40
_FURTHEST = 10_000
"""The largest offset that a list can be paged to."""
_ANSWERED_AT_ONCE, _TURN_SECONDS = 2, 1.0


class BotService:
    """Implements `bot.ports.platform.BotApi`. A new channel gets the `defaults`."""

    def __init__(self, services: Services, reactions: ReactionRecorder, defaults: ChannelDefaults) -> None:
        self._services, self._reactions, self._commands = services, reactions, services.commands
        self._limiter = ConcurrencyLimiter(_ANSWERED_AT_ONCE, _TURN_SECONDS)
        self._memberships = memberships = ChannelMembership(services, defaults)
        self.joined, self.left, self.renamed = memberships.joined, memberships.left, memberships.renamed
        self.workspace_removed = memberships.workspace_removed
        self.sync_memberships = memberships.sync_memberships

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        """Answer one line of text, or several pasted commands. Where a line means a command without naming it, a button
        searches for its words."""
        lines = parser.split_commands(line, self._commands)
        with metrics.ANSWER_SECONDS.labels(place.platform).time():
            if len(lines) > 1:
                return joined([await self._answer(place, asker, each) for each in lines])
            return await self._answer(place, asker, line)

    async def _answer(self, place: Place, asker: Asker, line: str) -> Reply:
        parsed = parser.parse(line, self._commands)
        intent = intents.mistyped(parsed.argument, self._commands) if parsed.argument == sanitize(line) else None
        if intent and not await self._is_word(intent.typed):
            parsed = ParsedLine(intent.name, intent.argument, parsed.argument, intent.typed)
        reply = await self._dispatch(place, asker, parsed.name, parsed.argument)
        return with_search(reply, parsed)

    async def act(self, place: Place, asker: Asker, action: Action, event_id: str = "") -> Reply:
        """Answer a pressed button. A share button shows the answer to its line to everybody, if everybody may see it.

        With the event's id, a vote is counted once, however often the platform reports the press.
        """
        if action.command == SHARE:
            parsed = parser.parse(action.argument, self._commands)
            if not self._commands[parsed.name].shareable:
                return error_reply("This is yours alone and can't be shared.")
            answer = await self._dispatch(place, asker, parsed.name, parsed.argument, action.offset)
            return replace(answer, public=True, actions=()) if answer.ok else answer
        if action.command not in self._commands:
            return error_reply("This button is from another time; say `/papers help` for what can be done now.")
        return await self._dispatch(place, asker, action.command, sanitize(action.argument), action.offset, event_id)

    async def vote(self, place: Place, asker: Asker, paper_id: str, value: int) -> Reply:
        """Set a member's vote on a paper, in a place that is known: 1 for it, -1 against it, 0 for none."""
        try:
            with high_priority():
                channel = await self._memberships.find(place)
                if channel is None:
                    return error_reply("Nothing is sent here any more, so the vote counts for nothing.")
                ctx = CommandContext(self._services, channel.place, asker, channel, self._services.clock())
                return await votes.set_vote(ctx, paper_id, value)
        except StoreError as error:
            log.error("The store did not answer.", exc_info=error)
            return error_reply(_SILENT)

    async def act_on_message(
        self, place: Place, asker: Asker, command: str, message: str, text: str = "", event_id: str = ""
    ) -> Reply:
        """Run a command on the paper that a message is about: the paper of a card, or the paper that a text links to.
        Where there are several papers the reply asks which one is meant."""
        if not self._commands.traits(command).takes_paper:
            return error_reply("This is from another time; say `/papers help` for what can be done now.")
        try:
            lines = await message_papers.papers_in(self._services, place, message, text)
        except StoreError as error:
            log.error("The store did not answer.", exc_info=error)
            return error_reply(_SILENT)
        if len(lines) == 1:
            return await self.act(place, asker, Action("", command, lines[0].paper_id), event_id)
        return message_papers.ask_which(command, lines)

    async def home(self, place: Place, asker: Asker, addresses: Collection[str] = (), offset: int = 0) -> Home:
        """The asker's home page. `place` is their direct conversation; `addresses` are those of the channels that
        they are in, and the page shows those of them that they manage."""
        try:
            return await home.build_home(self._services, place, asker, addresses, min(max(offset, 0), _FURTHEST))
        except StoreError as error:
            log.error("The store did not answer.", exc_info=error)
            return Home(Overview(place, _SILENT))

    def command_for(self, emoji: str) -> str:
        """The command that means the same as a reaction with this emoji on a card; "" for an emoji that is no vote."""
        value = self._services.emoji.value(emoji)
        return self._commands.for_emoji("👍" if value > 0 else "👎") if value else ""

    async def react(self, reaction: Reaction, event_id: str | None = None) -> None:
        """Record a reaction, once per event id."""
        platform = reaction.place.platform
        with high_priority(), metrics.EVENT_SECONDS.labels(platform).time():
            if await self._reactions.react(reaction, event_id):
                metrics.VOTES.labels(platform).inc()

    async def resync_message(self, place: Place, message: str) -> None:
        """Read the reactions on one message back from its platform."""
        await self._reactions.resync_message(self._services.platforms[place.platform], place, message)

    async def resync_reactions_soon(self, platform: str, among: Callable[[str], bool] | None = None) -> None:
        """Have the reactions in the platform's workspaces read back soon: in those for which `among` is true, or in
        all."""
        await self._reactions.request_resync(platform, among)

    async def suggest(self, place: Place, line: str, limit: int = 25) -> list[str]:
        """Whole lines that complete a line: commands, this channel's topics, then titles. Empty while the store does$
        not answer."""
        try:
            return (await suggestions(self._services, place, line))[: max(limit, 0)]
        except StoreError as error:
            log.warning("The store did not answer.", exc_info=error)
            return []
        except Exception:
            log.exception("Suggestions failed.")
            return []

    async def _is_word(self, text: str) -> bool:
        """Whether a word stands in some paper, or is an author's name."""
        engine = self._services.paper_index.engine
        try:
            interpretation = await asyncio.to_thread(engine.interpret, text)
            return not interpretation.suggestion and bool(await asyncio.to_thread(engine.search, text, 1))
        except Exception:
            log.exception("The index did not answer.")
            return True

    async def _dispatch(
        self, place: Place, asker: Asker, name: str, argument: str, offset: int = 0, event_id: str = ""
    ) -> Reply:
        command = self._commands[name]
        try:
            with high_priority() if command.answers_at_once else contextlib.nullcontext():
                channel = await self._memberships.find_or_add(
                    place, owner=asker.member if place.kind is PlaceKind.DIRECT else ""
                )
                offset = min(max(offset, 0), _FURTHEST)
                ctx = CommandContext(self._services, place, asker, channel, self._services.clock(), offset, event_id)
                is_open = (
                    not argument if command.anyone_may_look else argument.casefold() == (command.for_anyone or None)
                )
                if command.managers_only and not ctx.may_manage and not is_open:
                    if not (command.starts_digests and await ctx.may_become_owner()):
                        return schedule.not_yours()
                    ctx = await schedule.make_owner(ctx)
                answer = command.handler(ctx, argument)
                return await (answer if command.answers_at_once else self._limiter.run(answer))
        except StoreError as error:
            log.error("The store did not answer.", exc_info=error)
            return error_reply(_SILENT)
        except Exception:
            # A member gets an answer whatever fails; the log gets the traceback.
            log.exception("A command failed.", command=name)
            log_note = f" The log has it under {current_event()}." if current_event() else ""
            text = f"That went wrong, and it is not your fault.{log_note} Please try again, or ask for something else."
            return error_reply(text)


def with_search(reply: Reply, parsed: ParsedLine) -> Reply:
    """A reply to a line that does not name its command: it says how a mistyped name was read, and has a button that
    searches for the words of the line."""
    if not parsed.words:
        return reply
    text = reply.text
    if parsed.mistyped:
        line = cut(plain_text(f"{parsed.name} {parsed.argument}".strip()), _LABEL)
        text = f"I read “{cut(plain_text(parsed.mistyped), _LABEL)}” as `/papers {line}`. {text}"
    actions = reply.actions
    if len(parsed.words) <= _LONGEST_SEARCH:
        actions += (Action(f"Search “{cut(plain_text(parsed.words), _LABEL)}”", SEARCH, parsed.words),)
    return replace(reply, text=text, actions=actions)


def joined(replies: Sequence[Reply]) -> Reply:
    """The replies to several commands as one: their texts, links, papers, charts, first file, and the last one's
    buttons."""
    return Reply(
        "\n\n".join(reply.text for reply in replies if reply.text),
        lines=tuple(line for reply in replies for line in reply.lines),
        cards=tuple(card for reply in replies for card in reply.cards),
        actions=replies[-1].actions,
        attachment=next((reply.attachment for reply in replies if reply.attachment), None),
        charts=tuple(chart for reply in replies for chart in reply.charts),
        links=tuple(link for reply in replies for link in reply.links),
        ok=all(reply.ok for reply in replies),
    )
