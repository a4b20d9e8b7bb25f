"""Every setting, typed: from a TOML file and the environment, unknown ones refused."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import available_timezones

import platformdirs
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot.channels.schedule_words import read_days, read_hour

_PREFIX = "PAPERBOY_"
_NOT_SETTINGS = {"PAPERBOY_CONFIG"}


class SettingsError(Exception):
    """A setting is wrong; the text names it and the mend."""


class Section(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HuggingFace(Section):
    """Hugging Face Daily Papers."""

    enabled: bool = Field(True, description="Read Hugging Face Daily Papers.")
    url: str = Field("https://huggingface.co", description="Where it is asked.")


class Arxiv(Section):
    """arXiv's announcements."""

    enabled: bool = Field(True, description="Read arXiv's daily announcements.")
    categories: tuple[str, ...] = Field(
        ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML"), description="The categories whose announcements are read."
    )
    url: str = Field("https://export.arxiv.org", description="The query API, for days missed and for single papers.")
    rss_url: str = Field("https://rss.arxiv.org", description="The announcement feeds.")


class Sources(Section):
    """Where papers come from."""

    every_minutes: int = Field(60, ge=5, le=1440, description="Minutes between two readings of a source.")
    look_back_days: int = Field(
        7, ge=1, le=60, description="Days looked back on the first reading, and at most after a failure."
    )
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds that one request may take in all.")
    max_bytes: int = Field(50_000_000, ge=10_000, description="The largest answer read, in bytes.")
    feeds: tuple[str, ...] = Field((), description="Further RSS or Atom feeds, by URL.")
    huggingface: HuggingFace = HuggingFace()
    arxiv: Arxiv = Arxiv()


class Digest(Section):
    """What a channel gets when it is new; each channel may change it with /papers schedule and /papers settings."""

    hour: str = Field("09:00", description="When the digest is posted, HH:MM in the channel's time zone.")
    days: str = Field("daily", description="daily, weekdays, or days like mon,wed,fri.")
    zone: str = Field("UTC", description="The IANA time zone, as Europe/Berlin.")
    count: int = Field(5, ge=1, le=10, description="Cards at most.")
    bar: float = Field(
        0.8, ge=0, le=0.999, description="Post only what fits better than this share of random papers (0 to 0.999)."
    )
    guess: bool = Field(True, description="One card a day may be a guess, marked as such.")
    window_days: int = Field(3, ge=1, le=30, description="How many days a paper counts as news.")
    grace_hours: float = Field(12.0, ge=0, le=48, description="A digest hour missed by less is delivered late.")

    @field_validator("hour", "days")
    @classmethod
    def _readable(cls, value: str, info: Any) -> str:
        (read_hour if info.field_name == "hour" else read_days)(value)
        return value

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("is not an IANA time zone, as Europe/Berlin or UTC are")
        return value


class Votes(Section):
    """Which emoji are votes. A platform's own emoji stand as :name:."""

    likes: tuple[str, ...] = Field(
        ("👍", "❤️", "🔥", "🚀", "⭐", "🌟", "👀", "🎉", "💯", "🤩", "😍", "👏", "🙌", "✅", "🧠"),
        description="Votes for.",
    )
    dislikes: tuple[str, ...] = Field(("👎", "💤", "😴", "🥱", "❌", "🚫"), description="Votes against.")
    read_back_days: int = Field(
        7, ge=0, le=60, description="Reactions of posts this young are read back on start and daily."
    )


class Delivery(Section):
    """How posts are sent."""

    attempts: int = Field(5, ge=1, le=20, description="Tries before a post that is not accepted is given up.")
    timeout: float = Field(30.0, gt=0, le=300, description="Seconds that sending one message may take.")


class Schedule(Section):
    """The bot's heartbeat."""

    tick_seconds: float = Field(5.0, gt=0, le=60, description="Seconds between two looks at whose hour has come.")


class ClockSettings(Section):
    """The bot's clock."""

    start: AwareDatetime | None = Field(None, description="Begin at this instant instead of now (demo and tests only).")


class Log(Section):
    """What is logged, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error.")
    format: Literal["auto", "text", "json"] = Field("auto", description="auto: text on a terminal, JSON otherwise.")


class Settings(BaseSettings):
    """All settings of one Paperboy."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("paperboy", appauthor=False)),
        description="Where everything is kept; the platform's user data folder by default.",
    )
    database_url: str = Field("", description="An SQLite file in data_dir by default; or postgresql://user@host/name.")
    sources: Sources = Sources()
    digest: Digest = Digest()
    votes: Votes = Votes()
    delivery: Delivery = Delivery()
    schedule: Schedule = Schedule()
    clock: ClockSettings = ClockSettings()
    log: Log = Log()

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
        """The environment wins over the file."""
        return env_settings, init_settings


def load(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a TOML file (`PAPERBOY_CONFIG` names one too) and the environment, which wins.

    Raises SettingsError.
    """
    environ = os.environ if environ is None else environ
    if file is None and environ.get("PAPERBOY_CONFIG"):
        file = Path(environ["PAPERBOY_CONFIG"])
    values = _read(file) if file else {}
    _refuse_unknown(values, file)
    _refuse_unknown_variables(environ)
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error
    except ValueError as error:  # an environment value that is not the JSON that a list needs
        raise SettingsError(
            f"A {_PREFIX}… variable can't be read: {error}. Lists are JSON, as '[\"cs.LG\"]'."
        ) from error


def describe() -> Iterator[tuple[str, str, Any]]:
    """Every setting as (dotted name, what it means, its default), in their order."""
    yield from _walk(Settings, "")


def _walk(model: type[BaseModel], before: str) -> Iterator[tuple[str, str, Any]]:
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section:
            yield from _walk(section, f"{before}{name}.")
        else:
            yield before + name, field.description or "", None if field.default_factory else field.default


def _section(annotation: Any) -> type[Section] | None:
    kinds = [annotation, *get_args(annotation)]
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)), None)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"There is no settings file {file}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {file} can't be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The settings file {file} is not TOML: {error}.") from error


def _refuse_unknown(values: Mapping[str, Any], file: Path | None) -> None:
    known = {name for name, _, _ in describe()}
    sections = {name.rsplit(".", 1)[0] for name in known if "." in name}
    for name in _dotted(values, ""):
        if name not in known and name not in sections:
            raise SettingsError(f"{file}: there is no setting {name}.{_nearest(name, known)}")


def _dotted(values: Mapping[str, Any], before: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{before}{name}.")
        else:
            yield before + name


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = {_PREFIX + name.replace(".", "__").upper() for name, _, _ in describe()}
    for name in environ:
        upper = name.upper()
        if upper.startswith(_PREFIX) and upper not in known | _NOT_SETTINGS and "_TEST_" not in upper:
            raise SettingsError(f"There is no setting {name}.{_nearest(upper, known)}")


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), 1, 0.5)
    return f" Did you mean {close[0]}?" if close else ""


def _explain(error: ValidationError) -> str:
    problems = []
    for one in error.errors():
        name = ".".join(str(part) for part in one["loc"])
        said = one["msg"].removeprefix("Value error, ")
        problems.append(f"{name}: {said[:1].lower()}{said[1:]} (it is {_shown(one.get('input'))})")
    return "Wrong settings: " + "; ".join(problems) + "."


def _shown(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
