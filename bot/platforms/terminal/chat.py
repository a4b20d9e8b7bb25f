"""The chat: one person at the terminal, who asks, reacts, switches channels and speaks for several members."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256

import structlog

from bot.logs import begin_event
from bot.model.commands import Commands
from bot.model.messages import Action, Asker, Place, PlaceKind, Reaction
from bot.model.number_emoji import keycap
from bot.platforms import rendering
from bot.platforms.terminal import completion, render, typed_files
from bot.platforms.terminal.completion import Suggestion
from bot.platforms.terminal.keyboard import Keyboard, is_text
from bot.platforms.terminal.numbers import Numbered
from bot.platforms.terminal.sanitize import one_line
from bot.platforms.terminal.screen import Screen
from bot.platforms.terminal.terminal_log import TerminalLog
from bot.platforms.terminal.typed import (
    ALL,
    DIRECT,
    LOCAL,
    Act,
    Ask,
    GoTo,
    Help,
    Next,
    Nothing,
    Quit,
    React,
    Several,
    SpeakAs,
    Typed,
    Unclear,
    parse,
)
from bot.ports.platform import BotApi, Clock, PlatformError

log = structlog.get_logger(__name__)
NextDay = Callable[[], Awaitable[bool]]
"""Lets one day pass; its posts come through the platform's `send`. Returns False if no day can pass."""
PLATFORM = "terminal"
_HELP = (
    "• `2 👍` likes paper 2, `2 👎` dislikes it, `-2 👍` takes it back. Words do as well: `2 like`, `3 heart`.\n"
    "• `1 3 👍` and `1-3 👍` speak of several, `all 👍` of the whole digest."
)


_BOT_HELP = "Any other words are a search, and `help` lists all that I answer. Several commands may be pasted at once."


