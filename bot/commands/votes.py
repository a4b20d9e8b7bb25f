"""Commands that tell the bot something: more, less, teach, submit; and that keep papers: save, unsave, saved."""

from __future__ import annotations

import asyncio

from bot.commands import bibliography, corrections, ris, zotero
from bot.commands.context import CommandContext, error_reply, no_such_paper, not_here
from bot.commands.names import SAVED, TEACH, UNSAVE
from bot.commands.search import lines_for
from bot.digests.feedback import on_message
from bot.model.commands import LONGEST_LINE
from bot.model.messages import Action, Attachment, Reply
from bot.model.schedule_text import MOST_CARDS
from bot.model.text import count, cut, plain_text
from bot.reports import citations
from bot.store import channels, contributions, deliveries, metadata, papers, saved, votes
from bot.store.states import ChannelState, DeliveryKind, PostState
from bot.store.votes import Vote, VoteSignal
from recommender import Paper
from recommender.paper import is_id

_SHOWN_SAVED = 10
_MOST_TAUGHT = 500


async def more(ctx: CommandContext, argument: str) -> Reply:
    """A vote for a paper, like a 👍 on its card, or for words. The same command again takes it back."""
    if words := await corrections.words_in(ctx, argument):
        return await corrections.correct(ctx, words, 1)
    return await _vote(ctx, argument, VoteSignal.MORE, VoteSignal.LESS, "More like")


async def less(ctx: CommandContext, argument: str) -> Reply:
    """A vote against a paper, like a 👎 on its card, or against words. The same command again takes it back."""
    if words := await corrections.words_in(ctx, argument):
        return await corrections.correct(ctx, words, -1)
    return await _vote(ctx, argument, VoteSignal.LESS, VoteSignal.MORE, "Less like")


async def teach(ctx: CommandContext, argument: str) -> Reply:
    """Record papers that the team already loves, as ids, links, BibTeX or RIS. The channel's taste starts from them."""
    if not argument:
        return error_reply(
            "Teach me with papers this team loves: arXiv ids, links, the text of a .bib or .ris file, or a Zotero "
            "library, as in `/papers teach 1602.05629 1912.04977` or `/papers teach zotero`."
        )
    if zotero.is_meant(argument):
        references = await zotero.read_library(ctx, argument, _MOST_TAUGHT)
        if isinstance(references, Reply):
            return references
    else:
        references = await asyncio.to_thread(bibliography.read, argument)
    if not references.papers:
        return error_reply("I found no papers in that. Give arXiv ids, links, DOIs, or BibTeX or RIS with titles.")
    taught_papers = references.papers[:_MOST_TAUGHT]
    async with ctx.services.store.read() as tx:
        stored_ids = {paper.id: await contributions.same_as(tx, paper, ctx.channel.id) for paper in taught_papers}
    missing = [paper.id for paper in taught_papers if stored_ids[paper.id] is None and is_id(paper.id)]
    # A source's data is for everybody. Data that only the entry has stays with the members who may see this channel.
    await ctx.record([paper for paper in await ctx.look_up(missing) if paper.title] if missing else [])
    ids: dict[str, None] = {}
    unknown: list[Paper] = []
    full = False
    async with ctx.services.store.write() as tx:
        await metadata.lock_papers(tx)  # wait for a source that is listing one of them
        for paper in taught_papers:
            stored_id = await papers.same_as(tx, paper)
            paper_id = stored_id or await contributions.give(tx, ctx.channel, ctx.asker.member, paper, ctx.now)
            if paper_id is None:
                unknown.append(paper)
                full |= bool(paper.title)
            else:
                ids[paper_id] = None
        for paper_id in sorted(ids):  # always in one order, or two transactions could deadlock
            await votes.put(tx, Vote(ctx.channel.id, paper_id, ctx.asker.member, VoteSignal.TAUGHT, True, ctx.now))
    if not ids:
        if full:
            return error_reply(_full())
        return error_reply(f"I could not find {_listed(unknown)}. Check the ids, or try again when arXiv answers.")
    pronoun = "it" if len(ids) == 1 else "them"
    text = f"Learned from {count(len(ids), 'paper')}: the next digest follows {pronoun}."
    if unknown:
        text += f" {_full()}" if full else f" I could not find {_listed(unknown)}."
    if references.problems:
        text += f" Skipped: {references.problems[0]}" + (
            f" (and {len(references.problems) - 1} more)." if references.problems[1:] else "."
        )
    if len(references.papers) > _MOST_TAUGHT:
        text += f" Only the first {_MOST_TAUGHT} count; send the others in a second go."
    elif len(argument) + len(f"{TEACH} ") >= LONGEST_LINE:
        text += f" Only the first {LONGEST_LINE:,} characters were read; send the others in a second go."
    left_out = Attachment("skipped.txt", "\n".join(references.problems)) if references.problems[1:] else None
    return Reply(text, attachment=left_out)


