"""What platforms are asked to show, as examples and as whatever may come, and how it was last looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bot.commands.registry import COMMANDS
from bot.digests.digest import Digest
from bot.model.messages import Action, Attachment, Card, Form, FormField, Line, Link, Message, Reply
from recommender import Feedback, Profile
from tests.charts.examples import STATS, TASTE, charts
from tests.platforms.conformance import CARD, HOSTILE

LINES = tuple(
    Line(
        f"2603.0000{n}", f"Paper {n}", f"https://arxiv.org/abs/2603.0000{n}", "Ada Lovelace · 2026", "It works & well."
    )
    for n in range(1, 4)
)
SHOWN: dict[str, Message | Reply] = {
    "card": Message(card=CARD),
    "guess": Message("A member put this before the channel:", replace(CARD, why="", guess=True, note="")),
    "header": Message("Monday, 2 March: 5 papers of 812. `/papers taste` shows what I go by."),
    "also_today": Message("Also today", lines=LINES),
    "search": Reply(
        "3 papers for “federated”:",
        LINES,
        actions=(Action("More", "search", "federated", 5), Action("Share", "share", "federated")),
    ),
    "today": Reply("Today, as it would be now:", cards=(CARD, CARD), actions=(Action("Share", "share", "today"),)),
    "saved": Reply("2 papers as BibTeX.", attachment=Attachment("saved.bib", "@article{a,\n  title = {A <b>}\n}\n")),
    "taste": Reply("Learned from 3 votes by 2 members and 1 topic.", charts=(TASTE, STATS)),
    "link": Reply(
        "This is the page of this channel, and a feed for feed readers.",
        links=(
            Link("Page", "https://papers.example.org/c/_A*b_c~"),
            Link("Feed", "https://papers.example.org/feeds/c/_A*b_c~.atom"),
            Link("Script", "javascript:alert(1)"),
        ),
        actions=(Action("Revoke", "link", "revoke"),),
    ),
    "help": Reply(
        "Next digest: Tuesday, 3 March at 09:00 (UTC).\n\nWhat you can say:\n• `/papers help`: this list\n"
        "• `/papers subscribe federated learning [alert]`: rank a topic up; `-word` mutes one\n"
        "Anything else is a search, as `/papers federated learning`."
    ),
    "settings": Reply(
        "Settings here (change one as in `/papers settings bar 0.4`):\n• bar 0.8: post only what beats this share",
        form=Form(
            "settings",
            "Settings here",
            (
                FormField("bar", "post only what beats this share of papers", "0.8"),
                FormField("guess", "one card a day may be a guess", "on", ("on", "off")),
            ),
        ),
    ),
    "schedule": Reply(
        "Digests come at 09:00 daily.",
        form=Form("schedule", "When digests come", (FormField("hour", "At what hour", "09:00", ("09:00", "17:00")),)),
    ),
}


FORMS = [name for name, command in COMMANDS.items() if command.has_form]
VOTE = Feedback("2310.01234", 1.0, datetime(2026, 3, 1, 9, tzinfo=UTC), "ada")
DIGEST = Digest(
    date(2026, 3, 2),
    Profile((VOTE,), ("federated learning",)),
    revision=1,
    cards=(
        CARD,
        Card("2", "Out of the blue", why="a guess: tell me with 👍 or 👎", guess=True),
        Card("3", HOSTILE, f"https://x.org/{HOSTILE}", HOSTILE, summary=HOSTILE, why=HOSTILE, note=HOSTILE),
    ),
    titles=(
        Line("4", "Also about clients", "https://arxiv.org/abs/2310.00004"),
        Line("5", HOSTILE, f"https://x.org/{HOSTILE}"),
    ),
)
"""A day's digest, one of whose papers means harm."""

texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from([HOSTILE, "`/papers pause`", "<!channel>", "&amp;", "😀" * 3_000, "word " * 2_000, "\ud800"]),
    st.just("&" * 5_000),
)
urls = st.one_of(texts, st.sampled_from(["https://x.org/a|b", "https://x.org/" + "a" * 485, "javascript:alert(1)"]))
numbers = st.integers(-5, 10**12)
links = st.builds(Link, texts | st.just("PDF"), urls)
cards = st.builds(
    Card,
    *(texts, texts, urls, texts, texts, st.none() | st.dates(), numbers, numbers, texts, texts, st.booleans(), texts),
    category=texts,
    source=texts,
    links=st.lists(links, max_size=8).map(tuple),
)
lines = st.builds(Line, texts, texts, urls, texts, texts)
actions = st.builds(Action, texts, texts, texts, numbers)
fields = st.builds(FormField, texts, texts, texts, st.lists(texts, max_size=4).map(tuple))
replies = st.builds(
    Reply,
    texts,
    st.lists(lines, max_size=40).map(tuple),
    st.lists(cards, max_size=20).map(tuple),
    st.lists(actions, max_size=30).map(tuple),
    st.none() | st.builds(Attachment, texts, texts),
    st.none() | st.builds(Form, st.sampled_from(FORMS), texts, st.lists(fields, max_size=12).map(tuple)),
    charts=st.lists(charts, max_size=2).map(tuple),
    links=st.lists(links, max_size=8).map(tuple),
)


@dataclass(frozen=True)
class Snapshots:
    """What a platform is sent, as JSON beside the tests in `tests` that look at it."""

    tests: Path

    def kept(self, name: str) -> Any:
        """As it was looked at last."""
        return json.loads(self._file(name).read_text("utf-8"))

    def keep(self, shown: Mapping[str, Any]) -> None:
        """These are looked at now."""
        for name, sent in shown.items():
            self._file(name).write_text(json.dumps(sent, indent=2, ensure_ascii=False) + "\n", "utf-8")

    def _file(self, name: str) -> Path:
        return self.tests.parent / "snapshots" / f"{name}.json"
