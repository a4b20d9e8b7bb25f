"""The command help: the state of the channel, and the list of commands."""

from __future__ import annotations

from bot.commands import schedule
from bot.commands.context import CommandContext
from bot.model.messages import Reply
from bot.model.text import count, plain_text
from bot.store import topics

_TOPICS_SHOWN = 10


async def show(ctx: CommandContext, argument: str) -> Reply:
    """The next digest, the votes learned from, the topics, and every command with its usage."""
    async with ctx.services.store.read() as tx:
        profile = await ctx.services.digests.profile(tx, ctx.channel.id)
        channel_topics = await topics.for_channel(tx, ctx.channel.id)
    names = ", ".join(f"“{plain_text(topic.line)}”" for topic in channel_topics[:_TOPICS_SHOWN]) or "none yet"
    commands = [command for command in ctx.services.commands.values() if command.listed]
    rows = [
        f"Next digest: {schedule.next_digest(ctx.channel)}.",
        f"Learned from {count(profile.votes, 'vote')} by {count(profile.members, 'member')}. Topics: {names}.",
        "",
        "What you can say:",
        *(f"• `/papers {command.usage}`: {command.does}" for command in commands),
        "Anything else is a search, as `/papers federated learning`.",
    ]
    return Reply("\n".join(rows))
