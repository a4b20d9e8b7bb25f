"""The service: the one door through which platforms reach the bot."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from dataclasses import replace

import structlog

from bot.commands import parser, schedule
from bot.commands.context import CommandContext, Services, error_reply
from bot.commands.registry import COMMANDS
from bot.jobs.reactions import ReactionRecorder
from bot.logs import current_event
from bot.model.commands import sanitize
from bot.model.messages import SHARE, Action, Asker, Home, Kind, Overview, Place, Reaction, Reply
from bot.service import home, message_papers
from bot.service.autocomplete import suggestions
from bot.service.limiter import ConcurrencyLimiter
from bot.service.memberships import Rooms
from bot.settings import Digest as NewChannel
from bot.store.database import high_priority
from bot.store.errors import StoreError

log = structlog.get_logger(__name__)
_SILENT = "My memory does not answer just now, and nothing was changed. Please try again in a moment."
_FURTHEST = 10_000
"""Entries of a list that anybody pages past."""
_ANSWERED_AT_ONCE, _TURN_SECONDS = 2, 1.0


class BotService(Rooms):
    """Implements `bot.ports.platform.BotApi`."""

    def __init__(self, services: Services, reactions: ReactionRecorder, new_channel: NewChannel) -> None:
        super().__init__(services, new_channel)
        self._reactions = reactions
        self._limiter = ConcurrencyLimiter(_ANSWERED_AT_ONCE, _TURN_SECONDS)

    async def ask(self, place: Place, asker: Asker, line: str) -> Reply:
        """Answer one line of text."""
        parsed = parser.parse(line, COMMANDS)
        return await self._say(place, asker, parsed.name, parsed.argument)

    async def act(self, place: Place, asker: Asker, action: Action, event_id: str = "") -> Reply:
        """Answer a pressed button; `share` shows to all what the line it holds would answer, if all may see that.

        With the event's id, a vote is counted once however often the press is told.
        """
        if action.verb == SHARE:
            parsed = parser.parse(action.argument, COMMANDS)
            if not COMMANDS[parsed.name].shareable:
                return error_reply("This is yours alone and can't be shared.")
            answer = await self._say(place, asker, parsed.name, parsed.argument, action.offset)
            return replace(answer, public=True, actions=()) if answer.ok else answer
        if action.verb not in COMMANDS:
            return error_reply("This button is from another time; say `/papers help` for what can be done now.")
        return await self._say(place, asker, action.verb, sanitize(action.argument), action.offset, event_id)

    async def act_on_message(
        self, place: Place, asker: Asker, verb: str, message: str, text: str = "", event_id: str = ""
    ) -> Reply:
        """Do what a verb says with the paper that a message is about: the card that it is, or what its text links to.
        Of several papers it asks which one is meant."""
        if not COMMANDS.traits(verb).takes_paper:
            return error_reply("This is from another time; say `/papers help` for what can be done now.")
        try:
            lines = await message_papers.papers_in(self._services, place, message, text)
        except StoreError as error:
            log.error("The store did not answer.", exc_info=error)
            return error_reply(_SILENT)
        if len(lines) == 1:
            return await self.act(place, asker, Action("", verb, lines[0].paper_id), event_id)
        return message_papers.which(verb, lines)

    async def home(self, place: Place, asker: Asker, rooms: Collection[str] = (), offset: int = 0) -> Home:
        """All that is the asker's own; `place` is their direct conversation, `rooms` are the addresses of the channels
        they are in, of which those they manage are told of."""
        try:
            return await home.build_home(self._services, place, asker, rooms, min(max(offset, 0), _FURTHEST))
        except StoreError as error:
            log.error("The store did not answer.", exc_info=error)
            return Home(Overview(place, _SILENT))

    async def react(self, reaction: Reaction, event_id: str | None = None) -> None:
        """Take in a reaction, exactly once per event id."""
        with high_priority():
            await self._reactions.react(reaction, event_id)

    async def resync_message(self, place: Place, message: str) -> None:
        """Read back what stands on a message."""
        await self._reactions.resync_message(self._services.platforms[place.platform], place, message)

    async def resync_reactions_soon(self) -> None:
        """Have the reactions read back soon."""
        await self._reactions.request_resync()

    async def suggest(self, place: Place, line: str, limit: int = 25) -> list[str]:
        """Whole lines that may be meant: verbs, this channel's topics, then titles. None while the store is silent."""
        try:
            return (await suggestions(self._services, place, line))[: max(limit, 0)]
        except StoreError as error:
            log.warning("The store did not answer.", exc_info=error)
            return []
        except Exception:
            log.exception("Suggestions broke.")
            return []

    async def _say(
        self, place: Place, asker: Asker, verb: str, argument: str, offset: int = 0, event_id: str = ""
    ) -> Reply:
        command = COMMANDS[verb]
        try:
            with high_priority() if command.answers_at_once else contextlib.nullcontext():
                channel = await self._open(place, owner=asker.member if place.kind is Kind.DIRECT else "")
                offset = min(max(offset, 0), _FURTHEST)
                ctx = CommandContext(self._services, place, asker, channel, self._services.clock(), offset, event_id)
                only_looks = command.anyone_may_look and not argument
                if command.managers_only and not ctx.may_manage and not only_looks:
                    return schedule.not_yours()
                answering = command.handler(ctx, argument)
                return await (answering if command.answers_at_once else self._limiter.run(answering))
        except StoreError as error:
            log.error("The store did not answer.", exc_info=error)
            return error_reply(_SILENT)
        except Exception:
            # A guest gets an answer whatever breaks; who runs the bot gets the trace.
            log.exception("A question broke.", verb=verb)
            where = f" The log has it under {current_event()}." if current_event() else ""
            text = f"That went wrong, and it is not your fault.{where} Please try again, or ask for something else."
            return error_reply(text)
