"""Merging two rows of one paper: everything that refers to the duplicate then refers to the survivor."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import exposures
from bot.store.states import PostState
from bot.store.tables import choices, numbers, paper_names, papers, posts, removed_papers, saved, votes


async def merge_into(tx: AsyncConnection, survivor: str, duplicate: str, revision: int) -> None:
    """Merge a duplicate into the surviving paper. If a member has put the same emoji on both, the later vote stands. If
    a channel was shown both papers, see `_merge_exposures`. Nothing else is lost."""
    # The lock waits for transactions that are adding a reference to the duplicate.
    columns = papers.c.news_at, papers.c.news_revision, papers.c.first_id
    news = sa.select(*columns).where(papers.c.id == duplicate).with_for_update()
    first_news = (await tx.execute(news)).one_or_none()
    if first_news and first_news.news_revision is not None:
        first = sa.or_(papers.c.news_revision.is_(None), papers.c.news_revision > first_news.news_revision)
        values = {
            "news_at": first_news.news_at,
            "news_revision": first_news.news_revision,
            "first_id": first_news.first_id or duplicate,
        }
        await tx.execute(sa.update(papers).where(papers.c.id == survivor, first).values(values))
    await _merge_exposures(tx, survivor, duplicate)
    other_vote = votes.alias()
    same_vote = (other_vote.c[name] == votes.c[name] for name in ("channel_id", "member", "signal"))
    later = sa.exists().where(other_vote.c.paper_id == duplicate, other_vote.c.at > votes.c.at, *same_vote)
    await tx.execute(sa.delete(votes).where(votes.c.paper_id == survivor, later))
    pick = choices.alias()
    picked = sa.exists().where(
        pick.c.paper_id == duplicate, pick.c.place.is_not(None), pick.c.delivery_id == choices.c.delivery_id
    )
    await tx.execute(sa.delete(choices).where(choices.c.paper_id == survivor, choices.c.place.is_(None), picked))
    for table, key in (
        (votes, ("channel_id", "member", "signal")),
        (saved, ("platform", "workspace", "member")),
        (choices, ("delivery_id",)),
    ):
        other = table.alias()
        both = sa.exists().where(other.c.paper_id == survivor, *(other.c[name] == table.c[name] for name in key))
        await tx.execute(sa.delete(table).where(table.c.paper_id == duplicate, both))
        await tx.execute(sa.update(table).where(table.c.paper_id == duplicate).values(paper_id=survivor))
    await tx.execute(sa.update(paper_names).where(paper_names.c.paper_id == duplicate).values(paper_id=survivor))
    await tx.execute(sa.delete(papers).where(papers.c.id == duplicate))
    await tx.execute(sa.delete(removed_papers).where(removed_papers.c.id == duplicate))
    await tx.execute(sa.insert(removed_papers).values(id=duplicate, revision=revision))


_FIRMEST = [PostState.SENT, PostState.UNCERTAIN, PostState.SENDING, PostState.PLANNED, PostState.FAILED]
"""Of two posts that show the same paper, the post whose state comes first here keeps it. A dropped post never does."""


async def _merge_exposures(tx: AsyncConnection, survivor: str, duplicate: str) -> None:
    """If a channel was shown both papers, the second message stays but is unlinked from its paper. If that message is
    a card that is still unsent, it is dropped."""
    first = exposures.entries(lambda table: table.c.paper_id == survivor)
    second = exposures.entries(lambda table: table.c.paper_id == duplicate)
    both = await tx.execute(
        sa.select(
            first.c.post_id, first.c.number, first.c.state, second.c.post_id, second.c.number, second.c.state
        ).join(second, second.c.channel_id == first.c.channel_id)
    )
    for first_id, first_number, first_state, second_id, second_number, second_state in both.all():
        keep_first = _firmness(first_state, first_number) <= _firmness(second_state, second_number)
        post_id, number = (second_id, second_number) if keep_first else (first_id, first_number)
        is_post = posts.c.id == post_id
        if number:
            is_line = (numbers.c.post_id == post_id, numbers.c.number == number)
            await tx.execute(sa.update(numbers).where(*is_line).values(paper_id=None))
            continue
        await tx.execute(
            sa.update(posts)
            .where(is_post, posts.c.state == PostState.PLANNED)
            .values(state=PostState.DROPPED, reason="The channel has this paper already, under another name.")
        )
        await tx.execute(sa.update(posts).where(is_post).values(paper_id=None))
    for table in (posts, numbers):
        await tx.execute(sa.update(table).where(table.c.paper_id == duplicate).values(paper_id=survivor))


def _firmness(state: str, number: int) -> tuple[int, bool]:
    """A sort key: the post that was most surely seen comes first. Of two posts in the same state, a numbered line comes
    before a card, since a line can't be removed from its message."""
    return _FIRMEST.index(PostState(state)) if state in _FIRMEST else len(_FIRMEST), number == 0
