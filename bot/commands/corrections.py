"""Votes on words instead of papers: `less survey`, `more "federated learning"`."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.context import CommandContext, error_reply
from bot.commands.names import LESS, MORE
from bot.commands.topics import reach
from bot.model.messages import Action, Reply
from bot.model.text import count, cut, plain_text
from bot.store import contributions, word_votes
from bot.store.word_votes import WordVote
from recommender.paper import arxiv_id, find_doi
from recommender.search.query import parse

_MOST_WORDS = 3
"""Up to so many unquoted words are taken for words and not for the title of an unknown paper."""
_LONGEST = 60
_MOST = 50
_SHOWN_OWN = 3
_MARKS = {'"': '"', "“": "”", "„": "“", "«": "»", "*": "*", "_": "_"}
_NAMES = {1: MORE, -1: LESS}


async def words_in(ctx: CommandContext, argument: str) -> str:
    """The words that a member wants more or less of; "" if the argument names a paper. A quoted or emphasised argument
    is always words."""
    unmarked = argument
    while len(unmarked) > 1 and _MARKS.get(unmarked[0]) == unmarked[-1]:
        unmarked = unmarked[1:-1].strip()
    words = " ".join(unmarked.casefold().split())
    if unmarked != argument:
        return words[:_LONGEST]
    if not words or len(words) > _LONGEST or len(words.split()) > _MOST_WORDS:
        return ""
    if not any(map(str.isalpha, words)) or "://" in words or arxiv_id(words) or find_doi(words):
        return ""
    async with ctx.services.store.read() as tx:
        return "" if await contributions.resolve(tx, argument, ctx.channel.id) else words


async def correct(ctx: CommandContext, words: str, value: int) -> Reply:
    """A vote on words: papers that have them rank higher or lower. The same vote again takes it back."""
    quoted_words, name = plain_text(words), _NAMES[value]
    if all(clause.idle for group in parse(words).groups for clause in group):
        return error_reply(
            f"“{quoted_words}” says too little. As in `/papers {name} survey`, or `/papers {name} <paper>`."
        )
    channel, member = ctx.channel.id, ctx.asker.member
    async with ctx.services.store.write() as tx:
        own_votes = {
            vote.words: vote.value for vote in await word_votes.for_channel(tx, channel) if vote.member == member
        }
        if len(own_votes) >= _MOST and words not in own_votes:
            return error_reply(
                f"You have corrected {_MOST} things here, which is as many as I keep. Take one back first."
            )
        is_new = await ctx.claim_event(tx)
        # A repeated event gets the answer that the first one got.
        takes_back = (own_votes.get(words) == value) == is_new
        if is_new and takes_back:
            await word_votes.remove(tx, channel, words, member)
        elif is_new:
            await word_votes.put(tx, WordVote(channel, words, member, value, ctx.now))
    if takes_back:
        return Reply(f"Taken back: “{quoted_words}” counts as before you spoke of it.")
    reach_text = await reach(ctx, words)
    return Reply(
        f"Counted: {name} “{quoted_words}”, from the next digest on. {reach_text} The same again takes it back."
    )


def corrections_line(word_votes_: Sequence[WordVote], member: str) -> tuple[str, tuple[Action, ...]]:
    """All votes on words of a channel in one line, "" if there are none; and buttons that take back the asker's own."""
    members_by_vote: dict[tuple[int, str], int] = {}
    for vote in word_votes_:
        members_by_vote[vote.value, vote.words] = members_by_vote.get((vote.value, vote.words), 0) + 1
    parts = [
        f"{_NAMES[value]} “{plain_text(words)}”" + (f" ({count(number, 'member')})" if number > 1 else "")
        for (value, words), number in sorted(
            members_by_vote.items(), key=lambda item: (-item[1], item[0][1], item[0][0])
        )
    ]
    own_votes = [vote for vote in word_votes_ if vote.member == member][:_SHOWN_OWN]
    actions = tuple(
        Action(f"Take back “{cut(plain_text(vote.words), 30)}”", _NAMES[vote.value], quote(vote.words))
        for vote in own_votes
    )
    return f"Corrected here: {', '.join(parts)}." if parts else "", actions


def quote(words: str) -> str:
    """Words as an argument that is never read as a paper."""
    return f'"{words}"'
