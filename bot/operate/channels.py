"""`paperboy channels` and `paperboy today CHANNEL`: what each channel gets, and what one would get now."""

from __future__ import annotations

import json
import sys
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.app import opened, system_clock
from bot.digests import feedback
from bot.digests.feedback import EmojiTable
from bot.model.messages import Line, PlaceKind
from bot.model.text import plain_text
from bot.operate.context import opened_paper_index, opened_store
from bot.operate.output import err, out
from bot.operate.store import channel_named
from bot.platforms.rendering import facts, reason
from bot.settings import Settings
from bot.store import channels, topics, votes
from bot.store.channels import Channel
from bot.store.states import ChannelState

_INDENT = "     "
_PIPE_WIDTH = 160


async def print_channels(settings: Settings, *, as_json: bool) -> None:
    """Print every channel with its state, its next digest, and what it has told the bot."""
    emoji = EmojiTable.of(settings.votes.likes, settings.votes.dislikes)
    rows: list[dict[str, Any]] = []
    async with opened_store(settings) as store, store.read() as tx:
        for channel in await channels.list_all(tx):
            standing = feedback.standing_votes(await votes.for_channel(tx, channel.id), emoji)
            channel_topics = await topics.for_channel(tx, channel.id)
            rows.append(
                {
                    "id": channel.id,
                    "platform": channel.place.platform,
                    "workspace": channel.place.workspace,
                    "name": channel.place.name,
                    "address": channel.place.address,
                    "state": str(channel.state),
                    "reason": channel.state_reason,
                    "next_digest": _next_digest(channel),
                    "votes": len(standing),
                    "members": len({vote.member for vote in standing}),
                    "topics": [topic.line for topic in channel_topics],
                }
            )
    if as_json:
        out(json.dumps(rows, ensure_ascii=False, indent=1))
    elif rows:
        Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(_table(rows))
    else:
        err("There is no channel yet. Invite the bot to one, or try `paperboy chat`.")


async def print_today(settings: Settings, name: str) -> None:
    """Print the digest that a channel would get now. Nothing is posted, and nothing recorded."""
    async with opened_paper_index(settings) as (store, _), store.read() as tx:
        channel = await channel_named(tx, name)
    async with opened(settings, {}) as app:
        digest = await app.digests.compose(channel, system_clock())
    where = _name(channel)
    err(f"What {where} would get now; nothing is posted or recorded.")
    out(digest.header())
    for number, card in enumerate(digest.cards, 1):
        parts = [facts(card, str), card.summary, reason(card, str), card.note, card.url]
        out(f"{number:>3}. " + f"\n{_INDENT}".join([card.title, *filter(None, parts)]))
    for number, line in enumerate(digest.titles, len(digest.cards) + 1):
        out(f"{number:>3}. {_title(line)}")


def _title(line: Line) -> str:
    return line.title + (f" · {line.note}" if line.note else "")


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("no.", "platform", "channel", "state", "next digest", "votes", "topics"):
        table.add_column(column, no_wrap=column in ("no.", "next digest", "votes"))
    for row in rows:
        place = " ".join(filter(None, [row["platform"], row["workspace"]]))
        state = f"{row['state']}: {row['reason']}" if row["state"] == ChannelState.LOST else row["state"]
        due = (row["next_digest"] or "none")[:16].replace("T", " ")
        cells = [row["id"], place, plain_text(row["name"] or row["address"]), state, due, row["votes"]]
        table.add_row(*(Text(str(cell)) for cell in [*cells, ", ".join(row["topics"]) or "none"]))
    return table


def _name(channel: Channel) -> str:
    name = plain_text(channel.place.name or channel.place.address)
    return name if channel.place.kind is PlaceKind.DIRECT or name.startswith("#") else f"#{name}"


def _next_digest(channel: Channel) -> str | None:
    """The time of the next digest in the channel's zone; None where none is due."""
    if channel.state is not ChannelState.ACTIVE or channel.next_due_at is None:
        return None
    at = channel.next_due_at.replace(tzinfo=channel.next_due_at.tzinfo or UTC)
    return at.astimezone(ZoneInfo(channel.zone)).isoformat(timespec="minutes")
