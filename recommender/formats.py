"""Files of papers and of feedback, with one JSON object on each line (`.jsonl`, `.jsonl.gz`).

A reader yields a record for each line, or the Problem with that line. A file that cannot be opened raises OSError.
Nothing in a file raises an error.
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
"""The most bytes of a line. A longer line is a problem."""
LONGEST_ID = 300
MOST_NAMES = 5_000
"""The most authors, and the most categories, of a paper."""

_DAY = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?|(\d\d)(\d\d))?(?![\d/.-])")
_YEARS = range(1000, 10_000)

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Problem:
    """A line that could not be read: its number, from 1, and the reason."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ChannelFeedback:
    """One line of a feedback file: a channel and its feedback."""

    channel: str
    feedback: Feedback


def read_papers(path: str | Path, today: date | None = None) -> Iterator[Paper | Problem]:
    """The papers of a file, in the format of `paper_line` or of arXiv's own dump on Kaggle. If `today` is given, a
    paper that was published later is a problem."""
    return read_objects(Path(path), lambda fields: paper_from(fields, today))


def read_feedback(path: str | Path) -> Iterator[ChannelFeedback | Problem]:
    """The feedback of a file."""
    return read_objects(Path(path), feedback_from)


def write_papers(path: str | Path, papers: Iterable[Paper]) -> int:
    """Write papers to a file, compressed if its name ends in .gz. Returns their number."""
    path, count = Path(path), 0
    with gzip.open(path, "wt", encoding="utf-8") if path.suffix == ".gz" else path.open("w", encoding="utf-8") as file:
        for paper in papers:
            file.write(paper_line(paper) + "\n")
            count += 1
    return count