async def submit(ctx: CommandContext, argument: str) -> Reply:
    """Post a paper in the channel as a card."""
    paper = await ctx.paper(argument)
    if paper is None:
        return no_such_paper(argument)
    if ctx.channel.state is ChannelState.LOST:
        return error_reply(f"I can't post here: {ctx.channel.state_reason}. {ctx.can.way_back} first.")
    if not await ctx.bot_is_member():
        return not_here()
    # Without a name: the post is kept, and the member who submitted it may want to be forgotten.
    text = "A member put this before the channel:"
    delivery = await ctx.services.digests.plan_card(ctx.channel, paper, DeliveryKind.SUBMISSION, text, ctx.now)
    if delivery is None:
        return error_reply(f"“{cut(plain_text(paper.title), 100)}” has been here already.")
    await ctx.services.deliver(ctx.channel.id)
    async with ctx.services.store.read() as tx:
        posts = await deliveries.posts_of_delivery(tx, delivery.id)
        channel = await channels.get(tx, ctx.channel.id)
    if channel and channel.state is ChannelState.LOST:
        return error_reply(f"I can't post here: {channel.state_reason}. {ctx.can.way_back} first.")
    if all(post.state is PostState.SENT for post in posts):
        return Reply("Posted.")
    if any(post.state is PostState.FAILED for post in posts):
        return error_reply(f"It could not be posted: {cut(plain_text(posts[0].reason), 200)}.")
    return Reply("It is on its way.")


async def save(ctx: CommandContext, argument: str) -> Reply:
    """Save a paper for the asker. The same command again changes nothing, and has a button that removes it."""
    paper = await ctx.paper(argument)
    if paper is None:
        return no_such_paper(argument)
    title = cut(plain_text(paper.title), 100)
    async with ctx.services.store.write() as tx:
        own_ids = await saved.for_member(tx, ctx.place.platform, ctx.services.known_in(ctx.place), ctx.asker.member)
        is_saved = paper.id in [paper_id for paper_id, _ in own_ids]
        # A repeated event of the press that saved the paper gets the answer that the first one got.
        is_new = await ctx.claim_event(tx)
        if is_new and not is_saved:
            await saved.put(tx, ctx.place.platform, ctx.place.workspace, ctx.asker.member, paper.id, ctx.now)
    if is_saved and is_new:
        return Reply(
            f"You keep “{title}” already. `/papers saved` lists what you keep.",
            actions=(Action("Remove it", UNSAVE, paper.id),),
        )
    return Reply(f"Saved “{title}”. `/papers saved` lists what you keep.")


async def unsave(ctx: CommandContext, argument: str) -> Reply:
    """Remove a saved paper. Running it again changes nothing."""
    identity = (ctx.place.platform, ctx.services.known_in(ctx.place), ctx.asker.member)
    async with ctx.services.store.read() as tx:
        # A private paper can be removed everywhere, also in channels that may not see it.
        saved_ids = [paper_id for paper_id, _ in await saved.for_member(tx, *identity) if paper_id == argument]
        paper = await papers.get(tx, argument) if saved_ids else None
    paper = paper or await ctx.known_paper(argument)
    if paper is None:
        return no_such_paper(argument)
    async with ctx.services.store.write() as tx:
        await saved.remove(tx, *identity, paper.id)
    return _dropped(cut(plain_text(paper.title), 100))


