"""All settings together, and the values that follow from them."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.settings.groups import (
    ClockSettings,
    DeliverySettings,
    DigestSettings,
    DiscordSettings,
    EmailSettings,
    ExperimentSettings,
    LogSettings,
    ScheduleSettings,
    SlackSettings,
    SourcesSettings,
    TasteSettings,
    Texts,
    VotesSettings,
    WebSettings,
    ZoteroSettings,
)

PREFIX = "PAPERBOY_"
"""The prefix of the environment variables that are settings."""
_KEY_BYTES = 32


class Settings(BaseSettings):
    """All settings of one Paperboy."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("paperboy", appauthor=False)),
        description="Where everything is kept; the platform's user data folder by default.",
        examples=["/var/lib/paperboy"],
    )
    database_url: str = Field(
        "", repr=False, description="An SQLite file in data_dir by default; or postgresql://user@host/name."
    )
    database_busy_seconds: float = Field(
        10.0, gt=0, le=600, description="Seconds to wait for another program that keeps the store locked."
    )
    database_connections: int = Field(
        15,
        ge=2,
        le=1000,
        description="Connections that one process opens to PostgreSQL at most.",
    )
    database_start_seconds: float = Field(
        60.0, ge=0, le=3600, description="Seconds that a starting bot waits for a PostgreSQL that does not answer yet."
    )
    encryption_keys: Texts = Field(
        (),
        repr=False,
        description="What seals tokens in the store: the first key seals, all open. A file in data_dir with SQLite.",
    )
    sources: SourcesSettings = SourcesSettings()
    zotero: ZoteroSettings = ZoteroSettings()
    digest: DigestSettings = DigestSettings()
    taste: TasteSettings = TasteSettings()
    experiment: ExperimentSettings = ExperimentSettings()
    votes: VotesSettings = VotesSettings()
    delivery: DeliverySettings = DeliverySettings()
    slack: SlackSettings = SlackSettings()
    discord: DiscordSettings = DiscordSettings()
    email: EmailSettings = EmailSettings()
    web: WebSettings = WebSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()

    @field_validator("encryption_keys")
    @classmethod
    def _keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            try:
                is_valid = len(urlsafe_b64decode(key)) == _KEY_BYTES
            except ValueError:
                is_valid = False
            if not is_valid:
                raise ValueError(
                    "holds what is no key: one is 32 random bytes in URL-safe base64, as `openssl rand -base64 32 | "
                    "tr +/ -_` makes it"
                )
        return value

    @property
    def key_file(self) -> Path:
        """The file of the key that encrypts tokens, where no key is set."""
        return self.data_dir / "encryption.key"

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the store."""
        return self.database_url or f"sqlite:///{self.data_dir / 'paperboy.db'}"

    @property
    def index_dir(self) -> Path:
        """The folder of the recommender's index."""
        return self.data_dir / "index"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only the values that `load` passes: it merges the environment over the file."""
        return (init_settings,)
