"""The descriptions of the tables, held to the tables."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.store.descriptions import DESCRIPTIONS, About
from bot.store.tables import metadata

_NAMES_A_PERSON = ("member", "owner", "made_by", "installer", "member_hash", "address_hash")


def test_every_table_is_described_and_no_other() -> None:
    assert set(DESCRIPTIONS) == set(metadata.tables)


@pytest.mark.parametrize("table", metadata.tables.values(), ids=lambda table: table.name)
def test_every_column_is_described_and_no_other(table: sa.Table) -> None:
    description = DESCRIPTIONS[table.name]
    assert set(description.columns) == set(table.c.keys())
    assert all(description.columns.values())
    assert description.personal <= set(table.c.keys())


@pytest.mark.parametrize("table", metadata.tables.values(), ids=lambda table: table.name)
def test_columns_that_name_a_person_are_marked(table: sa.Table) -> None:
    description = DESCRIPTIONS[table.name]
    assert {name for name in _NAMES_A_PERSON if name in table.c} <= description.personal
    assert not (description.about is About.PAPERS and description.personal)


def test_descriptions_are_sentences() -> None:
    for name, description in DESCRIPTIONS.items():
        for text in (description.what, description.kept, description.seen_by):
            assert text[0].isupper(), name
            assert text.endswith("."), name
