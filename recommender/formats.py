"""Papers and feedback as files: one JSON object a line (`.jsonl`, `.jsonl.gz`).

Readers yield, line by line, a record or the Problem that made the line unreadable; nothing in a file raises, only a
file that cannot be opened does (OSError).
"""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

from recommender.author_names import names_in, split_line
from recommender.paper import Paper, canonical_id, last_day_of_id, plausible, says_withdrawn, web_link
from recommender.tex import converted
from recommender.text import visible
from recommender.values import Feedback

LONGEST_LINE = 1_000_000
"""Bytes of a line that are read; a longer one is a problem."""
LONGEST_ID = 300
MOST_NAMES = 5_000
"""Authors or categories that one paper may have."""

_DAY = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?|(\d\d)(\d\d))?(?![\d/.-])")

_YEARS = range(1000, 10_000)

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


def read_papers(path: str | Path, today: date | None = None) -> Iterator[Paper | Problem]:
    """The papers of a file, in the form that `paper_line` writes or that of arXiv's own dump on Kaggle.

    A paper that was published after `today` is a problem, if that day is given.
    """
    return read_objects(Path(path), lambda held: paper_from(held, today))


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
        "pdf_url": paper.pdf_url,
        "code_url": paper.code_url,
        "project_url": paper.project_url,
        "discussion_url": paper.discussion_url,
        "source": paper.source,
        "withdrawn": paper.withdrawn,
    }
    return _line({name: value for name, value in held.items() if value or name in ("id", "title")})


def feedback_line(item: ChannelFeedback) -> str:
    """One piece of feedback as a line."""
    given = item.feedback
    held: dict[str, Any] = {"channel": item.channel, "paper": given.paper_id, "value": given.value}
    return _line({**held, "at": given.at.isoformat(), "member": given.member})


def paper_from(held: dict[str, Any], today: date | None = None) -> Paper:
    """The paper in an object; ValueError says what is wrong with it."""
    paper_id, abstract = _id(held, "id"), _text(held, "abstract")
    comment = held.get("comments")  # arXiv's is a text, and no number of comments
    comment = comment if isinstance(comment, str) else ""
    return Paper(
        id=paper_id,
        title=" ".join(_text(held, "title", required=True).split()),
        abstract=abstract,
        authors=_authors(held),
        categories=_categories(held),
        published=_published(held, paper_id, today),
        upvotes=_count(held, "upvotes"),
        comments=0 if comment else _count(held, "comments"),
        organization=_text(held, "organization"),
        url=web_link(_text(held, "url")),  # a javascript: or file: link costs nobody the paper
        doi=_text(held, "doi"),
        pdf_url=web_link(_text_if_any(held, "pdf_url")),
        code_url=web_link(_text_if_any(held, "code_url")),
        project_url=web_link(_text_if_any(held, "project_url")),
        discussion_url=web_link(_text_if_any(held, "discussion_url")),
        source=_text_if_any(held, "source")[:LONGEST_ID],
        withdrawn=held.get("withdrawn") is True or says_withdrawn(abstract) or says_withdrawn(comment),
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
    text = visible(value).strip()
    if required and not text:
        raise ValueError(f"{name} is empty")
    return text


def _text_if_any(held: dict[str, Any], name: str) -> str:
    """A text, "" for another value: files of other programs may have anything under this name."""
    value = held.get(name)
    return " ".join(visible(value).split()) if isinstance(value, str) else ""


def _authors(held: dict[str, Any]) -> tuple[str, ...]:
    """The authors: of arXiv's dump those that it has parsed, else a list, or a text with all of them."""
    parsed, authors = held.get("authors_parsed"), held.get("authors")
    if isinstance(parsed, list) and parsed and all(isinstance(name, list) and _all_texts(name) for name in parsed):
        names = [" ".join(part for part in (*name[1:2], *name[:1], *name[2:3]) if part) for name in parsed]
        names = names[:MOST_NAMES]
    elif isinstance(authors, str):
        names = split_line(authors)
    else:
        return _texts(held, "authors")
    return tuple(dict.fromkeys(visible(converted(name)).strip() for author in names for name in names_in(author)))


def _categories(held: dict[str, Any]) -> tuple[str, ...]:
    """The categories: a list, or a text with spaces or commas between them."""
    categories = held.get("categories")
    if isinstance(categories, str):
        return tuple(dict.fromkeys(re.split(r"[\s,;]+", visible(categories).strip(" \t\n,;"))))[:MOST_NAMES]
    return _texts(held, "categories")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _all_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _published(held: dict[str, Any], paper_id: str, today: date | None) -> date | None:
    """The day a paper was published. arXiv's dump has the days of all versions, or only of the last change: such a
    paper is at least as old as its id."""
    published = _date(held.get("published"))
    if published is None:
        created = [version.get("created") for version in _list(held.get("versions")) if isinstance(version, dict)]
        published = min(filter(None, map(_mail_day, created)), default=None)
        if published is None and (changed := _date(held.get("update_date"))):
            published = min(changed, last_day_of_id(paper_id) or changed)
    if published and plausible(published, today or published) is None:
        fault = "that day is to come" if today and published > today else "no paper is so old"
        raise ValueError(f"published can't be {published}: {fault}")
    return published


def _mail_day(value: object) -> date | None:
    """The day of a date as e-mails have it: Mon, 2 Apr 2007 19:18:42 GMT."""
    try:
        return parsedate_to_datetime(value).date() if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


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
    """A day as people and programs write it; of a month or a year its first."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and value in _YEARS:
        value = str(value)
    if isinstance(value, str) and (found := _DAY.match(value.strip())):
        try:
            return date(int(found[1]), int(found[2] or found[4] or 1), int(found[3] or found[5] or 1))
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
