"""Commands that find papers: search, similar, today, trending."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.commands import topics
from bot.commands.context import CommandContext, error_reply, no_such_paper
from bot.commands.names import SEARCH, SIMILAR, SUBSCRIBE, TODAY, TRENDING
from bot.digests import cards
from bot.model.codec import load_message
from bot.model.messages import SHARE, Action, Line, PlaceKind, Reply
from bot.model.text import count, cut, plain_text
from bot.reports import channel_search, query_notes, search_lines, trends
from bot.reports.channel_search import ChannelHits
from bot.reports.listings import Period
from bot.reports.search import DEEPEST
from bot.reports.search_lines import AskedAuthors
from bot.store import deliveries, listings, papers
from bot.store.states import DeliveryKind, PostState
from recommender import Hit, Paper

PAGE = 5
_NO_PAPERS = "I have no papers yet, so there is nothing to find. `/papers sources` says whether they could be read."
_SINCE = "new"
"""The argument of `today` that asks for what came after today's digest."""


async def search(ctx: CommandContext, argument: str) -> Reply:
    """Papers that match a query, best first. With `for us` the channel's taste is part of the score."""
    query, for_us = _for_us(argument)
    if not query:
        return error_reply("Search for what? As in `/papers federated learning`.")
    found = await channel_search.search(
        ctx.view, ctx.services.private, query, for_us=for_us, limit=PAGE, offset=ctx.offset
    )
    interpretation, hits = found.interpretation, found.hits
    heading = [note] if (note := query_notes.explain(interpretation, has_hits=bool(hits))) else []
    if not hits:
        nothing_found = f"Nothing found for “{cut(plain_text(query), 80)}”."
        if not len(ctx.services.paper_index.engine):
            nothing_found = _NO_PAPERS
        elif not interpretation.issues:
            nothing_found += " Fewer or other words may help, and `/papers help` tells what else I do."
        heading.append(nothing_found if ctx.offset == 0 else "That was all.")
        return Reply(" ".join(heading))
    heading.append(f"“{cut(plain_text(query), 80)}”, {_order(ctx.offset, found, for_us=for_us)}:")
    followed_query = " ".join((interpretation.suggestion or query).split())
    text = " ".join(heading)
    reply = await _page(ctx, text, hits, SEARCH, argument, interpretation.answered, has_more=found.has_more)
    follow_button = (Action("Follow", SUBSCRIBE, followed_query),)
    if not (ctx.may_manage and ctx.offset == 0 and topics.followable(followed_query)):
        return reply
    return replace(reply, actions=(*reply.actions, *follow_button))


def _order(offset: int, found: ChannelHits, *, for_us: bool) -> str:
    """The text that says which hits are shown, and in what order."""
    hits = len(found.hits)
    is_whole = offset == 0 and not found.has_more
    range_text = count(hits, "paper") if is_whole else f"{offset + 1}–{offset + hits}"
    if not for_us:
        return f"{range_text}, best first" if hits > 1 else range_text
    return (
        f"{range_text}, best for this channel first"
        if found.profile.has_taste
        else f"{range_text}, best first; nothing liked here yet"
    )


async def similar(ctx: CommandContext, argument: str) -> Reply:
    """The papers that are most similar to a paper."""
    paper = await ctx.paper(argument)
    if paper is None:
        return no_such_paper(argument)
    engine = ctx.services.paper_index.engine
    query_paper = paper.id if paper.id in engine else paper
    nearest = await asyncio.to_thread(engine.similar, query_paper, ctx.offset + PAGE + 1)
    hits = nearest[ctx.offset :]
    title = cut(plain_text(paper.title), 100)
    if not hits:
        return Reply(f"Nothing is much like “{title}”." if ctx.offset == 0 else "That was all.")
    ids = [hit.paper_id for hit in hits]
    duplicates = await asyncio.to_thread(engine.duplicates, ids, [paper.id])
    has_more = _has_more(ctx, hits)
    reply = await _page(ctx, f"Most like “{title}”:", hits, SIMILAR, paper.id, paper.title, has_more=has_more)
    duplicate_note = "the same work under another title"
    lines = (
        replace(line, detail=f"{line.detail} · {duplicate_note}") if line.paper_id in duplicates else line
        for line in reply.lines
    )
    return replace(reply, lines=tuple(lines))


async def today(ctx: CommandContext, argument: str) -> Reply:
    """Today's digest: the one that was posted, or the one that the channel would get now. `today new` is what came
    since."""
    if not argument and (posted := await _posted_today(ctx)):
        return posted
    if argument.casefold() not in ("", _SINCE):
        words = cut(plain_text(argument), 60)
        return error_reply(
            f"`/papers {TODAY}` stands alone. To search for these words: `/papers {SEARCH} {TODAY} {words}`."
        )
    digest = await ctx.services.digests.compose(ctx.channel, ctx.now)
    return Reply(digest.header(answer=True), cards=digest.cards, actions=_share(ctx, TODAY))


