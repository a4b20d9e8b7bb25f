"""Notes that tell a reader how the search read their query."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.text import cut, plain_text
from recommender import IssueKind, QueryInterpretation, QueryIssue
from recommender.paper import arxiv_id

_PARTS_SHOWN = 5
_SENTENCES = 3
_PART = 60
_SUGGESTION = 80


def explain(
    interpretation: QueryInterpretation, *, for_topic: bool = False, in_chat: bool = True, has_hits: bool = True
) -> str:
    """Sentences on how a query was read; "" if it was taken as written. The query of a topic (`for_topic`) is never
    corrected: the sentences only ask what was meant. Only those for a chat (`in_chat`) name its commands, and only
    where it `has_hits` do they tell what the hits are for."""
    sentences = [_left_out([r.part for r in interpretation.issues if r.kind is IssueKind.MEANINGLESS])]
    issues = [issue for issue in interpretation.issues if issue.kind is not IssueKind.MEANINGLESS]
    sentences += [_sentence(issue, for_topic, in_chat) for issue in issues[:_SENTENCES]]
    if interpretation.suggestion:
        suggestion = cut(plain_text(interpretation.suggestion), _SUGGESTION)
        note = "" if for_topic else " This is for that."
        sentences.append(f"Nothing has this as written; did you mean “{suggestion}”?{note}")
    for term, suggestion in interpretation.added_terms[:_SENTENCES]:
        note = "" if for_topic else " Both are here."
        sentences.append(f"Hardly any paper has “{_shown(term)}”; did you mean “{_shown(suggestion)}”?{note}")
    if interpretation.relaxed_phrases and not for_topic and has_hits:
        phrases = ", ".join(f"“{_shown(phrase)}”" for phrase in interpretation.relaxed_phrases)
        sentences.append(f"Nothing has {phrases} word for word; this is for the words.")
    return " ".join(filter(None, sentences))


def _left_out(parts: Sequence[str]) -> str:
    if not parts:
        return ""
    parts_text = ", ".join(_shown(part) for part in parts[:_PARTS_SHOWN])
    rest = len(parts) - _PARTS_SHOWN
    return f"Not understood or too much, and left out: {parts_text}" + (f" and {rest:,} more." if rest > 0 else ".")


def _sentence(issue: QueryIssue, for_topic: bool, in_chat: bool) -> str:
    part = _shown(issue.part)
    names = [_shown(name) for name in issue.near[:_PARTS_SHOWN]]
    match issue.kind:
        case IssueKind.EVERYDAY:
            return f"“{part}” stands in nearly every paper; a word that tells more finds more."
        case IssueKind.NO_DAY:
            return f"“{part}” names no day, and is left out; a day is written 2025-06-30, a month 2025-06."
        case IssueKind.NO_DAYS:
            return f"No day fits “{part}”, so these are left out."
        case IssueKind.NO_CATEGORY:
            hint = f"; did you mean {' or '.join(f'cat:{name}' for name in names)}?" if names else "."
            return f"No paper here is in “{part}”{'' if for_topic else ', so it is left out'}{hint}"
        case IssueKind.NO_PAPER:
            ask = f" `/papers abstract {part}` asks arXiv for it." if in_chat and arxiv_id(issue.part) else ""
            return f"I don't have “{part}”.{ask}"
        case IssueKind.NO_AUTHOR:
            return f"No author here is called as in “{part}”."
        case IssueKind.PART_OF_NAME if for_topic:
            return f"No author here is called as in “{part}”; did you mean {' or '.join(names)}?"
        case IssueKind.PART_OF_NAME:
            suffix = " and others" if len(issue.near) > len(names) else ""
            return f"“{part}” is read as the beginning of {', '.join(names)}{suffix}."
    return ""


def _shown(part: str) -> str:
    return cut(plain_text(part), _PART)