async def show_saved(ctx: CommandContext, argument: str) -> Reply:
    """List the asker's saved papers. `saved bib` gives them as BibTeX, `saved ris` as RIS; `saved zotero` puts them
    into Zotero."""
    async with ctx.services.store.read() as tx:
        saved_papers = await saved.for_member(
            tx, ctx.place.platform, ctx.services.known_in(ctx.place), ctx.asker.member
        )
        papers_by_id = await papers.get_many(tx, [paper_id for paper_id, _ in saved_papers])
    if not saved_papers:
        return Reply("You have saved nothing yet. The Save button of a card, or `/papers save` with an id, keeps it.")
    if argument.casefold() in ("bib", "bibtex"):
        text = citations.bibtex(list(papers_by_id.values()))
        return Reply(f"{count(len(papers_by_id), 'paper')} as BibTeX.", attachment=Attachment("saved.bib", text))
    if argument.casefold() == "ris":
        text = ris.write(list(papers_by_id.values()))
        return Reply(f"{count(len(papers_by_id), 'paper')} as RIS.", attachment=Attachment("saved.ris", text))
    if zotero.is_meant(argument):
        return await zotero.put_papers(ctx, list(papers_by_id.values()))
    if argument:
        return error_reply(
            "`/papers saved` lists your papers, `/papers saved bib` gives them as BibTeX, `/papers saved ris` as RIS, "
            "and `/papers saved zotero` puts them into Zotero."
        )
    ids = list(papers_by_id)[ctx.offset : ctx.offset + _SHOWN_SAVED]
    if not ids:
        return Reply("That was all.")
    remaining = len(papers_by_id) - ctx.offset - len(ids)
    actions = (Action("More", SAVED, "", ctx.offset + len(ids)),) if remaining > 0 else ()
    return Reply(
        f"Your saved papers, {len(papers_by_id)} in all:",
        lines=await lines_for(ctx, papers_by_id, ids, ""),
        actions=actions,
    )


async def set_vote(ctx: CommandContext, paper_id: str, value: int) -> Reply:
    """Set the asker's vote on a paper: 1, -1, or 0 for none."""
    paper = await ctx.known_paper(paper_id)
    if paper is None:
        return no_such_paper(paper_id)
    channel, member = ctx.channel.id, ctx.asker.member
    wanted = {1: VoteSignal.MORE, -1: VoteSignal.LESS}.get(value)
    async with ctx.services.store.write() as tx:
        standing_signals = {v.signal for v in await votes.for_paper(tx, channel, paper.id) if v.member == member}
        for signal in sorted(standing_signals - {wanted}):
            await votes.put(tx, Vote(channel, paper.id, member, signal, False, ctx.now))
        if wanted and wanted not in standing_signals:
            await votes.put(tx, Vote(channel, paper.id, member, wanted, True, ctx.now))
    ctx.services.refresh_tally(channel, paper.id)
    title = cut(plain_text(paper.title), 100)
    if wanted is None:
        return Reply(f"Taken back: “{title}” no longer counts.")
    return Reply(f"Counted: {'more' if value > 0 else 'less'} like “{title}”, from the next digest on.")


async def _vote(ctx: CommandContext, argument: str, signal: str, opposite: str, words: str) -> Reply:
    if not argument:
        return error_reply(
            "Which paper, or which words? Give its arXiv id, a link or its title, or words like “survey”."
        )
    paper = await ctx.paper(argument)
    if paper is None:
        return no_such_paper(argument)
    channel, member = ctx.channel.id, ctx.asker.member
    async with ctx.services.store.write() as tx:
        standing_signals = {v.signal for v in await votes.for_paper(tx, channel, paper.id) if v.member == member}
        is_new = await ctx.claim_event(tx)
        # A repeated event gets the answer that the first one got.
        takes_back = (signal in standing_signals) == is_new
        if is_new:
            await votes.put(tx, Vote(channel, paper.id, member, signal, not takes_back, ctx.now))
            # A taught paper counts until a `less`, or a second `more`, takes it back.
            replaced = {opposite, VoteSignal.TAUGHT} if takes_back or signal == VoteSignal.LESS else {opposite}
            for signal_off in sorted(replaced & standing_signals):
                await votes.put(tx, Vote(channel, paper.id, member, signal_off, False, ctx.now))
    if is_new:
        ctx.services.refresh_tally(channel, paper.id)
    title = cut(plain_text(paper.title), 100)
    emoji_votes = [emoji for emoji in filter(on_message, standing_signals) if ctx.services.emoji.value(emoji)]
    if takes_back and emoji_votes:
        return Reply(f"Taken back. Your emoji on “{title}” still counts: take it off there.")
    if takes_back:
        taught = ", taught or voted" if VoteSignal.TAUGHT in standing_signals else ""
        return Reply(f"Taken back: “{title}” no longer counts{taught}.")
    return Reply(f"Counted. {words} “{title}”, from the next digest on. The same again takes it back.")


def _dropped(title: str) -> Reply:
    return Reply(f"“{title}” is no longer among your saved papers.")


def _full() -> str:
    most = f"{contributions.MOST_IN_A_CHANNEL:,}"
    return f"This channel has {most} papers of its own already, which is as many as I keep. Teach others by arXiv id."


def _listed(unknown: list[Paper]) -> str:
    names = [cut(plain_text(paper.id or paper.title), 40) for paper in unknown[:MOST_CARDS]]
    return ", ".join(names) + (f" and {len(unknown) - len(names)} more" if len(unknown) > len(names) else "")
