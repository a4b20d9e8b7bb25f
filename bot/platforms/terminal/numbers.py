"""The numbers of the papers on the screen, by which a person names them.

A digest's papers are numbered from 1, and later posts continue. A list in an answer gets the numbers after those, and
the next list gets the same numbers again. So no two papers that can be named have the same number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.model.messages import Message, Reply


@dataclass(frozen=True, slots=True)
class Numbered:
    """A paper on the screen. `message` is the post of its card, or the post with a numbered list, in which `choice` is
    its number; None for a paper in any other list."""

    paper_id: str
    title: str
    message: str | None = None
    choice: int = 0
    posted: bool = True


def is_header(message: Message) -> bool:
    """Whether a message has no paper: such a message opens a digest, or says why there is none."""
    return message.card is None and not message.lines


def opens(message: Message) -> bool:
    """Whether a message is a whole digest, or the header of one."""
    return is_header(message) or (message.numbered and not message.further and not message.thread)


class Numbers:
    """The numbered papers of one channel."""

    def __init__(self) -> None:
        self._papers: list[Numbered] = []
        self._after_header = False

    def post(self, message_id: str, message: Message) -> int:
        """Number a posted message's papers and return the first number. A message without papers opens a new digest."""
        if is_header(message):
            self._after_header = True
            return 1
        if self._after_header or opens(message):
            self._papers.clear()
        self._after_header = False
        first = len(self._papers) + 1
        if message.card:
            self._papers.append(Numbered(message.card.paper_id, message.card.title, message_id))
        for choice, line in enumerate(message.lines, 1):
            where = (message_id, choice) if message.numbered else (None, 0)
            self._papers.append(Numbered(line.paper_id, line.title, *where))
        return first

    def answer(self, reply: Reply, *, more: bool = False) -> int:
        """Number an answer's papers and return the first number; `more` continues the previous list."""
        if not reply.cards and not reply.lines:
            return 1
        while not more and self._papers and not self._papers[-1].posted:
            self._papers.pop()
        first = len(self._papers) + 1
        papers = [(card.paper_id, card.title) for card in reply.cards]
        papers += [(line.paper_id, line.title) for line in reply.lines]
        self._papers += [Numbered(paper_id, title, posted=False) for paper_id, title in papers]
        return first

    def get(self, number: int) -> Numbered | None:
        """The paper with that number."""
        return self._papers[number - 1] if 1 <= number <= len(self._papers) else None

    def __iter__(self) -> Iterator[tuple[int, Numbered]]:
        return iter(enumerate(self._papers, 1))

    def __len__(self) -> int:
        return len(self._papers)
