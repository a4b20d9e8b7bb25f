"""Parses a line typed in the terminal. The functions only return values, and raise nothing."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Collection
from dataclasses import dataclass

from rich.emoji import Emoji

from bot.model.number_emoji import number_of
from bot.platforms.terminal.sanitize import one_line

LONGEST_LINE = 100_000
LOCAL = {
    "/papers": "ask the bot: `/papers federated`; a line without a slash does the same",
    "/react": "put an emoji on a card: `/react 2 👍`, or just `2 👍`",
    "/unreact": "take it back: `/unreact 2 👍`, or just `-2 👍`",
    "/next": "let a day pass, or several: `/next 3`",
    "/channel": "list the channels, go to one or make one: `/channel ml-theory`; `/channel @bot` is between you and me",
    "/me": "speak as somebody else: `/me ada`",
    "/help": "this list",
    "/quit": "leave (so do Ctrl-C and Ctrl-D)",
}
"""The terminal's own commands, and what each does."""
DIRECT = "@bot"
"""The channel name of the direct conversation with the bot."""
MOST_DAYS = 60
_NAME_CHARS = 40

_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2934\u2935\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_MARKED = f"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*"
_EMOJI = re.compile(
    rf":[\w+'-]+(?:::skin-tone-[2-6])?:|[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{{2}}|{_MARKED}(?:\u200d{_MARKED})*"
)
_NUMBER = re.compile(r"([+-]?)#?([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Ask:
    """A line for the bot."""

    line: str


@dataclass(frozen=True, slots=True)
class React:
    """Emoji to put on the numbered papers in `on`, and to take back from those in `off`."""

    on: tuple[int, ...]
    off: tuple[int, ...]
    emoji: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Act:
    """A command to run on the numbered papers."""

    command: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Next:
    """Let days pass."""

    days: int


@dataclass(frozen=True, slots=True)
class GoTo:
    """Switch to a channel; without a name, list them."""

    channel: str


@dataclass(frozen=True, slots=True)
class SpeakAs:
    """Switch to another member; without a name, list them."""

    member: str


@dataclass(frozen=True, slots=True)
class Help:
    """Show what may be typed."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A line that is nearly a command; `hint` says what to type instead."""

    hint: str


Typed = Ask | React | Act | Next | GoTo | SpeakAs | Help | Quit | Nothing | Unclear


def parse(text: str, commands: Collection[str] = ()) -> Typed:
    """The meaning of a typed line. `commands` are the commands that act on a numbered paper."""
    line = one_line(text, LONGEST_LINE)
    if not line.startswith("/"):
        return _plain(line, commands) if line else Nothing()
    word, _, rest = line.partition(" ")
    match word.casefold():
        case "/papers":
            return _plain(rest, commands) if rest else Ask("")
        case "/react" | "/unreact":
            return _slash_react(word, rest)
        case "/next":
            return _days(rest)
        case "/channel":
            return GoTo(channel_name(rest))
        case "/me":
            return SpeakAs(member_name(rest))
        case "/help":
            return Help()
        case "/quit" | "/exit":
            return Quit()
    matches = difflib.get_close_matches(word.casefold(), LOCAL, n=1)
    name = one_line(word, _NAME_CHARS).replace("`", "'")
    return Unclear(f"There is no `{name}` here. " + (f"Did you mean `{matches[0]}`?" if matches else "Try `/help`."))


def channel_name(text: str) -> str:
    """A channel's name in lower case, with its words joined by hyphens; `@bot` for the direct conversation."""
    name = text.strip().casefold()
    if name.startswith("@"):
        return DIRECT
    return re.sub(r"[\W_]+", "-", name).strip("-")[:_NAME_CHARS].strip("-")


def member_name(text: str) -> str:
    """A member's name as one word, without characters that have a meaning elsewhere."""
    return re.sub(r"[^\w.-]+", "-", text.strip().lstrip("@")).strip("-")[:_NAME_CHARS]


def split_emoji(word: str) -> tuple[str, ...]:
    """The emoji of a word, their names as characters (`:fire:` → 🔥); empty if the word has anything else."""
    bare = word.replace("\ufe0f", "") if not _EMOJI.fullmatch(word) or "\u20e3" not in word else word
    emoji = _EMOJI.findall(bare)
    if not emoji or "".join(emoji) != bare:
        return ()
    return tuple(Emoji.replace(each.casefold()) if each.startswith(":") else each for each in emoji)


def _plain(line: str, commands: Collection[str]) -> Typed:
    """The meaning of a line without a slash: a reaction, a command on numbered papers, or a question."""
    words = [word for word in line.replace(",", " ").split() if word]
    command, numbers = words[0].casefold() if words else "", _numbers(words[1:])
    if command in commands and numbers:
        return Act(command, numbers)
    reaction = _reaction(words)
    if reaction:
        return reaction
    if _numbers(words):
        return Unclear(f"What about {line}? Put an emoji on it (`{words[0]} 👍`) or read on (`abstract {words[0]}`).")
    if words and all(map(number_of, words)):
        return React(tuple(map(number_of, words)), (), ("👍",))
    if line.casefold() in ("quit", "exit"):
        return Unclear(f"`/quit` leaves. To search for the word, say `search {line}`.")
    if words and all(map(split_emoji, words)):
        return Unclear(f"{line} for which card? Say its number too: `2 {words[0]}`.")
    return Ask(line)


def _numbers(words: list[str]) -> tuple[int, ...]:
    """The words as numbers; empty if any word is no number."""
    if not all(re.fullmatch(r"#?[0-9]{1,3}", word) for word in words):
        return ()
    return tuple(dict.fromkeys(int(word.lstrip("#")) for word in words))


def _reaction(words: list[str]) -> React | None:
    """The reaction in a line of numbers and emoji, at least one of each; a `-` before a number takes back."""
    thumbs = [word for word in words if word in ("+1", "-1")]
    rest = [word for word in words if word not in ("+1", "-1")]
    if len(thumbs) == 1 and words[-1 if words[0] not in thumbs else 0] in thumbs and _numbers(rest):
        return React(_numbers(rest), (), split_emoji(f":{thumbs[0]}:"))
    on: dict[int, bool] = {}
    emoji: list[str] = []
    for word in itertools.chain.from_iterable(map(_unglued, words)):
        number, pictures = _NUMBER.fullmatch(word), split_emoji(word)
        if number:
            on[int(number[2])] = number[1] != "-"
        elif pictures:
            emoji.extend(pictures)
        else:
            return None
    if not on or not emoji:
        return None
    added = tuple(number for number, is_on in on.items() if is_on)
    return React(added, tuple(number for number in on if number not in added), tuple(dict.fromkeys(emoji)))


def _unglued(word: str) -> tuple[str, ...]:
    """A number and the emoji right behind it as two words; any other word alone."""
    number = _NUMBER.match(word)
    if number and not split_emoji(word) and split_emoji(word[number.end() :]):
        return number[0], word[number.end() :]
    return (word,)


def _slash_react(word: str, rest: str) -> Typed:
    reaction = _reaction(rest.replace(",", " ").split()) if rest else None
    if reaction is None:
        return Unclear(f"Say which card and which emoji: `{word} 2 👍`.")
    if word.casefold() == "/unreact":
        return React((), reaction.on + reaction.off, reaction.emoji)
    return reaction


def _days(rest: str) -> Typed:
    if not rest:
        return Next(1)
    if re.fullmatch(r"[0-9]{1,4}", rest) and 1 <= int(rest) <= MOST_DAYS:
        return Next(int(rest))
    return Unclear(f"How many days? `/next` lets one pass, `/next 3` three, `/next {MOST_DAYS}` the most.")
