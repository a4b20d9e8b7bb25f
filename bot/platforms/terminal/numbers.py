"""The numbers on the screen: which paper a person means by `2`.

A digest's papers are numbered from 1; what is posted after it goes on counting. A list in an answer takes the numbers
after those, and gives them back to the next list: no two papers on the screen that can be named bear the same number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.model.messages import Message, Reply


@dataclass(frozen=True, slots=True)
class Numbered:
    """A paper on the screen; `message` is the post whose card it is, or on which it is the `choice` of that number;
    None where it only stands in a list."""

    paper_id: str
    title: str
    message: str | None = None
    choice: int = 0
    posted: bool = True


def is_header(message: Message) -> bool:
    """Whether a message has no paper: words alone head a digest, or say why there is none."""
    return message.card is None and not message.lines


def opens(message: Message) -> bool:
    """Whether a message is the whole of a digest, or what heads one."""
    return is_header(message) or (message.numbered and not message.further and not message.thread)


class Numbers:
    """The numbered papers of one channel."""

    def __init__(self) -> None:
        self._papers: list[Numbered] = []
        self._headed = False

    def post(self, message_id: str, message: Message) -> int:
        """Number a posted message's papers and return the first number. Words alone head a new digest."""
        if is_header(message):
            self._headed = True
            return 1
        if self._headed or opens(message):
            self._papers.clear()
        self._headed = False
        first = len(self._papers) + 1
        if message.card:
            self._papers.append(Numbered(message.card.paper_id, message.card.title, message_id))
        for choice, line in enumerate(message.lines, 1):
            where = (message_id, choice) if message.numbered else (None, 0)
            self._papers.append(Numbered(line.paper_id, line.title, *where))
        return first

    def answer(self, reply: Reply, *, more: bool = False) -> int:
        """Number an answer's papers and return the first number; `more` goes on with the list before."""
        if not reply.cards and not reply.lines:
            return 1
        while not more and self._papers and not self._papers[-1].posted:
            self._papers.pop()
        first = len(self._papers) + 1
        named = [(card.paper_id, card.title) for card in reply.cards]
        named += [(line.paper_id, line.title) for line in reply.lines]
        self._papers += [Numbered(paper_id, title, posted=False) for paper_id, title in named]
        return first

    def get(self, number: int) -> Numbered | None:
        """The paper with that number."""
        return self._papers[number - 1] if 1 <= number <= len(self._papers) else None

    def __iter__(self) -> Iterator[tuple[int, Numbered]]:
        return iter(enumerate(self._papers, 1))

    def __len__(self) -> int:
        return len(self._papers)
