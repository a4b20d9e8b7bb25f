"""Replies to what people say first to a bot: hello, thanks, status, sources. Each ends with the next step."""

from __future__ import annotations

from bot.commands.context import CommandContext
from bot.commands.names import HELP, PAUSE, RESUME, SCHEDULE, TODAY
from bot.model.messages import Action, PlaceKind, Reply
from bot.model.text import count, cut, day_name, plain_text
from bot.reports.digest_time import next_digest
from bot.sources.guard import without_private_hosts
from bot.store import runs, topics
from bot.store.runs import Run
from bot.store.states import ChannelState, RunState

_TOPICS_SHOWN = 10
_SOURCES_SHOWN = 12
TODAY_BUTTON = Action("Today's papers", TODAY)
_HELP = Action("What I can do", HELP)


async def hello(ctx: CommandContext, argument: str) -> Reply:
    """Say who the bot is, and what to do first."""
    direct = ctx.place.kind is PlaceKind.DIRECT
    text = (
        f"Hello! I am Paperboy: I bring {'you' if direct else 'this channel'} the few new papers that "
        f"{'you' if direct else 'it'} will like, and learn from every 👍 and 👎."
    )
    if ctx.channel.state is ChannelState.NEW and direct:
        text += " `/papers subscribe federated learning` (any topic) begins a digest of your own."
    elif ctx.channel.state is ChannelState.NEW:
        text += " `/papers resume` begins the digests here."
    else:
        text += f" Next digest: {next_digest(ctx.channel)}."
    return Reply(
        f"{text} Any other words are a search, as `/papers federated learning`.", actions=(TODAY_BUTTON, _HELP)
    )


async def thanks(ctx: CommandContext, argument: str) -> Reply:
    """Answer a thank-you or a goodbye."""
    return Reply(
        "My pleasure! A 👍 or 👎 on a card helps me most: the next digest follows it.", actions=(TODAY_BUTTON, _HELP)
    )


async def status(ctx: CommandContext, argument: str) -> Reply:
    """Whether digests come, and what the bot knows of the channel."""
    running = ctx.channel.state is ChannelState.ACTIVE
    actions = (Action("Pause", PAUSE) if running else Action("Resume", RESUME), Action("Schedule", SCHEDULE))
    offered = actions if ctx.may_manage and ctx.channel.state is not ChannelState.LOST else ()
    return Reply("\n".join(await state_lines(ctx)), actions=(TODAY_BUTTON, *offered, _HELP))


async def sources(ctx: CommandContext, argument: str) -> Reply:
    """The sources that are read, when each was read last, and how many papers it listed."""
    async with ctx.services.store.read() as tx:
        last_runs = [run for run in await runs.last_of_each(tx) if run.source in ctx.services.source_names]
    if not last_runs:
        return Reply("No source has been read yet. The first reading comes within the hour.", actions=(TODAY_BUTTON,))
    rows = [f"• {_run_line(ctx, run)}" for run in last_runs[:_SOURCES_SHOWN]]
    if len(last_runs) > _SOURCES_SHOWN:
        rows.append(f"• and {len(last_runs) - _SOURCES_SHOWN} more")
    return Reply(
        "\n".join(
            ["I read these sources:", *rows, "Whoever runs me sets them; `/papers feeds` has those of this channel."]
        ),
        actions=(TODAY_BUTTON,),
    )


async def state_lines(ctx: CommandContext) -> list[str]:
    """The next digest, the votes that the taste is learned from, and the topics, in two lines."""
    async with ctx.services.store.read() as tx:
        profile = await ctx.services.digests.profile(tx, ctx.channel.id)
        channel_topics = await topics.for_channel(tx, ctx.channel.id)
    names = ", ".join(f"“{plain_text(topic.line)}”" for topic in channel_topics[:_TOPICS_SHOWN]) or "none yet"
    return [
        f"Next digest: {next_digest(ctx.channel)}.",
        f"Learned from {count(profile.votes, 'vote')} by {count(profile.members, 'member')}. Topics: {names}.",
    ]


def _run_line(ctx: CommandContext, run: Run) -> str:
    local = run.started_at.astimezone(ctx.zone)
    at = f"{day_name(local.date(), ctx.now.astimezone(ctx.zone).date())} at {local:%H:%M}"
    name = plain_text(without_private_hosts(run.source))
    if run.state is RunState.FAILED:
        reason = without_private_hosts(run.reason, run.source)
        return f"{name}: could not be read {at} ({cut(plain_text(reason), 120).rstrip('.')}); it is tried again"
    return f"{name}: read {at}, {count(run.listed, 'paper')} listed"
