"""Papers and feedback as files: one JSON object a line (`.jsonl`, `.jsonl.gz`).

Readers yield, line by line, a record or the Problem that made the line unreadable; nothing in a file raises, only a
file that cannot be opened does (OSError).
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from recommender.paper import Paper, canonical_id, web_link
from recommender.text import visible
from recommender.values import Feedback

LONGEST_LINE = 1_000_000
"""Bytes of a line that are read; a longer one is a problem."""
LONGEST_ID = 300
MOST_NAMES = 5_000
"""Authors or categories that one paper may have."""

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not be read: its number, from 1, and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ChannelFeedback:
    """One line of a feedback file: what is fed back, and in which channel."""

    channel: str
    feedback: Feedback


def read_papers(path: str | Path) -> Iterator[Paper | Problem]:
    """The papers of a file."""
    return read_objects(Path(path), paper_from)


def read_feedback(path: str | Path) -> Iterator[ChannelFeedback | Problem]:
    """The feedback of a file."""
    return read_objects(Path(path), feedback_from)


def write_papers(path: str | Path, papers: Iterable[Paper]) -> int:
    """Write papers, packed when the name ends in .gz; how many they were."""
    return _write(Path(path), map(paper_line, papers))


def write_feedback(path: str | Path, feedback: Iterable[ChannelFeedback]) -> int:
    """Write feedback, packed when the name ends in .gz; how many lines it was."""
    return _write(Path(path), map(feedback_line, feedback))


def paper_line(paper: Paper) -> str:
    """The paper as a line, without what is empty."""
    held = {
        "id": paper.id,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": list(paper.authors),
        "categories": list(paper.categories),
        "published": paper.published.isoformat() if paper.published else None,
        "upvotes": paper.upvotes,
        "comments": paper.comments,
        "organization": paper.organization,
        "url": paper.url,
        "doi": paper.doi,
    }
    return _line({name: value for name, value in held.items() if value or name in ("id", "title")})


def feedback_line(item: ChannelFeedback) -> str:
    """One piece of feedback as a line."""
    given = item.feedback
    held: dict[str, Any] = {"channel": item.channel, "paper": given.paper_id, "value": given.value}
    return _line({**held, "at": given.at.isoformat(), "member": given.member})


def paper_from(held: dict[str, Any]) -> Paper:
    """The paper in an object; ValueError says what is wrong with it."""
    return Paper(
        id=_id(held, "id"),
        title=_text(held, "title", required=True),
        abstract=_text(held, "abstract"),
        authors=_texts(held, "authors"),
        categories=_texts(held, "categories"),
        published=_date(held.get("published")),
        upvotes=_count(held, "upvotes"),
        comments=_count(held, "comments"),
        organization=_text(held, "organization"),
        url=web_link(_text(held, "url")),  # a javascript: or file: link costs nobody the paper
        doi=_text(held, "doi"),
    )


def feedback_from(held: dict[str, Any]) -> ChannelFeedback:
    """The feedback in an object; ValueError says what is wrong with it."""
    value = held.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1:
        raise ValueError("value must be a number from -1 to 1")
    member = held.get("member")
    if member is not None and not isinstance(member, str):
        raise ValueError("member must be text")
    channel = held.get("channel")
    if not isinstance(channel, str):
        raise ValueError("channel must be text")
    return ChannelFeedback(channel, Feedback(_id(held, "paper"), float(value), _moment(held.get("at")), member or None))


def read_objects(path: Path, made: Callable[[dict[str, Any]], Record]) -> Iterator[Record | Problem]:
    """What `made` makes of each object of a file, whatever the objects are; its ValueError becomes a Problem."""
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"  # looked at, not read: a pipe can't go back
        file = gzip.GzipFile(fileobj=raw) if packed else raw
        number = 0
        while True:
            number += 1
            try:
                line = file.readline(LONGEST_LINE + 1)
                long = len(line) > LONGEST_LINE
                while long and not line.endswith(b"\n") and line:
                    line = file.readline(LONGEST_LINE)
            except (OSError, EOFError, zlib.error) as broken:
                yield Problem(number, f"the file is damaged from here on ({broken})")
                return
            if long:
                yield Problem(number, f"longer than {LONGEST_LINE:,} bytes")
            elif not line:
                return
            elif line.strip():
                yield _record(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, made)


def _record(number: int, line: bytes, made: Callable[[dict[str, Any]], Record]) -> Record | Problem:
    try:
        held = json.loads(line.decode("utf-8"))
        if not isinstance(held, dict):
            raise ValueError("not a JSON object")
        return made(held)
    except UnicodeDecodeError:
        return Problem(number, "not UTF-8")
    except json.JSONDecodeError as broken:
        return Problem(number, f"not JSON ({broken.msg})")
    except RecursionError:
        return Problem(number, "nested too deeply")
    except (ValueError, OverflowError) as wrong:
        return Problem(number, str(wrong))


def _write(path: Path, lines: Iterable[str]) -> int:
    count = 0
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line + "\n")
            count += 1
    return count


def _line(held: dict[str, Any]) -> str:
    text = json.dumps(held, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(held)


def _id(held: dict[str, Any], name: str) -> str:
    value = held.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    found = canonical_id(visible(value)) if isinstance(value, str) else ""
    if not found:
        raise ValueError(f"{name} is missing")
    if len(found) > LONGEST_ID:
        raise ValueError(f"{name} is longer than {LONGEST_ID} characters")
    return found


def _text(held: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = held.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is missing" if value is None else f"{name} must be text")
    return visible(value).strip()


def _texts(held: dict[str, Any], name: str) -> tuple[str, ...]:
    value = held.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of texts")
    if len(value) > MOST_NAMES:
        raise ValueError(f"{name} has more than {MOST_NAMES:,} entries")
    return tuple(text for item in value if (text := visible(item).strip()))


def _count(held: dict[str, Any], name: str) -> int:
    value = held.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a count")
    return min(int(value), 2**31 - 1)


def _date(value: object) -> date | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            return date.fromisoformat(value[:10])
    except ValueError:
        pass
    raise ValueError("published must be a date such as 2025-03-31")


def _moment(value: object) -> datetime:
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("at must be a time such as 2025-03-31T09:00:00Z")
