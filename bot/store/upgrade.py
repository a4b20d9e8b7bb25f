"""Bringing the tables of a store up to date."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.database import Store
from bot.store.errors import StoreDamaged, StoreNewer

if TYPE_CHECKING:
    from alembic.config import Config


FOLDER = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """Every revision that a store may have, the oldest first. A file's name begins with its revision."""
    return sorted(path.name.split("_", 1)[0] for path in (FOLDER / "versions").glob("[0-9]*_*.py"))


async def upgrade(store: Store, to: str | None = None) -> bool:
    """Upgrade to the newest revision, or to the given one; True when there was anything to do.

    Raises StoreNewer for a store of a later Paperboy, StoreDamaged for a database of something else.
    """
    async with store.read() as tx:
        revision = await current(tx)
    if revision == (to or revisions()[-1]):
        return False
    # If two processes start together, the second finds nothing to do.
    async with store.write(exclusive=True) as tx:
        return await upgrade_within(tx, to)


async def upgrade_within(tx: AsyncConnection, to: str | None = None) -> bool:
    """Like `upgrade`, in an open transaction."""
    revision, target = await current(tx), to or revisions()[-1]
    if revision == target:
        return False
    await tx.run_sync(_run_alembic, target)
    return True


async def current(tx: AsyncConnection) -> str | None:
    """The revision of the store; None when it is empty.

    Raises StoreNewer and StoreDamaged."""
    names = await tx.run_sync(lambda connection: sa.inspect(connection).get_table_names())
    revision = None
    if "alembic_version" in names:
        revision = (await tx.execute(sa.text("select version_num from alembic_version"))).scalar_one_or_none()
    if revision is None and set(names) - {"alembic_version"}:
        raise StoreDamaged("The database holds tables that are not Paperboy's. Name an empty one in database_url.")
    if revision is not None and revision not in revisions():
        if re.fullmatch(r"\d{4}", revision) and revision > revisions()[-1]:
            raise StoreNewer(
                f"The store was written by a newer Paperboy (its revision is {revision}, this program knows up to "
                f"{revisions()[-1]}). Install that version again; nothing was changed."
            )
        raise StoreDamaged("The database belongs to another program. Name an empty one in database_url.")
    return revision


def _run_alembic(connection: sa.Connection, target: str) -> None:
    # Imported here: most starts find nothing to upgrade, and alembic is slow to import.
    from alembic import command

    command.upgrade(_config(connection), target)


def _config(connection: sa.Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config
