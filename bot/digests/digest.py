"""A digest before it is planned, and the messages that it becomes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from bot.digests import layout
from bot.model.messages import Card, Line, Style
from bot.model.text import count
from bot.ports.platform import Capabilities
from bot.store.delivery_plans import Draft
from bot.store.pick_log import LoggedPick
from recommender import Profile

ALL_HERE = "all that was listed has been here already."


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest before it is planned.

    `day` is the local day it is for, `profile` and `revision` are the feedback and the revision of the papers that it
    was made from. `titles` stand below the `cards`; `quiet` says why there are no cards. `picked` is logged for each
    card. `upvoted` are the papers that a list of the most upvoted would bring instead. `from_neighbours` says that the
    likes of other channels took part, `origin` says in words where the papers of a subscription come from.
    """

    day: date
    profile: Profile
    revision: int
    cards: tuple[Card, ...] = ()
    titles: tuple[Line, ...] = ()
    quiet: str = ""
    picked: tuple[LoggedPick, ...] = ()
    upvoted: tuple[str, ...] = ()
    from_neighbours: bool = False
    origin: str = ""

    @property
    def paper_ids(self) -> list[str]:
        """The papers on its cards and among its titles."""
        return [*(card.paper_id for card in self.cards), *(line.paper_id for line in self.titles)]

    def of_papers(self, free: Collection[str], most_titles: int) -> Digest:
        """What is left of it when only some of its papers are free. Without cards there are no titles."""
        cards = tuple(card for card in self.cards if card.paper_id in free)
        titles = tuple(line for line in self.titles if cards and line.paper_id in free)[:most_titles]
        return replace(self, cards=cards, titles=titles, quiet=self.quiet or ("" if cards else ALL_HERE))

    def header(self, style: Style = Style.CARDS, *, tucked: bool = False, answer: bool = False) -> str:
        """The text above the papers, or the line that says why there are none. `tucked` says that the titles are in the
        thread of this message. In an `answer` to a member only the cards' buttons count, and reactions do not."""
        if not self.cards:
            return layout.nothing_new(self.day, self.quiet)
        start, profile = f"{count(len(self.cards), 'paper')} {layout.for_day(self.day)}", self.profile
        react = f"{'Vote' if answer else 'React'} with 👍 or 👎"
        if style is Style.COMPACT:
            react = "React with the number of each you like, as 1️⃣"
        thread_note = self._where(style, len(self.titles) if tucked else 0)
        if profile.votes:
            votes_, members = count(profile.votes, "vote"), count(profile.members, "member")
            instruction = f" {react}." if style is Style.COMPACT else ""
            return f"{start}, learned from {votes_} by {members}{thread_note}.{instruction}"
        neighbours_note = ", after what your other channels like" if self.from_neighbours else ""
        basis = ", after this channel's topics" if profile.topics else neighbours_note
        return f"{start}{basis}{thread_note}. {react}: tomorrow's follow your taste."

    def drafts(self, style: Style, can: Capabilities, *, forum: bool = False) -> list[Draft]:
        """The digest's messages in their order. In a forum they all stand in the thread of the day's post."""
        if can.whole_digests:
            return layout.letter(self.day, self.cards, self.profile, self.origin)
        if forum and style is Style.THREAD:
            style = Style.CARDS
        tucked = not forum and layout.list_in_thread(style, can)
        header = self.header(style, tucked=tucked)
        posts = layout.render_posts(header, self.cards, style, threaded=forum or style is Style.THREAD)
        return [*posts, layout.list_post(self.titles, threaded=forum or tucked)] if self.titles else posts

    @staticmethod
    def _where(style: Style, tucked: int) -> str:
        """The words that tell what is in the thread of the header, or ""."""
        titles_text = count(tucked, "more title")
        if style is Style.THREAD:
            # A platform may name the thread after the header's first sentence.
            return f". All in the thread{f', with {titles_text}' if tucked else ''}"
        return f", and {titles_text} in the thread" if tucked else ""
