"""A description of every table in plain words, for the page /privacy and for whoever runs the bot.

A test holds these descriptions to the tables: each table and each column has one.
"""

from __future__ import annotations

from bot.store.descriptions.channels import CHANNELS
from bot.store.descriptions.description import About, TableDescription
from bot.store.descriptions.papers import PAPERS
from bot.store.descriptions.people import PEOPLE

DESCRIPTIONS: dict[str, TableDescription] = {**PEOPLE, **CHANNELS, **PAPERS}
"""The description of each table, by the table's name."""

__all__ = ["DESCRIPTIONS", "About", "TableDescription"]