def paper_line(paper: Paper) -> str:
    """The line of a paper, without its empty fields."""
    fields = {
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
    return _line({name: value for name, value in fields.items() if value or name in ("id", "title")})


def feedback_line(item: ChannelFeedback) -> str:
    """The line of one piece of feedback."""
    vote = item.feedback
    fields = {"channel": item.channel, "paper": vote.paper_id, "value": vote.value, "at": vote.at.isoformat()}
    return _line({**fields, "member": vote.member})


def paper_from(fields: dict[str, Any], today: date | None = None) -> Paper:
    """The paper of a JSON object. ValueError with a reason if it has none."""
    paper_id, abstract = _id(fields, "id"), _text(fields, "abstract")
    comment = fields.get("comments")  # in arXiv's dump a text, elsewhere a number
    comment = comment if isinstance(comment, str) else ""
    return Paper(
        id=paper_id,
        title=" ".join(_text(fields, "title", required=True).split()),
        abstract=abstract,
        authors=_authors(fields),
        categories=_categories(fields),
        published=_published(fields, paper_id, today),
        upvotes=_count(fields, "upvotes"),
        comments=0 if comment else _count(fields, "comments"),
        organization=_text(fields, "organization"),
        url=web_link(_text(fields, "url")),  # a paper with a javascript: or file: link is kept without it
        doi=_text(fields, "doi"),
        pdf_url=web_link(_text_if_any(fields, "pdf_url")),
        code_url=web_link(_text_if_any(fields, "code_url")),
        project_url=web_link(_text_if_any(fields, "project_url")),
        discussion_url=web_link(_text_if_any(fields, "discussion_url")),
        source=_text_if_any(fields, "source")[:LONGEST_ID],
        withdrawn=fields.get("withdrawn") is True or says_withdrawn(abstract) or says_withdrawn(comment),
    )


def feedback_from(fields: dict[str, Any]) -> ChannelFeedback:
    """The feedback of a JSON object. ValueError with a reason if it has none."""
    value = fields.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1:
        raise ValueError("value must be a number from -1 to 1")
    member = fields.get("member")
    if member is not None and not isinstance(member, str):
        raise ValueError("member must be text")
    channel = fields.get("channel")
    if not isinstance(channel, str):
        raise ValueError("channel must be text")
    return ChannelFeedback(
        channel, Feedback(_id(fields, "paper"), float(value), _moment(fields.get("at")), member or None)
    )


def read_objects(path: Path, parse: Callable[[dict[str, Any]], Record]) -> Iterator[Record | Problem]:
    """The records that `parse` makes of the objects in a file. A ValueError of `parse` becomes a Problem."""
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"  # not `read`, because a pipe can't go back
        file = gzip.GzipFile(fileobj=raw) if packed else raw
        number = 0
        while True:
            number += 1
            try:
                line = file.readline(LONGEST_LINE + 1)
                long = len(line) > LONGEST_LINE
                while long and not line.endswith(b"\n") and line:
                    line = file.readline(LONGEST_LINE)
            except (OSError, EOFError, zlib.error) as error:
                yield Problem(number, f"the file is damaged from here on ({error})")
                return
            if long:
                yield Problem(number, f"longer than {LONGEST_LINE:,} bytes")
            elif not line:
                return
            elif line.strip():
                yield _record(number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, parse)


def _record(number: int, line: bytes, parse: Callable[[dict[str, Any]], Record]) -> Record | Problem:
    try:
        fields = json.loads(line.decode("utf-8"))
        if not isinstance(fields, dict):
            raise ValueError("not a JSON object")
        return parse(fields)
    except UnicodeDecodeError:
        return Problem(number, "not UTF-8")
    except json.JSONDecodeError as error:
        return Problem(number, f"not JSON ({error.msg})")
    except RecursionError:
        return Problem(number, "nested too deeply")
    except (ValueError, OverflowError) as error:
        return Problem(number, str(error))


def _line(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(fields)


def _id(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    paper_id = canonical_id(visible(value)) if isinstance(value, str) else ""
    if not paper_id:
        raise ValueError(f"{name} is missing")
    if len(paper_id) > LONGEST_ID:
        raise ValueError(f"{name} is longer than {LONGEST_ID} characters")
    return paper_id


def _text(fields: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = fields.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is missing" if value is None else f"{name} must be text")
    text = visible(value).strip()
    if required and not text:
        raise ValueError(f"{name} is empty")
    return text


def _text_if_any(fields: dict[str, Any], name: str) -> str:
    """A text, or "" for a value of another type, because files of other programs may have any value here."""
    value = fields.get(name)
    return " ".join(visible(value).split()) if isinstance(value, str) else ""


def _authors(fields: dict[str, Any]) -> tuple[str, ...]:
    """The authors. arXiv's dump has them split already; elsewhere they are a list, or one text."""
    parsed, authors = fields.get("authors_parsed"), fields.get("authors")
    if isinstance(parsed, list) and parsed and all(isinstance(name, list) and _all_texts(name) for name in parsed):
        names = [" ".join(part for part in (*name[1:2], *name[:1], *name[2:3]) if part) for name in parsed]
        names = names[:MOST_NAMES]
    elif isinstance(authors, str):
        names = split_line(authors)
    else:
        return _texts(fields, "authors")
    return tuple(dict.fromkeys(visible(converted(name)).strip() for author in names for name in names_in(author)))


def _categories(fields: dict[str, Any]) -> tuple[str, ...]:
    """The categories, from a list, or from a text with spaces or commas between them."""
    categories = fields.get("categories")
    if isinstance(categories, str):
        return tuple(dict.fromkeys(re.split(r"[\s,;]+", visible(categories).strip(" \t\n,;"))))[:MOST_NAMES]
    return _texts(fields, "categories")


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _all_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _published(fields: dict[str, Any], paper_id: str, today: date | None) -> date | None:
    """The day a paper was published. arXiv's dump has the days of all versions, or only the day of the last change.
    In the latter case the paper is at least as old as its id."""
    published = _date(fields.get("published"))
    if published is None:
        created = [version.get("created") for version in _list(fields.get("versions")) if isinstance(version, dict)]
        published = min(filter(None, map(_mail_day, created)), default=None)
        if published is None and (changed := _date(fields.get("update_date"))):
            published = min(changed, last_day_of_id(paper_id) or changed)
    if published and plausible(published, today or published) is None:
        reason = "that day is to come" if today and published > today else "no paper is so old"
        raise ValueError(f"published can't be {published}: {reason}")
    return published


def _mail_day(value: object) -> date | None:
    """The day of a date in the format of e-mails: Mon, 2 Apr 2007 19:18:42 GMT."""
    try:
        return parsedate_to_datetime(value).date() if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _texts(fields: dict[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of texts")
    if len(value) > MOST_NAMES:
        raise ValueError(f"{name} has more than {MOST_NAMES:,} entries")
    return tuple(text for item in value if (text := visible(item).strip()))


def _count(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a count")
    return min(int(value), 2**31 - 1)


def _date(value: object) -> date | None:
    """A day, from the forms that people and programs write. The first day of a month or year that is given alone."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and value in _YEARS:
        value = str(value)
    if isinstance(value, str) and (match := _DAY.match(value.strip())):
        try:
            return date(int(match[1]), int(match[2] or match[4] or 1), int(match[3] or match[5] or 1))
        except ValueError:
            pass
    raise ValueError("published must be a date such as 2025-03-31")


def _moment(value: object) -> datetime:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("at must be a time such as 2025-03-31T09:00:00Z")
