"""`paperboy db …`, `export` and `forget`: maintain the store, and handle the data of channels and members."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.app import system_clock
from bot.commands.members import lost_right, what_goes
from bot.model.subscriptions import read_address
from bot.model.text import count
from bot.operate.context import index, opened_store, token_cipher
from bot.operate.output import CommandError, UsageError, err, out, progress
from bot.platforms.mail.setup import MAIL
from bot.settings import Settings
from bot.store import channels, forgotten, links, members, metadata, papers, subscriptions
from bot.store.channels import Channel
from bot.store.database import sqlite_file
from bot.subscriptions import StoredSubscriptions


async def upgrade_store(settings: Settings) -> None:
    """Bring the tables up to date. Opening the store does it; this prints the result."""
    from bot.store.upgrade import revisions

    async with opened_store(settings):
        out(f"The store is up to date (revision {revisions()[-1]}).")


async def backup_store(settings: Settings, file: Path, *, force: bool) -> None:
    """Back the live store up into a file. An existing file is replaced only with `force`."""
    from bot.store.backup import backup

    if not force and await asyncio.to_thread(os.path.lexists, file):
        raise CommandError(f"{file} is there already. Give the backup another name, or --force to replace it.")
    store_file = sqlite_file(settings.store_url)
    if store_file is not None and await asyncio.to_thread(_is_same, file, store_file):
        raise CommandError(f"{file} is the store itself. Give the backup another name.")
    async with opened_store(settings) as store:
        with progress("Backing up") as tick:
            rows = await backup(store, file, datetime.now(UTC), lambda done: tick(done, 0))
    out(f"Backed up {rows:,} rows into {file}.")


def _is_same(file: Path, other: Path) -> bool:
    return file.exists() and other.exists() and file.samefile(other)


async def restore_store(settings: Settings, file: Path, *, force: bool) -> None:
    """Replace the content of the store by a backup, and index it again. Papers and channels are replaced only with
    `force`."""
    from bot.jobs import restoring
    from bot.store.backup import restore

    settled, forgotten_again, revoked_again = restoring.Given(0, 0), 0, 0

    async def settle(tx: AsyncConnection, made_at: datetime | None) -> None:
        nonlocal settled, forgotten_again, revoked_again
        forgotten_again = await members.forget_again(tx, known_forgotten, made_at)
        revoked_again = await links.revoke_again(tx, known_revoked)
        settled = await restoring.settle(tx, made_at, datetime.now(UTC))

    async with opened_store(settings) as store:
        async with store.read() as tx:
            counts = (await papers.count(tx), len(await channels.list_all(tx)))
            replaced = await metadata.get(tx, "store_id") or ""
            known_forgotten, known_revoked = await forgotten.every(tx), await links.revoked(tx)
        if any(counts) and not force:
            raise CommandError(
                f"The store holds {count(counts[0], 'paper')} and {count(counts[1], 'channel')}, which this "
                "would replace. Back it up first, then say --force."
            )
        with progress("Restoring") as tick:
            rows = await restore(store, file, lambda done: tick(done, 0), settle)
        await index(store, settings, replaced=replaced)
        async with store.read() as tx:
            standing_links, restored_channels = await links.count_standing(tx), await channels.list_all(tx)
            mailed = len(await subscriptions.every(tx))
    out(f"Restored {rows:,} rows from {file}.")
    if settled.channels or settled.posts:
        out(
            f"{count(settled.channels, 'digest')} and {count(settled.posts, 'message')} that were due may have "
            "been posted since the backup was made, so they are not posted again."
        )
    if forgotten_again or revoked_again:
        names = "members, mail subscriptions and workspaces that were forgotten"
        out(
            f"Since the backup was made, {names}: {forgotten_again:,}; links to channels' pages that were revoked: "
            f"{revoked_again:,}. So they are again."
        )
    if counts[1] or not restored_channels:
        return
    # Nothing is known of what happened since the backup was made.
    out(
        "This store was empty, so nobody knows who was forgotten since the backup was made: `paperboy forget` deletes "
        "them again."
    )
    if mailed:
        out(
            f"{count(mailed, 'subscription')} by mail of that time go on, also those that ended since: the link in the "
            "next mail ends them, as does `paperboy forget` with the address."
        )
    if standing_links:
        out(
            f"{count(standing_links, 'link')} to channels' pages that worked when the backup was made can be followed "
            "again, even if revoked since. `/papers link revoke` in a channel ends its link."
        )


async def export_channel(settings: Settings, name: str) -> None:
    """Write all data of a channel."""
    from bot.commands.members import everything

    async with opened_store(settings) as store, store.read() as tx:
        sys.stdout.write(await everything(tx, await channel_named(tx, name)))


async def channel_named(tx: AsyncConnection, name: str) -> Channel:
    """The channel with that name, address or number. Raises CommandError or UsageError, which name the channels."""
    matches = await channels.named(tx, name)
    if not matches:
        names = sorted({each.place.name or each.place.address for each in await channels.list_all(tx)})
        raise CommandError(
            f"There is no channel {name}. " + (f"There are: {', '.join(names)}." if names else "There is none yet.")
        )
    if len(matches) > 1:
        numbers = ", ".join(f"{each.id} ({each.place.platform} {each.place.address})" for each in matches)
        raise UsageError(f"Several channels are called {name}; give one's number: {numbers}.")
    return matches[0]


async def _forget_address(settings: Settings, address: str, *, sure: bool) -> None:
    """Delete the subscriptions of a mail address, with their votes."""
    cipher, defaults = token_cipher(settings), settings.digest.channel_defaults()
    async with opened_store(settings) as store:
        stored = StoredSubscriptions(store, cipher, system_clock, MAIL.name, defaults)
        if (subscription_count := await stored.count_at(address)) and not sure:
            err(f"This deletes {count(subscription_count, 'subscription')} of {address}, with the votes in its mails.")
            await _make_sure()
        deleted = await stored.end_all_at(address)
    out(f"Deleted {count(deleted, 'subscription')} of {address}." if deleted else f"Nothing is known of {address}.")


async def _make_sure() -> None:
    """Ask the operator at a terminal. Raises UsageError where nobody can be asked, CommandError for a no."""
    if not sys.stdin.isatty():
        raise UsageError("Nothing was deleted. Say --yes to delete it, for good.")
    if not await asyncio.to_thread(typer.confirm, "Delete it, for good?", err=True):
        raise CommandError("Nothing was deleted.")


async def forget_member(settings: Settings, member: str, *, sure: bool) -> None:
    """Delete all data about a member, in all platforms and workspaces. Unless the operator is `sure`, they are told
    what goes, and asked at a terminal. A mail address is not a member: its subscriptions are deleted."""
    if "@" in member:
        try:
            address = read_address(member)
        except ValueError as error:
            raise UsageError(f"{member} {error}.") from None
        await _forget_address(settings, address, sure=sure)
        return
    async with opened_store(settings) as store:
        async with store.read() as tx:
            places = {(each.place.platform, each.place.workspace) for each in await channels.list_all(tx)}
            data = {place: await members.data_of(tx, *place, member) for place in sorted(places)}
        data = {place: each for place, each in data.items() if each.entries or each.owned or each.topics}
        if data and not sure:
            for (platform, workspace), each in data.items():
                where = f"{platform} {workspace}".strip()
                err(f"On {where}, this deletes {what_goes(each)} of {member}.{lost_right(each, member)}")
            await _make_sure()
        deleted = 0
        async with store.write() as tx:
            for place in places:
                deleted += await members.forget(tx, *place, member, system_clock())
    if deleted or data:
        out(f"Deleted {deleted:,} {'entry' if deleted == 1 else 'entries'} about {member}.")
    else:
        out(f"Nothing is known of {member}.")