class Chat:
    """One person's chat with the bot, in one channel at a time and as one member at a time."""

    def __init__(
        self,
        service: BotApi,
        log: TerminalLog,
        screen: Screen,
        clock: Clock,
        commands: Commands,
        who: str,
        channel: str,
        next_day: NextDay | None,
        farewell: str,
    ) -> None:
        self._service, self._log, self._screen, self._clock = service, log, screen, clock
        self._who, self._channel, self._next_day, self._farewell = who, channel, next_day, farewell
        self._commands = commands
        self._paper_commands = [name for name, command in commands.items() if command.takes_paper]
        self._members = [who]
        self._unseen: set[str] = set()

    @property
    def place(self) -> Place:
        """The channel or direct conversation on the screen."""
        if self._channel == DIRECT:
            return Place(PLATFORM, f"@{self._who}", name=f"@{self._who}", kind=PlaceKind.DIRECT)
        return Place(PLATFORM, self._channel, name=self._channel)

    def status(self) -> str:
        """The toolbar: the channel, the member, the day, and commands that can always be typed."""
        now = self._clock()
        tomorrow = " · /next for tomorrow" if self._next_day else ""
        return f"{self._name()} · {self._who} · {now:%a} {now.day} {now:%b %Y}{tomorrow} · /help"

    async def run(self, keyboard: Keyboard) -> None:
        """Answer lines until the person leaves."""
        with keyboard.screen():
            if self._log.damaged:
                self._screen.say(f"Damaged lines in {self._log.path}: {self._log.damaged}. They are left out.")
            await self._guarded(self._enter(show=keyboard.attended))
            while (line := await keyboard.line(f"{self._name()} › ")) is not None:
                begin_event()
                if not is_text(line):
                    self._screen.say(
                        "This line is not UTF-8, so I left it out. Save its text as UTF-8 and send it again."
                    )
                    continue
                typed = parse(line, self._paper_commands, self._commands)
                if isinstance(typed, Quit):
                    break
                await self._guarded(self._answer(typed))
            if keyboard.attended:
                self._screen.say(self._farewell)

    async def posted(self, place: Place) -> None:
        """Show new posts of a place, or say in which channel they are."""
        if place.address == self.place.address:
            await self._show_new()
        elif place.kind is PlaceKind.CHANNEL and place.address not in self._unseen:
            self._unseen.add(place.address)
            name = one_line(place.name or place.address, 60)
            self._screen.say(f"Something new in #{name}; `/channel {name}` goes there.")

    def tell(self, member: str, text: str) -> None:
        """Show a text that is for one member alone."""
        self._screen.say(f"(to {one_line(member, 60)} alone) {text}")

    async def suggest(self, typed: str) -> list[Suggestion]:
        """Completions of the line so far."""
        try:
            channels = [place.address for place in await asyncio.to_thread(self._log.places)]
            suggestions = completion.local(typed, channels, self._members)
            line = completion.bot_part(typed)
            if suggestions is None and (line or typed.startswith("/papers ")):
                texts = await self._service.suggest(self.place, line)
                return [Suggestion(one_line(text, 300), len(line)) for text in texts]
        except Exception:
            log.warning("A line could not be completed.", exc_info=True)
            return []
        return suggestions or []

    async def _guarded(self, work: Awaitable[None]) -> None:
        """Show an error in one line, and go on."""
        try:
            await work
        except PlatformError as error:
            self._screen.say(str(error))
        except Exception:
            log.exception("A line could not be answered.")
            self._screen.say(rendering.broken())

    async def _answer(self, typed: Typed) -> None:
        match typed:
            case Ask(line):
                await self._ask(line)
            case Act(command, numbers):
                for number in self._meant(numbers):
                    if paper := self._numbered(number):
                        await self._press(Action(command.capitalize(), command, paper.paper_id))
            case React():
                for number in self._meant(typed.on):
                    await self._react(number, typed.emoji, on=True)
                for number in self._meant(typed.off):
                    await self._react(number, typed.emoji, on=False)
            case Several(parts):
                for part in parts:
                    await self._guarded(self._answer(part))
            case Next(days):
                await self._let_pass(days)
            case GoTo(name):
                await self._go_to(name)
            case SpeakAs(name):
                await self._speak_as(name)
            case Help():
                local = [f"• `{name}`: {does}" for name, does in LOCAL.items() if name != "/next" or self._next_day]
                rows = [
                    "On a numbered paper:",
                    _HELP,
                    self._paper_help(),
                    "",
                    "In this window:",
                    *local,
                    "",
                    _BOT_HELP,
                ]
                self._screen.print(render.Prose("\n".join(rows)))
            case Unclear(hint, numbers, line):
                if line and not any(map(self._screen.numbers.get, self._meant(numbers, quiet=True))):
                    await self._ask(line)  # no card has such a number: `4 bit quantization`
                else:
                    self._screen.say(hint)
            case Nothing() | Quit():
                pass

    def _paper_help(self) -> str:
        """A sentence with the commands that act on a numbered paper; the buttons of its card come first."""
        on_card = [action.command for action in self._commands.card_actions("")]
        others = [
            command for command in self._paper_commands if command not in on_card and self._commands[command].listed
        ]
        *rest, last = [f"`{command} 2`" for command in (*on_card, *others)]
        return f"• {', '.join(rest)} and {last} do what they say."

    async def _ask(self, line: str) -> None:
        action = self._screen.offer(line)
        if action:
            await self._press(action)
            return
        if path := typed_files.named_file(line, self._commands):
            try:
                line = await asyncio.to_thread(typed_files.with_file, line, path)
            except OSError as error:
                self._screen.say(typed_files.unreadable(path, error))
                return
        self._screen.reply(await self._service.ask(self.place, self._asker(), line))

    async def _press(self, action: Action) -> None:
        self._screen.reply(await self._service.act(self.place, self._asker(), action))

    async def _react(self, number: int, emoji: tuple[str, ...], *, on: bool) -> None:
        paper = self._numbered(number)
        if paper is None:
            return
        if paper.choice:  # a thumb up for one of several papers is the number emoji on their message
            emoji = tuple(keycap(paper.choice) if each[0] == "👍" else each for each in emoji)
        if paper.message is None or (paper.choice and emoji != (keycap(paper.choice),)):
            await self._vote_in_list(number, paper.paper_id, emoji, on=on)
            return
        for each in emoji:
            await self._put(paper.message, each, on=on)
        standing = await asyncio.to_thread(self._log.reactions, self.place, paper.message)
        if paper.choice:  # shown as it was typed
            standing = [(member, "👍") for member, each in standing if each in emoji]
        self._screen.print(render.reacted(paper.title, number, standing))

    async def _put(self, message: str, emoji: str, *, on: bool) -> None:
        """Put one emoji on a post or take it back: in the log first, then as an event for the bot."""
        place, who = self.place, self._who
        reaction = await asyncio.to_thread(self._log.react, place, message, who, emoji, on=on, at=self._clock())
        if reaction:
            event_id = sha256(
                f"{reaction.address}/{reaction.message}/{who}/{reaction.at.isoformat()}".encode()
            ).hexdigest()
            await self._service.react(Reaction(place, message, who, emoji, on, reaction.at), event_id)

    async def _vote_in_list(self, number: int, paper_id: str, emoji: tuple[str, ...], *, on: bool) -> None:
        """Vote on a paper in a list. It is no post that could have an emoji, so a thumb presses the button instead."""
        commands = [command for each in emoji if (command := self._service.command_for(each))]
        if on and commands:
            await self._press(Action(commands[0].capitalize(), commands[0], paper_id))
        elif commands:
            self._screen.say(f"{number} stands in a list: there `{number} {emoji[0]}` said again takes it back.")
        else:
            said = one_line(" ".join(emoji), 40)
            self._screen.say(f"{said} is no vote. {number} takes `{number} 👍`, `{number} 👎` and `save {number}`.")

    async def _let_pass(self, days: int) -> None:
        if self._next_day is None:
            self._screen.say("Here days pass by themselves; the digest comes at its hour, and `today` shows it now.")
            return
        for _ in range(days):
            before = await self._posted()
            if not await self._next_day():
                break
            await self._show_new()
            if await self._posted() == before:
                self._screen.say(f"{self._clock():%A}: no digest here. `status` says when the next one comes.")

    async def _go_to(self, name: str) -> None:
        if name:
            self._channel = name
            await self._enter(show=True)
            return
        channels = [f"#{place.address}" for place in await asyncio.to_thread(self._log.places)]
        self._screen.say(f"You are in {self._name()}. There are {', '.join([*channels, DIRECT])}: `/channel name`.")

    async def _speak_as(self, name: str) -> None:
        if not name:
            self._screen.say(f"You speak as {self._who}. `/me ada` makes you ada; each member's votes count.")
            return
        self._who = name
        self._members = list(dict.fromkeys([*self._members, name]))
        self._screen.say(f"You speak as {name} now.")
        if self._channel == DIRECT:
            await self._enter(show=True)

    async def _enter(self, *, show: bool) -> None:
        """Enter the channel; the bot is invited to a new one."""
        place = self.place
        self._unseen.discard(place.address)
        self._screen.open(await asyncio.to_thread(self._log.messages, place), show=show)
        if place.kind is PlaceKind.CHANNEL and place not in await asyncio.to_thread(self._log.places):
            self._screen.reply(await self._service.joined(place, self._who))
            await asyncio.to_thread(self._log.join, place)
        if show:
            self._screen.say(f"You are in {self._name()}, as {self._who}. `/help` tells what you can type.")

    async def _show_new(self) -> None:
        place = self.place
        messages = await asyncio.to_thread(self._log.messages, place)
        if place.address == self.place.address:
            self._screen.show(messages)

    async def _posted(self) -> int:
        """The number of messages in the channel on the screen."""
        return len(await asyncio.to_thread(self._log.messages, self.place))

    def _meant(self, numbers: Sequence[int], *, quiet: bool = False) -> list[int]:
        """The numbers, with those of the whole digest in place of `all`. Of several, those that no paper has are left
        out, which is said once unless `quiet`."""
        papers = self._screen.numbers
        meant = list(dict.fromkeys(each for n in numbers for each in (papers.all() if n == ALL else [n])))
        if not quiet and numbers and not meant:
            self._screen.say("No paper is numbered here yet.")
        missing = [number for number in meant if papers.get(number) is None]
        if len(missing) > 1 and not quiet:
            self._screen.say(f"There are no papers {missing[0]} to {missing[-1]}. {self._range()}")
        return [number for number in meant if number not in missing] if len(missing) > 1 else meant

    def _numbered(self, number: int) -> Numbered | None:
        paper = self._screen.numbers.get(number)
        if paper is None:
            self._screen.say(f"There is no paper {number}. {self._range()}")
        return paper

    def _range(self) -> str:
        numbers = [number for number, _ in self._screen.numbers]
        return (
            f"The papers here go from {numbers[0]} to {numbers[-1]}." if numbers else "No paper is numbered here yet."
        )

    def _asker(self) -> Asker:
        return Asker(self._who, manager=True, name=self._who, operator=True)

    def _name(self) -> str:
        return DIRECT if self._channel == DIRECT else f"#{self._channel}"
