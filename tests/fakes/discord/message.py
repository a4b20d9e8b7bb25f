"""A message as Discord keeps it, and what people see of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.discord.bits import COMPONENTS_V2, EPHEMERAL, LOADING
from tests.fakes.discord.values import Json, Upload

if TYPE_CHECKING:
    from tests.fakes.discord.world import Channel, User


@dataclass(slots=True)
class Message:
    """`reactions` has, for each emoji (`👍`, `name:id`), those who put it on by type: 0 normal, 1 burst."""

    id: str
    channel: Channel
    author: User
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    flags: int = 0
    kind: int = 0
    nonce: str | int | None = None
    reactions: dict[str, dict[int, list[User]]] = field(default_factory=dict)
    files: list[Upload] = field(default_factory=list)
    at: str = ""
    edited: str | None = None
    reference: Json | None = None
    interaction: Json | None = None
    mentions: list[User] = field(default_factory=list)
    pings: list[str] = field(default_factory=list)
    """The names of those whose bell it rang."""
    posted: Json = field(default_factory=dict)
    """The body that made it, for what nobody sees: allowed_mentions, enforce_nonce…"""

    @property
    def ephemeral(self) -> bool:
        """Whether one person alone sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def thinking(self) -> bool:
        """Whether it only says that the bot is thinking."""
        return bool(self.flags & LOADING)

    @property
    def words(self) -> str:
        """Everything a person reads, a line for each part."""
        parts = [self.content, *(text for embed in self.embeds for text in embed_texts(embed))]
        parts += [text for one in every_component(self.components) for text in component_texts(one)]
        return "\n".join(part for part in parts if part)

    @property
    def custom_ids(self) -> list[str]:
        """The custom ids of what can be pressed or chosen in it, in order."""
        return [one["custom_id"] for one in every_component(self.components) if "custom_id" in one]

    def component(self, custom_id: str) -> Json:
        """What can be pressed under that custom id. Raises LookupError."""
        found = (one for one in every_component(self.components) if one.get("custom_id") == custom_id)
        if (one := next(found, None)) is None:
            raise LookupError(f"nothing here has the custom id {custom_id!r}: {self.custom_ids}")
        return one

    def count(self, emoji: str) -> int:
        """How many put that emoji on it."""
        return sum(len(users) for users in self.reactions.get(emoji, {}).values())

    @property
    def spoken(self) -> list[str]:
        """The texts in which a mention rings: content and text displays, never an embed."""
        shown = [one["content"] for one in every_component(self.components) if one.get("type") == 10]
        return shown if self.flags & COMPONENTS_V2 else [self.content]


def every_component(components: list[Json]) -> Iterator[Json]:
    """All components of a message or a modal, outer ones first."""
    for component in components:
        yield component
        inner: list[Any] = list(component.get("components") or [])
        inner += [component[key] for key in ("accessory", "component") if component.get(key)]
        yield from every_component(inner)


def component_texts(one: Json) -> list[str]:
    """What a person reads on one component itself."""
    texts = [one.get(key) for key in ("content", "label", "placeholder") if isinstance(one.get(key), str)]
    return [str(text) for text in texts]


def embed_texts(embed: Json) -> list[str]:
    """What a person reads in an embed, which is also what its limit of 6000 counts."""
    texts = [embed.get("author", {}).get("name"), embed.get("title"), embed.get("description")]
    for entry in embed.get("fields", []):
        texts += [entry.get("name"), entry.get("value")]
    return [str(text) for text in [*texts, embed.get("footer", {}).get("text")] if text]
