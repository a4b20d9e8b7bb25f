"""The layout of a digest: how its header and its papers become messages, in the styles that a platform supports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.model.codec import dump_message
from bot.model.messages import Card, Line, Message, Style
from bot.model.text import count, cut, plain_text
from bot.ports.platform import Capabilities
from bot.store.delivery_plans import Draft
from recommender import Profile

_FURTHER = "Also today. React with the number of each you like: it counts as a 👍 on a card."

_TITLE_IN_SUBJECT = 90
OF_CHANNEL, MOST_UPVOTED = "picked for the channel", "the most upvoted first"
"""Where the papers of a subscription come from."""


def nothing_new(day: date, reason: str) -> str:
    """The text of a digest without papers."""
    return f"Nothing new {for_day(day)}: {reason}"


def for_day(day: date) -> str:
    """The words that say which day a digest is for."""
    return f"for {day:%A}, {day.day} {day:%B}"


def supported_styles(can: Capabilities) -> tuple[Style, ...]:
    """The styles that a platform supports."""
    support = {Style.THREAD: can.threads, Style.COMPACT: can.numbers > 0}
    return tuple(style for style in Style if support.get(style, True))


def choose_style(style: Style, can: Capabilities, papers: int) -> Style:
    """The style for a number of papers: the wanted style if it is possible, else cards."""
    too_many = style is Style.COMPACT and papers > can.numbers
    return style if papers and style in supported_styles(can) and not too_many else Style.CARDS


def most_messages(style: Style, can: Capabilities, papers: int, titles: int) -> int:
    """How many messages a digest of so many papers and further titles is at most."""
    if can.whole_digests:
        return 1
    in_one = choose_style(style, can, papers) is Style.COMPACT
    return (1 if in_one else 1 + papers) + (1 if titles and can.numbers else 0)


def render_posts(header: str, cards: Sequence[Card], style: Style, *, threaded: bool) -> list[Draft]:
    """The messages of a digest in their order. With `threaded` the cards go into the thread of the first message."""
    if style is Style.COMPACT:
        return [numbered(header, [line(card) for card in cards])]
    drafts = [Draft(dump_message(Message(card=card)), card.paper_id, threaded=threaded) for card in cards]
    return [Draft(dump_message(Message(text=header))), *drafts]


def list_in_thread(style: Style, can: Capabilities) -> bool:
    """Whether the list of further titles goes into the thread of the digest's first message."""
    return style is Style.THREAD or can.asides_in_threads


def list_post(titles: Sequence[Line], *, threaded: bool) -> Draft:
    """The message that lists further titles below a digest's papers."""
    return numbered(_FURTHER, titles, threaded=threaded, glance=True)


def letter(day: date, cards: Sequence[Card], profile: Profile, origin: str = "") -> list[Draft]:
    """A whole digest as one message to one reader, where a digest is one; no message without papers. `origin` says in
    words where the papers come from, if not from the reader's own taste."""
    if not cards:
        return []
    others = f" + {len(cards) - 1} more" if len(cards) > 1 else ""
    title = f"{day:%a} {day.day} {day:%b}: {cut(cards[0].title, _TITLE_IN_SUBJECT)}{others}"
    start = f"{count(len(cards), 'paper')} {for_day(day)}{f', {origin}' if origin else ''}"
    if profile.votes and origin != MOST_UPVOTED:
        basis = "in the order of" if origin == OF_CHANNEL else "learned from"
        header = f"{start}, {basis} your {count(profile.votes, 'vote')}."
    elif profile.topics:
        header = f"{start}, about “{cut(plain_text(profile.topics[0]), _TITLE_IN_SUBJECT)}”."
    elif origin == OF_CHANNEL:
        header = f"{start}. Tell me with 👍 or 👎, and those you like come first."
    else:
        header = f"{start}. Tell me with 👍 or 👎, and the next ones follow your taste."
    message = Message(header, cards=tuple(cards), title=title)
    return [Draft(dump_message(message), numbered=tuple(card.paper_id for card in cards))]


def numbered(text: str, lines: Sequence[Line], *, threaded: bool = False, glance: bool = False) -> Draft:
    """A message of papers that members like by their numbers. A `glance` lists further titles below a digest."""
    body = dump_message(Message(text, lines=tuple(lines), numbered=True, further=glance))
    return Draft(body, numbered=tuple(line.paper_id for line in lines), threaded=threaded, glance=glance)


def line(card: Card) -> Line:
    """A card as one entry of a list: authors, date, upvotes, where the workspace has had it, and why it was picked."""
    day = f"{card.published.day} {card.published:%b %Y}" if card.published else ""
    counts = f"▲ {card.upvotes:,}" if card.upvotes else ""
    detail = " · ".join(filter(None, (card.authors, day, counts, card.note)))
    return Line(card.paper_id, card.title, card.url, detail, "🎲 a guess" if card.guess else card.why)
