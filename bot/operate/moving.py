"""`paperboy db move`: copies the store into another database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import sqlalchemy as sa

from bot.operate.context import opened_store
from bot.operate.output import CommandError, UsageError, out, progress
from bot.operate.single_instance import single_instance
from bot.settings import Settings
from bot.store import counts
from bot.store.database import Store, make_engine, parsed_url, sqlite_file
from bot.store.errors import StoreError, StoreMissing
from bot.store.leases import Leases
from bot.store.moving import is_empty, move
from bot.store.tables import installations, subscriptions


async def move_store(settings: Settings, url: str) -> None:
    """Copy the store into the empty database at a URL, and say what to set then. Raises CommandError where a bot runs
    on either, or the store is empty, else a StoreError."""
    try:
        parsed = parsed_url(url, "The URL to move to")
    except StoreMissing as error:
        raise UsageError(str(error)) from error
    if parsed.get_backend_name() == "sqlite" and sqlite_file(url) is None:
        raise UsageError("A store in memory is gone when this command ends. Name a file, as sqlite:////srv/papers.db.")
    store_file, target_file = sqlite_file(settings.store_url), sqlite_file(url)
    if store_file and target_file and store_file.resolve() == target_file.resolve():
        raise CommandError("That is the store itself. Name an empty database; nothing was changed.")
    with contextlib.ExitStack() as locks:
        locks.enter_context(single_instance(settings))
        async with opened_store(settings) as source:
            await _refuse_while_served(source, "The store")
            if await is_empty(source):
                raise CommandError("The store is empty: there is nothing to move.")
            locks.enter_context(single_instance(settings.model_copy(update={"database_url": url})))
            async with _opened_target(settings, url) as target:
                await _refuse_while_served(target, "The database to move into")
                rows = await move(source, target, progress)
            has_secrets = await _has_secrets(source)
    out(f"Moved {rows:,} rows into {parsed.render_as_string(hide_password=True)}, and compared every one.")
    out("Set PAPERBOY_DATABASE_URL to that database for every Paperboy before you start one again.")
    if has_secrets and not settings.encryption_keys and parsed.get_backend_name() != "sqlite":
        out(
            f"Tokens and mail addresses are encrypted with the key in {settings.key_file}. Set "
            "PAPERBOY_ENCRYPTION_KEYS to what that file holds, on every machine."
        )
    out("The old store is unchanged. Run no bot on it any more: it would post what the new one has posted.")


@contextlib.asynccontextmanager
async def _opened_target(settings: Settings, url: str) -> AsyncIterator[Store]:
    """The database to move into. Its tables are made later, together with their rows."""
    target = Store(make_engine(url, settings.database_busy_seconds, settings.database_connections))
    try:
        try:
            async with target.read():
                pass
        except StoreError as error:
            raise type(error)(f"The database to move into can't be used. {error}") from error
        yield target
    finally:
        await target.close()


async def _refuse_while_served(store: Store, what: str) -> None:
    """Raise CommandError while a bot runs on a PostgreSQL store. SQLite has a lock for that."""
    if store.is_sqlite:
        return
    async with store.read() as tx:
        names = await tx.run_sync(lambda connection: sa.inspect(connection).get_table_names())
        is_served = await counts.bots(tx) > 0
    # Behind a pooler (PgBouncer) a bot that does nothing may have no connection, and one that works has leases.
    if is_served or ("leases" in names and await Leases(store).holders()):
        raise CommandError(
            f"{what} is in use by a running Paperboy. Stop every `paperboy run` and `paperboy worker` first; if one "
            "was killed, wait two minutes."
        )


async def _has_secrets(store: Store) -> bool:
    """Whether the store holds encrypted tokens or addresses."""
    async with store.read() as tx:
        tokens = sa.select(sa.exists(sa.select(installations).where(installations.c.token != "")))
        addresses = sa.select(sa.exists(sa.select(subscriptions)))
        return bool((await tx.execute(tokens)).scalar_one() or (await tx.execute(addresses)).scalar_one())
