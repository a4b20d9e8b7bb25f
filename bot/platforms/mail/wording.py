"""Subscriptions in words."""

from __future__ import annotations

from bot.model.subscriptions import Content, Wish
from bot.model.text import cut, plain_text


def wish_text(wish: Wish) -> str:
    """What somebody asked for, as a part of a sentence.

    >>> wish_text(Wish("ada@example.org", Content.SEARCH, "federated learning", weekly=True))
    'new papers about “federated learning” every Monday at 09:00 (UTC)'
    """
    match wish.content:
        case Content.TRENDING:
            what = "trending papers"
        case Content.SEARCH:
            what = f"new papers about “{cut(plain_text(wish.subject), 200)}”"
        case Content.CHANNEL:
            what = "a channel's picks"
    return f"{what} every {'Monday' if wish.weekly else 'day'} at {wish.hour} ({wish.zone})"
