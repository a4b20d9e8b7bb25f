"""Every word the index has met, numbered in the order of arrival."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np

from recommender.index.segment import Words
from recommender.paper import Paper
from recommender.text import fold, is_content_word, stem

CATEGORY_SIGN = "#"
AUTHOR_SIGN = "@"
"""Words with a sign in front are no words of the text: `#cs.lg`, `@mcmahan`."""


def category_name(value: str) -> str:
    """A category as arXiv writes it: cs.LG, cond-mat.mes-hall."""
    archive, dot, subject = value.partition(".")
    return f"{archive}{dot}{subject.upper() if len(subject) == 2 else subject}"


def categories_of(paper: Paper) -> list[str]:
    """The categories of a paper as words of the vocabulary."""
    return [CATEGORY_SIGN + "".join(fold(category).split()) for category in paper.categories if category.strip()]


class Vocabulary(dict[str, int]):
    """Word → id. Looking up an unknown word with [] gives it the next id; `get` does not."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._stems = array("I")
        self._content_flags = bytearray()

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self.words)
        self.words.append(word)
        signed = word[:1] in (CATEGORY_SIGN, AUTHOR_SIGN)
        self._content_flags.append(not signed and is_content_word(word))
        self._stems.append(number)
        if not signed:
            self._stems[number] = self[stem(word)]
        return number

    def since(self, start: int) -> Words:
        """The words from number `start` on, as columns."""
        return Words(
            text=np.frombuffer("\n".join(self.words[start:]).encode("utf-8", "surrogatepass"), np.uint8),
            stems=np.array(self._stems[start:], np.uint32),
            content_flags=np.array(self._content_flags[start:], np.uint8),
        )

    def extend(self, words: Words, known: int) -> None:
        """Take words over as another vocabulary had numbered them, without the first `known`."""
        if known >= len(words.stems):
            return
        texts = words.text.tobytes().decode("utf-8", "surrogatepass").split("\n")[known:]
        start = len(self.words)
        self.words.extend(texts)
        self.update(zip(texts, range(start, start + len(words.stems) - known), strict=True))
        self._stems.frombytes(words.stems[known:].tobytes())
        self._content_flags.extend(words.content_flags[known:].tobytes())

    def truncate(self, size: int) -> None:
        """Forget every word from number `size` on."""
        for word in self.words[size:]:
            del self[word]
        del self.words[size:], self._stems[size:], self._content_flags[size:]

    def known(self, words: Iterable[str]) -> list[int]:
        """The ids of those words that have one."""
        return [number for word in words if (number := self.get(word)) is not None]
