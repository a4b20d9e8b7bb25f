"""Emoji that show a number: reads and writes them, and makes the buttons that mean the same."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.messages import SUPER_REACTION_SUFFIX, Action, Line

_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
_KEYCAPS = (*(f"{number}\ufe0f\u20e3" for number in range(1, 10)), "🔟")
MOST = len(_KEYCAPS)
"""The highest number that an emoji shows."""
_NUMBERS = {
    name: number
    for names in (_NAMES, [keycap.replace("\ufe0f", "") for keycap in _KEYCAPS])
    for number, name in enumerate(names, 1)
}


def number_of(emoji: str) -> int:
    """The number that an emoji shows, 1 to 10; 0 for any other.

    >>> number_of("3️⃣"), number_of("3️⃣::burst"), number_of(":keycap_ten:"), number_of("👍")
    (3, 3, 10, 0)
    """
    return _NUMBERS.get(emoji.strip().removesuffix(SUPER_REACTION_SUFFIX).replace("\ufe0f", "").strip(":"), 0)


def buttons(lines: Sequence[Line], command: str) -> list[Action]:
    """A button for each numbered paper, as far as there are emoji. `command` is the name of the one that likes a paper,
    as a reaction with its number does."""
    labels = zip(_KEYCAPS, lines, strict=False)
    return [Action(label, command, line.paper_id) for label, line in labels]


def keycap(number: int) -> str:
    """The emoji that shows a number from 1 to 10; for any other number its digits.

    >>> keycap(3), keycap(11)
    ('3️⃣', '11.')
    """
    return _KEYCAPS[number - 1] if 1 <= number <= len(_KEYCAPS) else f"{number}."
