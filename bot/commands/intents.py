"""Lines that mean a command without naming it: greetings, everyday words, and mistyped commands. Values in, values out.

Only a whole line, or a first word with an argument, means a command. `follow diffusion` is one; `follow the leader
algorithm` and `hello world programs` are searches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from bot.commands.names import (
    HELLO,
    HELP,
    PAUSE,
    RESUME,
    SAVED,
    SOURCES,
    STATUS,
    SUBSCRIBE,
    THANKS,
    TODAY,
    UNDO,
    UNSUBSCRIBE,
)
from bot.model.commands import Commands


@dataclass(frozen=True, slots=True)
class Intent:
    """The command that a line means, and its argument. `typed` is the word that was read as a command's name by its
    likeness; "" if the line has one fixed meaning."""

    name: str
    argument: str = ""
    typed: str = ""


_PHRASES: Mapping[str, tuple[str, ...]] = {
    HELLO: (
        HELLO,
        *("hi", "hi there", "hello", "hello there", "hey", "hey there", "hiya", "howdy", "hallo", "bonjour"),
        *("good morning", "good afternoon", "good evening", "who are you", "what are you", "who is this"),
        *("introduce yourself", "are you there", "anybody there"),
    ),
    THANKS: (
        THANKS,
        *("thanks", "thank you", "thanks a lot", "thank you very much", "thank you so much", "many thanks", "thx"),
        *("cheers", "danke", "merci", "good", "well done", "bye", "goodbye", "good night"),
    ),
    HELP: (
        *("what can you do", "what do you do", "what can i do", "what can i say", "what can i type", "help me"),
        *("how does this work", "how do you work", "how do i use this", "how do i use you", "what is this"),
        *("commands", "?", "/help", "--help", "-h"),
    ),
    STATUS: (STATUS, "how are you", "how are things", "how is it going", "when is the next digest", "next digest"),
    PAUSE: ("stop", "stop it", "stop posting", "stop that", "be quiet", "shut up"),
    RESUME: ("start", "go on", "unpause", "start again", "start posting"),
    UNDO: (UNDO, "undo that", "undo last", "undo it", "undo my last vote", "take it back", "take that back"),
    SOURCES: (SOURCES, "where do you look", "what do you read"),
    TODAY: ("what is new", "any news", "anything new", "new papers"),
    SAVED: ("bookmarks", "my papers", "saved papers", "my saved papers"),
}
"""Whole lines, by the command that they mean. They stand without punctuation."""
_COMMAND_OF = {phrase: name for name, phrases in _PHRASES.items() for phrase in phrases}
_VERBS = {
    "follow": (SUBSCRIBE, ""),
    "unfollow": (UNSUBSCRIBE, ""),
    "mute": (SUBSCRIBE, "-"),
    "unmute": (UNSUBSCRIBE, ""),
}
"""First words that mean a command on the topics behind them, with the sign that goes before each topic."""
_NO_TOPIC = frozenset(
    [
        *("a", "an", "the", "this", "that", "these", "those", "up", "on", "in", "by", "from", "through", "along", "to"),
        *("into", "us", "me", "my", "our", "your", "his", "her", "their", "it", "its", "them", "suit", "and", "or"),
    ]
)
"""Words that begin no topic: `follow the leader` and `follow up` are about something else."""
_LONGEST_TOPIC = 8
"""Words of a topic after a verb. A longer line is a title or a sentence."""
_ADDRESS = re.compile(r"\b(?:please|pls|paperboy|bot)\b")
_SHORT = re.compile(r"\b(what|who|how|where|when)['’]?s\b")
_BREAKS = re.compile(r"[,.;:!?…]+")
_CLOSING = " \t.,;:!…)('’\"“”*_~"
_LEAST_MISTYPED, _LONG = 4, 9
"""Letters of a word that may be a mistyped name, and of a name in which two letters may be wrong instead of one."""
_REAL_WORDS = frozenset(("expert", "state", "summit", "tanks", "tech", "thinks", "topic", "follows", "fallow"))
"""Words that are near a name and are no mistake, also where the index has too few papers to know them."""


def phrase(text: str) -> Intent | None:
    """The command that a line means as a whole, or by its first word; None for a line that is only words.

    >>> phrase("Thank you, Paperboy!")
    Intent(name='thanks', argument='', typed='')
    >>> phrase("mute robotics, drones")
    Intent(name='subscribe', argument='-robotics, -drones', typed='')
    >>> phrase("follow the leader algorithm"), phrase("status report generation")
    (None, None)
    """
    if name := _COMMAND_OF.get(_bare(text)) or _said_in_turn(text):
        return Intent(name)
    first, _, argument = text.partition(" ")
    verb = _VERBS.get(first.casefold().rstrip(":"))
    topics = [topic.strip() for topic in argument.strip().rstrip(".!").split(",") if topic.strip()]
    if verb is None or (argument and not _is_topic(argument)):
        return None
    name, sign = verb
    return Intent(name, ", ".join(sign + topic.lstrip("-").strip() if sign else topic for topic in topics) or sign)


def mistyped(text: str, commands: Commands) -> Intent | None:
    """The command whose name the first word of a line probably is, with at most two letters wrong; None if it is no
    name. The caller asks the index whether `typed` is a word of its own.

    >>> from bot.commands.registry import COMMANDS
    >>> mistyped("subcribe graphs", COMMANDS), mistyped("hepl", COMMANDS)
    (Intent(name='subscribe', argument='graphs', typed='subcribe'), Intent(name='help', argument='', typed='hepl'))
    >>> mistyped("safe reinforcement learning", COMMANDS), mistyped("topic models", COMMANDS)
    (None, None)
    """
    first, _, argument = text.partition(" ")
    typed, argument = first.casefold().strip("/:!.?"), argument.strip()
    if not typed.isalpha() or len(typed) < _LEAST_MISTYPED or typed in _REAL_WORDS:
        return None
    names = [name for name, command in commands.items() if command.takes_argument or not argument]
    names += _VERBS if argument else [words for words in _COMMAND_OF if words.isalpha()]
    near = [name for name in names if name != typed and _is_near(typed, name)]
    if not near:
        return None
    # The same letters in another order are the likelier mistake: `stauts` is status, and not stats.
    name = min(near, key=lambda name: (OSA.distance(typed, name), sorted(typed) != sorted(name), name))
    if name in commands:
        return Intent(name, argument, first)
    meant = phrase(f"{name} {argument}".strip())
    return Intent(meant.name, meant.argument, first) if meant else None


def _bare(text: str) -> str:
    """A line in lower case, without what only addresses the bot and without punctuation at its ends."""
    plain = " ".join(_SHORT.sub(r"\1 is", _ADDRESS.sub(" ", text.casefold()[:200])).split())
    plain = plain.strip(_CLOSING)
    bare = " ".join(plain.replace(",", " ").split())
    return bare.rstrip("? ") or bare


def _said_in_turn(text: str) -> str:
    """The command that a line of several such phrases means, as `hello, what can you do?`: the last that is more than
    courtesy; "" for any other line."""
    clauses = [clause for part in _BREAKS.split(text[:200]) if (clause := _bare(part))]
    names = [_COMMAND_OF.get(clause, "") for clause in clauses]
    if len(names) < 2 or not all(names):
        return ""
    return next((name for name in reversed(names) if name not in (HELLO, THANKS)), names[-1])


def _is_topic(argument: str) -> bool:
    first, *rest = argument.split()
    if first[0] in '"“':
        return True
    return first.casefold() not in _NO_TOPIC and len(rest) < _LONGEST_TOPIC and any(map(str.isalpha, argument))


def _is_near(typed: str, name: str) -> bool:
    """Whether a word is a name with letters exchanged, missing, doubled or wrong. A name of four letters is near too
    many words: only the order of its letters may be wrong."""
    if typed[0] != name[0] or len(name) < _LEAST_MISTYPED:
        return False
    if len(name) == _LEAST_MISTYPED and sorted(typed) != sorted(name):
        return False
    return OSA.distance(typed, name, score_cutoff=2) <= (2 if len(name) >= _LONG else 1)
