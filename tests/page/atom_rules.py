"""The musts of RFC 4287, checked over the XML of a feed."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from xml.etree import ElementTree

_NS = "{http://www.w3.org/2005/Atom}"
_ONCE_IN_FEED = {"id", "title", "updated", "subtitle", "generator", "icon", "logo", "rights"}
_ONCE_IN_ENTRY = {"id", "title", "updated", "published", "summary", "content", "rights", "source"}
_MANY_IN_FEED = {"author", "category", "contributor", "link", "entry"}
_MANY_IN_ENTRY = {"author", "category", "contributor", "link"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})")
_ABSOLUTE_IRI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", re.IGNORECASE)


def broken_rules(body: bytes) -> list[str]:
    """What a feed breaks of RFC 4287; empty if it is valid."""
    feed = ElementTree.fromstring(body)
    if feed.tag != f"{_NS}feed":
        return [f"the root is {feed.tag}"]
    broken = _children(feed, _ONCE_IN_FEED, _MANY_IN_FEED, ("id", "title", "updated"), "feed")
    entries = feed.findall(f"{_NS}entry")
    for entry in entries:
        broken += _children(entry, _ONCE_IN_ENTRY, _MANY_IN_ENTRY, ("id", "title", "updated"), "entry")
        if feed.find(f"{_NS}author") is None and entry.find(f"{_NS}author") is None:
            broken.append("neither the feed nor the entry has an author (4.1.2)")
        is_alternate = any(link.get("rel", "alternate") == "alternate" for link in entry.findall(f"{_NS}link"))
        if entry.find(f"{_NS}content") is None and not is_alternate:
            broken.append("an entry has neither content nor an alternate link (4.1.2)")
    ids = [element.text or "" for element in feed.iter(f"{_NS}id")]
    broken += [f"the id {name} is there {times} times" for name, times in Counter(ids).items() if times > 1]
    broken += [f"the id {name!r} is no absolute IRI (4.2.6)" for name in ids if not _ABSOLUTE_IRI.fullmatch(name)]
    for name in ("updated", "published"):
        for element in feed.iter(_NS + name):
            text = element.text or ""
            if not _DATE.fullmatch(text):
                broken.append(f"{text!r} is no date of RFC 3339 (3.3)")
            else:
                datetime.fromisoformat(text)
    for link in feed.iter(f"{_NS}link"):
        if not _ABSOLUTE_IRI.fullmatch(link.get("href", "")):
            broken.append(f"the link {link.get('href')!r} is no absolute IRI (4.2.7.1)")
        if link.get("type") and not _MEDIA_TYPE.fullmatch(link.get("type", "")):
            broken.append(f"{link.get('type')!r} is no media type (4.2.7.3)")
    alternates = Counter(
        (at, link.get("type"), link.get("hreflang"))
        for at, parent in enumerate((feed, *entries))
        for link in parent.findall(f"{_NS}link")
        if link.get("rel", "alternate") == "alternate"
    )
    broken += ["two alternate links have one type (4.1.1)" for times in alternates.values() if times > 1]
    broken += ["an author has no name (3.2.1)" for a in feed.iter(f"{_NS}author") if not a.findtext(f"{_NS}name")]
    broken += ["a category has no term (4.2.2.1)" for c in feed.iter(f"{_NS}category") if not c.get("term")]
    for name in ("title", "subtitle", "summary", "content"):
        kinds = {element.get("type", "text") for element in feed.iter(_NS + name)}
        broken += [f"{name} is of the type {kind} (3.1.1)" for kind in kinds - {"text", "html"}]
        broken += [f"{name} holds elements (3.1.1)" for element in feed.iter(_NS + name) if len(element)]
    if not any(link.get("rel") == "self" for link in feed.findall(f"{_NS}link")):
        broken.append("the feed has no self link (4.1.1)")
    return broken


def _children(
    element: ElementTree.Element, once: set[str], many: set[str], required: tuple[str, ...], where: str
) -> list[str]:
    names = Counter(child.tag.removeprefix(_NS) for child in element)
    return [
        *(f"the {where} has no {name}" for name in required if not names[name]),
        *(f"the {where} has {times} of {name}" for name, times in names.items() if name in once and times > 1),
        *(f"the {where} has the unknown {name}" for name in names if name not in once | many),
    ]
