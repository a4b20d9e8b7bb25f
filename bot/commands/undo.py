"""The command undo: takes back the asker's last vote in this channel. Said again, it takes back the vote before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.context import CommandContext
from bot.commands.corrections import quote
from bot.commands.names import LESS, MORE, TEACH
from bot.digests.feedback import on_message
from bot.model.codec import load_message
from bot.model.messages import Action, Reply
from bot.model.number_emoji import keycap
from bot.model.text import count, cut, day_name, plain_text
from bot.ports.platform import PlatformError, Unreacting
from bot.store import deliveries, papers, votes, word_votes
from bot.store.votes import Vote, VoteSignal
from bot.store.word_votes import WordVote

_SAID = (VoteSignal.MORE, VoteSignal.LESS, VoteSignal.TAUGHT)
_COMMANDS = {VoteSignal.MORE: MORE, VoteSignal.LESS: LESS}
_MOMENT = timedelta(microseconds=1)
_AGAIN = "`/papers undo` again takes back the vote before it."


async def undo(ctx: CommandContext, argument: str) -> Reply:
    """Take back the last of the asker's votes here that still count: on papers, on words, or taught."""
    channel, member = ctx.channel.id, ctx.asker.member
    async with ctx.services.store.read() as tx:
        own_votes = await votes.by_member(tx, channel, member)
        on_words = [vote for vote in await word_votes.for_channel(tx, channel) if vote.member == member]
    standing = [vote for vote in own_votes if vote.on and ctx.services.emoji.value(vote.signal)]
    last_words = max(on_words, key=lambda vote: vote.at, default=None)
    if last_words and (not standing or last_words.at > standing[0].at):
        return await _take_back_words(ctx, last_words)
    if not standing:
        return Reply(
            "You have no vote here that I could take back. A 👍 or 👎 on a card is one, and so is `/papers more` or "
            "`/papers less` with a paper."
        )
    last = standing[0]
    if last.signal == VoteSignal.TAUGHT:
        return await _take_back_taught(ctx, [v for v in standing if (v.signal, v.at) == (last.signal, last.at)])
    if on_message(last.signal):
        return await _take_back_emoji(ctx, last)
    replaced = [v.signal for v in own_votes if v.paper_id == last.paper_id and _gave_way(v, last)]
    async with ctx.services.store.write() as tx:
        await votes.put(tx, Vote(channel, last.paper_id, member, last.signal, False, ctx.now))
        for signal in replaced:  # a moment later, so that the next undo does not take this for one act
            await votes.put(tx, Vote(channel, last.paper_id, member, signal, True, ctx.now + _MOMENT))
        title = await _title(tx, last.paper_id)
    ctx.services.refresh_tally(channel, last.paper_id)
    command = _COMMANDS[VoteSignal(last.signal)]
    before = " The vote that it had replaced counts again." if replaced else ""
    return Reply(
        f"Taken back: “{command}” for “{title}”, of {_when(ctx, last)}.{before} {_AGAIN}",
        actions=(Action("Put it back", command, last.paper_id),),
    )


def _gave_way(vote: Vote, last: Vote) -> bool:
    """Whether a vote was switched off by the same act that gave the last one."""
    return vote.signal in _SAID and not vote.on and vote.at == last.at


async def _take_back_words(ctx: CommandContext, last: WordVote) -> Reply:
    async with ctx.services.store.write() as tx:
        await word_votes.remove(tx, ctx.channel.id, last.words, last.member)
    command = MORE if last.value > 0 else LESS
    return Reply(
        f"Taken back: “{command}” for the words “{plain_text(last.words)}”, of {_when(ctx, last)}. {_AGAIN}",
        actions=(Action("Put it back", command, quote(last.words)),),
    )


async def _take_back_taught(ctx: CommandContext, taught: Sequence[Vote]) -> Reply:
    """Take back all papers that were taught in one go."""
    async with ctx.services.store.write() as tx:
        for vote in sorted(taught, key=lambda vote: vote.paper_id):
            await votes.put(tx, Vote(vote.channel_id, vote.paper_id, vote.member, vote.signal, False, ctx.now))
    ids = " ".join(vote.paper_id for vote in taught)
    return Reply(
        f"Taken back: {count(len(taught), 'paper')} that you taught {_when(ctx, taught[0])}. {_AGAIN}",
        actions=(Action("Put back", TEACH, ids),) if ctx.may_manage else (),
    )


async def _take_back_emoji(ctx: CommandContext, last: Vote) -> Reply:
    """Take the emoji off its message where the platform can; else say where the member finds it."""
    async with ctx.services.store.read() as tx:
        title = await _title(tx, last.paper_id)
        [post, *_] = [*await deliveries.posts_about(tx, last.channel_id, [last.paper_id]), None]
    emoji, where = last.signal, "its card"
    if post and last.signal in (VoteSignal.NUMBER, VoteSignal.SUPER_NUMBER):
        ids = [line.paper_id for line in load_message(post.body).lines]
        emoji, where = keycap(ids.index(last.paper_id) + 1) if last.paper_id in ids else "number", "its message"
    platform = ctx.services.platforms[ctx.place.platform]
    if not (post and post.message and isinstance(platform, Unreacting)):
        return Reply(
            f"Your last vote here is your {emoji} on “{title}”, of {_when(ctx, last)}. Take the emoji off {where}, and "
            "it counts no longer."
        )
    try:
        await platform.unreact(ctx.place, post.message, last.member, emoji)
    except PlatformError:
        return Reply(f"I could not take your {emoji} off “{title}” just now. Please try again.", ok=False)
    async with ctx.services.store.write() as tx:
        await votes.put(tx, Vote(last.channel_id, last.paper_id, last.member, last.signal, False, ctx.now))
    return Reply(f"Taken back: your {emoji} on “{title}”, of {_when(ctx, last)}. {_AGAIN}")


async def _title(tx: AsyncConnection, paper_id: str) -> str:
    paper = await papers.get(tx, paper_id)
    return cut(plain_text(paper.title), 100) if paper else paper_id


def _when(ctx: CommandContext, vote: Vote | WordVote) -> str:
    return day_name(vote.at.astimezone(ctx.zone).date(), ctx.now.astimezone(ctx.zone).date()).removeprefix("on ")
