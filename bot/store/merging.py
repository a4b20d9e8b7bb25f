"""Two papers that turned out to be one: all that hangs on the one goes to the other."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import shown
from bot.store.states import PostState
from bot.store.tables import choices, numbers, paper_names, papers, posts, removed_papers, saved, votes


async def absorb(tx: AsyncConnection, kept: str, gone: str, revision: int) -> None:
    """Give all that hangs on one paper to the other. Where both have the same member's same emoji, the later word
    stands; where a channel was shown both, see `_join_shown`; nothing else is lost."""
    # Waits for whoever is just hanging something on it.
    news = sa.select(papers.c.news_at, papers.c.news_revision).where(papers.c.id == gone).with_for_update()
    heard = (await tx.execute(news)).one_or_none()
    if heard and heard.news_revision is not None:
        first = sa.or_(papers.c.news_revision.is_(None), papers.c.news_revision > heard.news_revision)
        values = {"news_at": heard.news_at, "news_revision": heard.news_revision}
        await tx.execute(sa.update(papers).where(papers.c.id == kept, first).values(values))
    await _join_shown(tx, kept, gone)
    twin = votes.alias()
    same_voice = (twin.c[name] == votes.c[name] for name in ("channel_id", "member", "signal"))
    later = sa.exists().where(twin.c.paper_id == gone, twin.c.at > votes.c.at, *same_voice)
    await tx.execute(sa.delete(votes).where(votes.c.paper_id == kept, later))
    pick = choices.alias()
    picked = sa.exists().where(
        pick.c.paper_id == gone, pick.c.place.is_not(None), pick.c.delivery_id == choices.c.delivery_id
    )
    await tx.execute(sa.delete(choices).where(choices.c.paper_id == kept, choices.c.place.is_(None), picked))
    for table, key in (
        (votes, ("channel_id", "member", "signal")),
        (saved, ("platform", "workspace", "member")),
        (choices, ("delivery_id",)),
    ):
        other = table.alias()
        double = sa.exists().where(other.c.paper_id == kept, *(other.c[name] == table.c[name] for name in key))
        await tx.execute(sa.delete(table).where(table.c.paper_id == gone, double))
        await tx.execute(sa.update(table).where(table.c.paper_id == gone).values(paper_id=kept))
    await tx.execute(sa.update(paper_names).where(paper_names.c.paper_id == gone).values(paper_id=kept))
    await tx.execute(sa.delete(papers).where(papers.c.id == gone))
    await tx.execute(sa.delete(removed_papers).where(removed_papers.c.id == gone))
    await tx.execute(sa.insert(removed_papers).values(id=gone, revision=revision))


_FIRMEST = [PostState.SENT, PostState.UNCERTAIN, PostState.SENDING, PostState.PLANNED, PostState.FAILED]
"""Which of two posts that show one paper keeps it: the one more surely seen. A dropped one never does."""


async def _join_shown(tx: AsyncConnection, kept: str, gone: str) -> None:
    """Of two that one channel was shown the other keeps its message but loses its paper; a card that can wait is not
    sent."""
    mine = shown.entries(lambda table: table.c.paper_id == kept)
    theirs = shown.entries(lambda table: table.c.paper_id == gone)
    doubles = await tx.execute(
        sa.select(mine.c.post_id, mine.c.number, mine.c.state, theirs.c.post_id, theirs.c.number, theirs.c.state).join(
            theirs, theirs.c.channel_id == mine.c.channel_id
        )
    )
    for one, its_number, its_state, other, other_number, other_state in doubles.all():
        firm = _firmness(its_state, its_number) <= _firmness(other_state, other_number)
        post_id, number = (other, other_number) if firm else (one, its_number)
        second = posts.c.id == post_id
        if number:
            of_it = (numbers.c.post_id == post_id, numbers.c.number == number)
            await tx.execute(sa.update(numbers).where(*of_it).values(paper_id=None))
            continue
        await tx.execute(
            sa.update(posts)
            .where(second, posts.c.state == PostState.PLANNED)
            .values(state=PostState.DROPPED, reason="The channel has this paper already, under another name.")
        )
        await tx.execute(sa.update(posts).where(second).values(paper_id=None))
    for table in (posts, numbers):
        await tx.execute(sa.update(table).where(table.c.paper_id == gone).values(paper_id=kept))


def _firmness(state: str, number: int) -> tuple[int, bool]:
    """The firmest is the least. Of two alike a number is the firmer: its line can't be taken out of its message."""
    return _FIRMEST.index(PostState(state)) if state in _FIRMEST else len(_FIRMEST), number == 0
