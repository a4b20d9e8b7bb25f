"""Every word the index has met, numbered in the order of arrival."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np

from recommender.index.columns import EVERYDAY_WORD, SUBJECT_WORD, Bytes, UInts
from recommender.paper import Paper
from recommender.text import EVERYDAY_WORDS, fold, is_content_word, stem

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
        is_content = not signed and is_content_word(word)
        self._content_flags.append((EVERYDAY_WORD if word in EVERYDAY_WORDS else SUBJECT_WORD) if is_content else 0)
        self._stems.append(number)
        if not signed:
            self._stems[number] = self[stem(word)]
        return number

    def since(self, start: int) -> tuple[Bytes, UInts, Bytes]:
        """The words from number `start` on, as columns: their text, their stems, and which are content words."""
        text = "".join(word + "\n" for word in self.words[start:]).encode("utf-8", "surrogatepass")
        stems, content_flags = np.array(self._stems[start:], np.uint32), np.array(self._content_flags[start:], np.uint8)
        return np.frombuffer(text, np.uint8), stems, content_flags

    def extend(self, text: Bytes, stems: UInts, content_flags: Bytes) -> None:
        """Take over words, given as columns, as another vocabulary has numbered them."""
        words = text.tobytes().decode("utf-8", "surrogatepass").split("\n")[:-1]
        start = len(self.words)
        self.words.extend(words)
        self.update(zip(words, range(start, start + len(stems)), strict=True))
        self._stems.frombytes(stems.tobytes())
        self._content_flags.extend(content_flags.tobytes())

    def truncate(self, size: int) -> None:
        """Forget every word from number `size` on."""
        for word in self.words[size:]:
            del self[word]
        del self.words[size:], self._stems[size:], self._content_flags[size:]

    def known(self, words: Iterable[str]) -> list[int]:
        """The ids of those words that have one."""
        return [number for word in words if (number := self.get(word)) is not None]
