"""Parses a line typed in the terminal. The functions only return values, and raise nothing."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.emoji import Emoji

from bot.model.number_emoji import number_of
from bot.platforms.terminal.sanitize import cut, one_line

LONGEST_LINE = 100_000
LOCAL = {
    "/papers": "ask the bot: `/papers federated`; a line without a slash does the same",
    "/react": "put an emoji on a card: `/react 2 👍`, or just `2 👍`",
    "/unreact": "take it back: `/unreact 2 👍`, or just `-2 👍`",
    "/next": "let a day pass, or several: `/next 3`",
    "/channel": "list the channels, go to one or make one: `/channel ml-theory`; `/channel @bot` is between you and me",
    "/me": "speak as somebody else: `/me ada`",
    "/help": "this list",
    "/quit": "leave (so do Ctrl-C and Ctrl-D on an empty line)",
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
_RANGE = re.compile(r"#?([0-9]{1,3})(?:-|–|—|\.\.)#?([0-9]{1,3})")
_MOST_PASTED = 50
ALL = -1
"""Stands for the numbers of all papers of the last digest."""
_ALL_WORDS = ("all", "everything")
_FILLERS = ("and", "&", "is", "are", "the")
_TO = ("to", "till", "until", "-", "–", "—")
MEANINGS = {
    "👍": ("like", "likes", "liked", "thumbsup", "thumbs up", "thumb up", "upvote", "yes", "good", "more like this"),
    "👎": ("dislike", "thumbsdown", "thumbs down", "thumb down", "downvote", "no", "bad", "less like this"),
    "🔥": ("fire", "hot"),
    "❤": ("heart", "love", "love it"),
    "🚀": ("rocket", "great", "nice", "cool", "awesome"),
    "⭐": ("star", "a star"),
    "👀": ("eyes", "will read", "to read", "later"),
    "💤": ("zzz", "sleep", "boring", "not for us", "not for me"),
}
"""Emoji in words."""
_WORDS = {word: emoji for emoji, words in MEANINGS.items() for word in words}
_FIRST_WORDS = (*("like", "dislike", "love", "heart", "fire", "thumbsup", "thumbsdown"), "thumbs up", "thumbs down")
"""Those that may stand before the numbers. The others would take searches such as `hot 100`."""
_LONGEST_PHRASE = max(len(word.split()) for word in _WORDS)


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
    """A line that is nearly a command; `hint` says what to type instead. If none of the `numbers` in the line is on the
    screen, the line is a question for the bot."""

    hint: str
    numbers: tuple[int, ...] = ()
    line: str = ""


@dataclass(frozen=True, slots=True)
class Several:
    """Several commands or reactions, in their order."""

    parts: tuple[Typed, ...]


Typed = Ask | React | Act | Next | GoTo | SpeakAs | Help | Quit | Nothing | Unclear | Several


def parse(text: str, commands: Collection[str] = (), names: Collection[str] = ()) -> Typed:
    """The meaning of a typed text. `commands` are the commands that act on a numbered paper, `names` all of the bot's.

    Pasted lines are commands of their own if each of them begins with a command or is a reaction. Any other text, as of
    a .bib file, is one line.
    """
    lines = [line for line in text[:LONGEST_LINE].splitlines() if line.strip()]
    if 1 < len(lines) <= _MOST_PASTED and all(_is_command(line, commands, names) for line in lines):
        return Several(tuple(_line(line, commands) for line in lines))
    return _line(text, commands)


def _is_command(text: str, commands: Collection[str], names: Collection[str]) -> bool:
    line = one_line(text, LONGEST_LINE)
    if not line or line.startswith("/"):
        return bool(line)
    return line.split()[0].casefold().rstrip(":") in names or not isinstance(_plain(line, commands), Ask)


def _line(text: str, commands: Collection[str]) -> Typed:
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
    numbered = _on_numbered(words, commands)
    if numbered:
        return numbered[0] if len(numbered) == 1 else Several(numbered)
    if words and all(map(number_of, words)):
        return React(tuple(map(number_of, words)), (), ("👍",))
    leading = _numbers([word.rstrip("?!:;") for word in itertools.takewhile(_begins_with_number, words)])
    if leading:
        first = leading[0] if leading[0] != ALL else words[0]
        quoted = cut(line, 80).replace("`", "'")
        search = "" if _numbers(words) else f" To search for it, say `search {quoted}`."
        hint = f"What about {quoted}? Put an emoji on it (`{first} 👍`) or read on (`abstract {first}`).{search}"
        return Unclear(hint, leading, line if search else "")
    if line.casefold() in ("quit", "exit"):
        return Unclear(f"`/quit` leaves. To search for the word, say `search {line}`.")
    if words and all(map(split_emoji, words)):
        return Unclear(f"{line} for which card? Say its number too: `2 {words[0]}`.")
    return Ask(line)


def _begins_with_number(word: str) -> bool:
    return bool(_numbers([word.rstrip("?!:;")])) and word.casefold() not in _ALL_WORDS


def _numbers(words: Sequence[str]) -> tuple[int, ...]:
    """The words as numbers, `1-3` and `1 to 3` as three; empty if any word is no number."""
    numbers: list[int] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if len(rest) > 1 and rest[0].casefold() in _TO and re.fullmatch(r"#?[0-9]{1,3}", word):
            word, rest = f"{word}-{rest[1]}", rest[2:]
        span = _RANGE.fullmatch(word)
        if re.fullmatch(r"#?[0-9]{1,3}", word):
            numbers.append(int(word.lstrip("#")))
        elif word.casefold() in _ALL_WORDS:
            numbers.append(ALL)
        elif span:
            first, last = sorted((int(span[1]), int(span[2])))
            numbers += range(first, last + 1)
        else:
            return ()
    return tuple(dict.fromkeys(numbers))


@dataclass(slots=True)
class _Part:
    """A reaction or command in the making: numbers that are put on or taken off, then emoji, in either order."""

    on: dict[int, bool]
    emoji: list[str]
    emoji_first: bool = False
    command: str = ""

    def typed(self) -> React | Act | None:
        """The part as a value; None while something is missing."""
        added = tuple(number for number, is_on in self.on.items() if is_on)
        if self.command:
            return Act(self.command, added) if added and len(added) == len(self.on) else None
        if not self.on or not self.emoji:
            return None
        removed = tuple(number for number in self.on if number not in added)
        return React(added, removed, tuple(dict.fromkeys(self.emoji)))


def _on_numbered(words: Sequence[str], commands: Collection[str] = ()) -> tuple[React | Act, ...]:
    """The reactions and commands on numbered papers in a line that has nothing else; empty for any other line."""
    thumbs = [word for word in words if word in ("+1", "-1")]
    rest = [word for word in words if word not in ("+1", "-1")]
    if len(thumbs) == 1 and words[-1 if words[0] not in thumbs else 0] in thumbs and _numbers(rest):
        return (React(_numbers(rest), (), split_emoji(f":{thumbs[0]}:")),)
    parts = [_Part({}, [])]
    pending = list(itertools.chain.from_iterable(map(_unglued, words)))
    while pending:
        part = parts[-1]
        is_filler, numbers, emoji, used = _next_token(pending, part)
        if pending[0].casefold() in commands:
            if part.on and not part.emoji and not part.command:
                part.command = pending[0].casefold()  # `2 save`
            else:
                parts.append(_Part({}, [], command=pending[0].casefold()))
        elif numbers:
            if part.emoji and part.on and not part.emoji_first:
                parts.append(_Part({}, []))
            parts[-1].on |= numbers
            parts[-1].emoji_first |= bool(parts[-1].emoji)
        elif emoji:
            if part.command or (part.on and part.emoji and part.emoji_first):
                parts.append(_Part({}, []))
            parts[-1].emoji += emoji
        elif not is_filler:
            return ()
        pending = pending[used:]
    return _joined([part for part in parts if part.on or part.emoji or part.command])


def _next_token(words: Sequence[str], part: _Part) -> tuple[bool, dict[int, bool], tuple[str, ...], int]:
    """(is a filler, numbers, emoji, words used) at the beginning of the words."""
    span = 3 if len(words) > 2 and words[1].casefold() in _TO and _numbers(words[:3]) else 1
    word = words[0].rstrip("?!:;.") if words[0][:1].isalnum() or words[0][:1] in "#+-" else words[0]
    signed = _NUMBER.fullmatch(word)
    if numbers := _numbers([word, *words[1:span]]):
        return False, dict.fromkeys(numbers, True), (), span
    if signed:
        return False, {int(signed[2]): signed[1] != "-"}, (), 1
    for length in range(min(_LONGEST_PHRASE, len(words)), 0, -1):
        phrase = " ".join(words[:length]).casefold().rstrip("!.")
        if phrase in _WORDS and (part.on or phrase in _FIRST_WORDS):
            return False, {}, (_WORDS[phrase],), length
    if emoji := split_emoji(words[0]):
        return False, {}, emoji, 1
    named = split_emoji(f":{word}:") if part.on and word.isalpha() else ()
    if named and not named[0].startswith(":"):
        return False, {}, named, 1
    return word.casefold() in _FILLERS and bool(part.on), {}, (), 1


def _joined(parts: list[_Part]) -> tuple[React | Act, ...]:
    """The parts as values. Numbers or emoji that are left over at the end belong to the part before; empty if anything
    is incomplete."""
    if len(parts) > 1 and parts[-1].typed() is None and not parts[-1].command and not parts[-2].command:
        last = parts.pop()
        parts[-1].on |= last.on
        parts[-1].emoji += last.emoji
    typed = [part.typed() for part in parts]
    return tuple(each for each in typed if each) if all(typed) else ()


def _unglued(word: str) -> tuple[str, ...]:
    """A number and the emoji right behind it as two words; any other word alone."""
    number = _RANGE.match(word) or _NUMBER.match(word)
    if number and not split_emoji(word) and split_emoji(word[number.end() :]):
        return number[0], word[number.end() :]
    return (word,)


def _slash_react(word: str, rest: str) -> Typed:
    reactions = (
        [part for part in _on_numbered(rest.replace(",", " ").split()) if isinstance(part, React)] if rest else []
    )
    if not reactions:
        return Unclear(f"Say which card and which emoji: `{word} 2 👍`.")
    if word.casefold() == "/unreact":
        reactions = [React((), reaction.on + reaction.off, reaction.emoji) for reaction in reactions]
    return reactions[0] if len(reactions) == 1 else Several(tuple(reactions))


def _days(rest: str) -> Typed:
    if not rest:
        return Next(1)
    if re.fullmatch(r"[0-9]{1,4}", rest) and 1 <= int(rest) <= MOST_DAYS:
        return Next(int(rest))
    return Unclear(f"How many days? `/next` lets one pass, `/next 3` three, `/next {MOST_DAYS}` the most.")
