"""The numbers of the papers on the screen, by which a person names them.

A digest's papers are numbered from 1, and what comes later continues. A number is never given to another paper while
the first is still on the screen: a digest that comes too early for that continues, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.model.messages import Message, Reply

_COUNTED = 99
"""Lists begin at 1 again above this number."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A paper on the screen. `message` is the post of its card, or the post with a numbered list, in which `choice` is
    its number; None for a paper in any other list."""

    paper_id: str
    title: str
    message: str | None = None
    choice: int = 0


@dataclass(slots=True)
class _Holder:
    """The paper that has a number: in which digest it was given, and the row of the screen at which it ends."""

    paper: Numbered
    digest: int
    row: int | None = None


def is_header(message: Message) -> bool:
    """Whether a message has no paper: such a message opens a digest, or says why there is none."""
    return message.card is None and not message.lines


def opens(message: Message) -> bool:
    """Whether a message is a whole digest, or the header of one."""
    return is_header(message) or (message.numbered and not message.further and not message.thread)


class Numbers:
    """The numbered papers of one screen. `printed` tells it how far they have moved up."""

    def __init__(self) -> None:
        self._holders: dict[int, _Holder] = {}
        self._row, self._height = 0, 0
        self._next, self._digest, self._entered = 1, 0, 0
        self._after_header = False
        self._posted: list[int] = []
        self._listed: list[int] = []

    def printed(self, rows: int, height: int) -> None:
        """So many rows were printed on a screen of this height; the papers numbered last are among them."""
        self._row += rows
        self._height = height
        for holder in self._holders.values():
            holder.row = self._row if holder.row is None else holder.row

    def leave(self) -> None:
        """The papers so far belong to another channel: they can't be named, and keep their numbers while they are
        visible."""
        self._begin_digest()
        self._entered, self._after_header, self._listed = self._digest, False, []

    def post(self, message_id: str, message: Message) -> int:
        """Number a posted message's papers and return the first number. A message without papers opens a new digest."""
        if is_header(message):
            self._after_header = True
            return 1
        if self._after_header or opens(message):
            self._begin_digest()
        self._after_header = False
        card = [Numbered(message.card.paper_id, message.card.title, message_id)] if message.card else []
        lines = [
            Numbered(line.paper_id, line.title, *((message_id, choice) if message.numbered else (None, 0)))
            for choice, line in enumerate(message.lines, 1)
        ]
        numbers = self._give([*card, *lines])
        self._posted += numbers
        return numbers[0]

    def answer(self, reply: Reply) -> int:
        """Number an answer's papers and return the first number."""
        papers = [(card.paper_id, card.title) for card in reply.cards]
        papers += [(line.paper_id, line.title) for line in reply.lines]
        if not papers:
            return 1
        if self._next + len(papers) > _COUNTED + 1:
            self._next = 1
        self._listed = self._give([Numbered(paper_id, title) for paper_id, title in papers])
        return self._listed[0]

    def get(self, number: int) -> Numbered | None:
        """The paper with that number."""
        holder = self._holders.get(number)
        return holder.paper if holder and self._is_named(holder) else None

    def all(self) -> list[int]:
        """The numbers of the last digest, or of the last list where there is no digest."""
        return list(self._posted or self._listed)

    def __iter__(self) -> Iterator[tuple[int, Numbered]]:
        return ((number, holder.paper) for number, holder in sorted(self._holders.items()) if self._is_named(holder))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _begin_digest(self) -> None:
        self._next, self._digest, self._posted = 1, self._digest + 1, []

    def _give(self, papers: list[Numbered]) -> list[int]:
        """The next numbers in a row that no visible paper has, for these papers."""
        first = self._next
        while taken := [n for n in range(first, first + len(papers)) if self._is_taken(n)]:
            first = taken[-1] + 1
        for number, paper in enumerate(papers, first):
            self._holders[number] = _Holder(paper, self._digest)
        self._next = first + len(papers)
        return list(range(first, self._next))

    def _is_taken(self, number: int) -> bool:
        return number in self._holders and self._is_visible(self._holders[number])

    def _is_visible(self, holder: _Holder) -> bool:
        """Whether a paper is on the screen, as one that is about to be printed will be. Without a screen none is."""
        return self._height > 0 and (holder.row is None or self._row - holder.row < self._height)

    def _is_named(self, holder: _Holder) -> bool:
        return holder.digest >= self._entered and (holder.digest == self._digest or self._is_visible(holder))
