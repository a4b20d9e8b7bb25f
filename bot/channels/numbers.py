"""Emoji that show a number: which one they show, and back."""

from __future__ import annotations

from bot.channels.values import BURST

_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
_KEYCAPS = (*(f"{number}\ufe0f\u20e3" for number in range(1, 10)), "🔟")
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
    return _NUMBERS.get(emoji.strip().removesuffix(BURST).replace("\ufe0f", "").strip(":"), 0)


def keycap(number: int) -> str:
    """The emoji that shows a number from 1 to 10; of any other the number itself.

    >>> keycap(3), keycap(11)
    ('3️⃣', '11.')
    """
    return _KEYCAPS[number - 1] if 1 <= number <= len(_KEYCAPS) else f"{number}."
