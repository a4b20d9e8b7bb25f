"""Telling the bot about words instead of papers: `less survey`, `more "federated learning"`."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.context import CommandContext, error_reply
from bot.commands.topics import reach
from bot.model.messages import Action, Reply
from bot.model.text import count, cut, plain_text
from bot.store import contributions, word_votes
from bot.store.word_votes import WordVote
from recommender.paper import arxiv_id, find_doi
from recommender.search.query import parse

_MOST_WORDS = 3
"""Words up to which something unquoted, that is no paper known by this name, is no title either."""
_LONGEST = 60
_MOST = 50
_SHOWN_OWN = 3
_MARKS = {'"': '"', "“": "”", "„": "“", "«": "»", "*": "*", "_": "_"}
_NAMES = {1: "more", -1: "less"}


async def words_in(ctx: CommandContext, argument: str) -> str:
    """The words that somebody wants more or less of; "" where they name a paper. What is quoted or emphasised is always
    words."""
    bare = argument
    while len(bare) > 1 and _MARKS.get(bare[0]) == bare[-1]:
        bare = bare[1:-1].strip()
    words = " ".join(bare.casefold().split())
    if bare != argument:
        return words[:_LONGEST]
    if not words or len(words) > _LONGEST or len(words.split()) > _MOST_WORDS:
        return ""
    if not any(map(str.isalpha, words)) or "://" in words or arxiv_id(words) or find_doi(words):
        return ""
    async with ctx.services.store.read() as tx:
        return "" if await contributions.resolve(tx, argument, ctx.channel.id) else words


async def correct(ctx: CommandContext, words: str, value: int) -> Reply:
    """A vote on words: papers that have them rise or fall. Said again it is taken back, exactly."""
    shown, name = plain_text(words), _NAMES[value]
    if all(clause.idle for group in parse(words).groups for clause in group):
        return error_reply(f"“{shown}” says too little. As in `/papers {name} survey`, or `/papers {name} <paper>`.")
    channel, member = ctx.channel.id, ctx.asker.member
    async with ctx.services.store.write() as tx:
        mine = {one.words: one.value for one in await word_votes.for_channel(tx, channel) if one.member == member}
        if len(mine) >= _MOST and words not in mine:
            return error_reply(
                f"You have corrected {_MOST} things here, which is as many as I keep. Take one back first."
            )
        first = await ctx.claim_event(tx)
        back = (mine.get(words) == value) == first  # told again, it answers how it stands since it was told first
        if first and back:
            await word_votes.remove(tx, channel, words, member)
        elif first:
            await word_votes.put(tx, WordVote(channel, words, member, value, ctx.now))
    if back:
        return Reply(f"Taken back: “{shown}” counts as before you spoke of it.")
    told = await reach(ctx, words)
    return Reply(f"Counted: {name} “{shown}”, from the next digest on. {told} The same again takes it back.")


def listed(standing: Sequence[WordVote], member: str) -> tuple[str, tuple[Action, ...]]:
    """All corrections of a channel in a line, "" where there are none; and buttons that take back the asker's own."""
    many: dict[tuple[int, str], int] = {}
    for one in standing:
        many[one.value, one.words] = many.get((one.value, one.words), 0) + 1
    said = [
        f"{_NAMES[value]} “{plain_text(words)}”" + (f" ({count(number, 'member')})" if number > 1 else "")
        for (value, words), number in sorted(many.items(), key=lambda item: (-item[1], item[0][1], item[0][0]))
    ]
    mine = [one for one in standing if one.member == member][:_SHOWN_OWN]
    actions = tuple(
        Action(f"Take back “{cut(plain_text(one.words), 30)}”", _NAMES[one.value], quoted(one.words)) for one in mine
    )
    return f"Corrected here: {', '.join(said)}." if said else "", actions


def quoted(words: str) -> str:
    """Words as an argument that can't be taken for a paper."""
    return f'"{words}"'