async def _posted_today(ctx: CommandContext) -> Reply | None:
    """The cards and titles of the digest that was posted today; None if there is none with papers."""
    day = ctx.now.astimezone(ctx.zone).date()
    async with ctx.services.store.read() as tx:
        delivery = await deliveries.find(tx, ctx.channel.id, day, DeliveryKind.DIGEST)
        posts = await deliveries.posts_of_delivery(tx, delivery.id) if delivery else []
    messages = [load_message(post.body) for post in posts if post.state is PostState.SENT]
    cards_ = tuple(message.card for message in messages if message.card)
    lines = tuple(line for message in messages if message.numbered for line in message.lines)
    if not cards_ and not lines:
        return None
    posted_at = max(post.sent_at for post in posts if post.sent_at).astimezone(ctx.zone)
    since = Action("What came since", TODAY, _SINCE)
    text = f"Today's digest, as it came at {posted_at:%H:%M}:"
    return Reply(text, cards=cards_, lines=lines, actions=(since, *_share(ctx, TODAY)))


async def trending(ctx: CommandContext, argument: str) -> Reply:
    """The papers of a day, a week or a month with the most upvotes and likes."""
    period = argument.casefold().removeprefix("this ").strip() or "week"
    if period not in list(Period):
        return error_reply("Trending over what? `/papers trending day`, `week` or `month`.")
    today_ = ctx.now.astimezone(ctx.zone).date()
    async with ctx.services.store.read() as tx:
        ids = await trends.trending_for(
            tx, ctx.channel.id, ctx.services.emoji, Period(period), ctx.zone, today_, DEEPEST
        )
        total = 0 if ids else await listings.count(tx, *trends.window(Period(period), today_))
    if not ids:
        return Reply(
            f"Nothing is trending this {period} yet: {total} papers were listed, none has upvotes or reactions."
        )
    hits = [Hit(paper_id, 0.0) for paper_id in ids[ctx.offset : ctx.offset + PAGE + 1]]
    if not hits:
        return Reply("That was all.")
    heading = f"Most upvoted and most liked this {period}:"
    return await _page(ctx, heading, hits, TRENDING, period, "", has_more=_has_more(ctx, hits))


async def lines_for(
    ctx: CommandContext, papers_by_id: Mapping[str, Paper], ids: Sequence[str], query: str
) -> tuple[Line, ...]:
    """Papers as lines: authors and date, where the workspace has had them, and the sentence that matches the query."""
    async with ctx.services.store.read() as tx:
        sightings = await search_lines.sightings(tx, ctx.channel.id, ids, ctx.services.emoji)
    asked_authors = AskedAuthors.of(query)

    def line(paper: Paper) -> Line:
        facts = search_lines.paper_facts(paper, asked_authors)
        facts += [sighting.text(ctx.channel.id, ctx.zone) for sighting in sightings.get(paper.id, ())]
        return cards.line(paper, " · ".join(facts), search_lines.matching_sentence(query, paper))

    return await asyncio.to_thread(lambda: tuple(line(papers_by_id[paper_id]) for paper_id in ids))


def _has_more(ctx: CommandContext, hits: Sequence[Hit]) -> bool:
    """Whether a list that was read one hit too far goes on after this page."""
    return len(hits) > PAGE and ctx.offset + PAGE < DEEPEST


async def _page(
    ctx: CommandContext,
    text: str,
    hits: Sequence[Hit],
    command: str,
    argument: str,
    query: str,
    *,
    has_more: bool,
) -> Reply:
    async with ctx.services.store.read() as tx:
        # The index may still hold papers that were merged into others.
        papers_by_id = await papers.get_many(tx, [hit.paper_id for hit in hits[:PAGE]])
    lines = await lines_for(ctx, papers_by_id, list(papers_by_id), query)
    actions = (Action("More", command, argument, ctx.offset + PAGE),) if has_more else ()
    shared = _share(ctx, f"{command} {argument}".strip())
    return Reply(text, lines=lines, actions=(*actions, *shared), first=ctx.offset + 1)


def _share(ctx: CommandContext, line: str) -> tuple[Action, ...]:
    """The button that shows an answer to everybody; none in a direct conversation."""
    return () if ctx.place.kind is PlaceKind.DIRECT else (Action("Share", SHARE, line, ctx.offset),)


def _for_us(argument: str) -> tuple[str, bool]:
    words = argument.split()
    if len(words) > 2 and [word.casefold() for word in words[-2:]] == ["for", "us"]:
        return " ".join(words[:-2]), True
    return argument.strip(), False
