"""Every setting, typed: from a TOML file and the environment, unknown ones refused."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args
from zoneinfo import available_timezones

import platformdirs
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot.channels.schedule_words import read_days, read_hour
from bot.channels.values import Style

_PREFIX = "PAPERBOY_"
_NOT_SETTINGS = {"CONFIG"}
_KEY_BYTES = 32
_SECRET = {
    *("database_url", "encryption_keys"),
    *(f"slack.{each}" for each in ("bot_token", "app_token", "signing_secret", "client_secret")),
    "discord.token",
}
"""Settings whose values are never shown: they are tokens, or may hold a password."""


class SettingsError(Exception):
    """A setting is wrong; the text names it and the mend."""


class Setting(NamedTuple):
    """One setting: its dotted name, what it means, and its default, or an example where the default depends."""

    name: str
    meaning: str
    default: Any


def _listed(value: object) -> object:
    """A list as a variable can hold it: `cs.LG,stat.ML`, or JSON."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [part for each in value.split(",") if (part := each.strip())]
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("is neither a list like cs.LG,stat.ML nor one in JSON") from None


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class Section(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class HuggingFace(Section):
    """Hugging Face Daily Papers."""

    enabled: bool = Field(True, description="Read Hugging Face Daily Papers.")
    url: str = Field("https://huggingface.co", description="Where it is asked.")


class Arxiv(Section):
    """arXiv's announcements."""

    enabled: bool = Field(True, description="Read arXiv's daily announcements.")
    categories: Texts = Field(
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
    feeds: Texts = Field((), description="Further RSS or Atom feeds, by URL.")
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
    style: Style = Field(
        Style.CARDS,
        description="cards, thread (the cards in the header's thread) or compact (one message of numbered papers).",
    )
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

    likes: Texts = Field(
        ("👍", "❤️", "🔥", "🚀", "⭐", "🌟", "👀", "🎉", "💯", "🤩", "😍", "👏", "🙌", "✅", "🧠"),
        description="Votes for.",
    )
    dislikes: Texts = Field(("👎", "💤", "😴", "🥱", "❌", "🚫"), description="Votes against.")
    read_back_days: int = Field(
        7, ge=0, le=60, description="Reactions of posts this young are read back on start and daily."
    )


class Delivery(Section):
    """How posts are sent."""

    attempts: int = Field(5, ge=1, le=20, description="Tries before a post that is not accepted is given up.")
    timeout: float = Field(30.0, gt=0, le=300, description="Seconds that sending one message may take.")


class Slack(Section):
    """Slack: two tokens for one workspace, or three secrets for many; the README says where they come from."""

    bot_token: SecretStr = Field(SecretStr(""), description="One workspace: the bot user's OAuth token, xoxb-….")
    app_token: SecretStr = Field(
        SecretStr(""), description="One workspace: the app-level token for Socket Mode, xapp-…."
    )
    signing_secret: SecretStr = Field(
        SecretStr(""), description="Many workspaces: the app's Signing Secret, for what Slack sends over HTTP."
    )
    client_id: str = Field("", description="Many workspaces: the app's Client ID.")
    client_secret: SecretStr = Field(SecretStr(""), description="Many workspaces: the app's Client Secret.")
    keep_days: int = Field(
        30, ge=0, le=3650, description="Days until all that is kept of a workspace which removed the app is deleted."
    )
    command: str = Field(
        "/papers", pattern=r"^/[a-z0-9_-]{1,31}$", description="The slash command, as the app's manifest names it."
    )
    api_url: str = Field("https://slack.com/api/", description="Where Slack's Web API is asked.")

    @field_validator("signing_secret", "client_secret")
    @classmethod
    def _stripped(cls, value: SecretStr) -> SecretStr:
        return SecretStr(value.get_secret_value().strip())

    @field_validator("bot_token", "app_token")
    @classmethod
    def _of_its_kind(cls, value: SecretStr, info: Any) -> SecretStr:
        token = value.get_secret_value().strip()
        beginnings = ("xoxb-", "xoxe.xoxb-") if info.field_name == "bot_token" else ("xapp-",)
        if token and not token.startswith(beginnings):
            raise ValueError(f"is not the right kind of token, that begins with {beginnings[0]}")
        return SecretStr(token)


class Discord(Section):
    """Discord; off without its token. The README says where it comes from."""

    token: SecretStr = Field(SecretStr(""), description="The bot's token.")
    command: str = Field("papers", pattern=r"^[a-z0-9_-]{1,32}$", description="The slash command, without its slash.")
    api_url: str = Field("https://discord.com/api/v10", description="Where Discord's REST API is asked.")
    gateway_url: str = Field("", description="Where Discord's gateway is; empty: where Discord says.")

    @field_validator("token")
    @classmethod
    def _a_bots(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().strip().removeprefix("Bot ")
        if token and token.count(".") != 2:
            raise ValueError(
                "is not a bot's token, which has three parts with dots between them (page Bot, Reset Token)"
            )
        return SecretStr(token)


class Web(Section):
    """The web server, for what Slack sends over HTTP; it serves a proxy that speaks HTTPS."""

    host: str = Field("127.0.0.1", description="The address it listens on.")
    port: int = Field(8080, ge=0, le=65535, description="The port it listens on; 0 is any free one.")


class Schedule(Section):
    """The bot's heartbeat."""

    tick_seconds: float = Field(5.0, gt=0, le=60, description="Seconds between two looks at whose hour has come.")


class ClockSettings(Section):
    """The bot's clock."""

    start: AwareDatetime | None = Field(
        None, description="The demo begins at this instant.", examples=["2025-11-03T08:30:00Z"]
    )


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
        10.0, gt=0, le=600, description="Seconds to wait for another program that keeps an SQLite store locked."
    )
    encryption_keys: Texts = Field(
        (),
        repr=False,
        description="What seals tokens in the store: the first key seals, all open. A file in data_dir by default.",
    )
    sources: Sources = Sources()
    digest: Digest = Digest()
    votes: Votes = Votes()
    delivery: Delivery = Delivery()
    slack: Slack = Slack()
    discord: Discord = Discord()
    web: Web = Web()
    schedule: Schedule = Schedule()
    clock: ClockSettings = ClockSettings()
    log: Log = Log()

    @field_validator("encryption_keys")
    @classmethod
    def _keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            try:
                whole = len(urlsafe_b64decode(key)) == _KEY_BYTES
            except ValueError:
                whole = False
            if not whole:
                raise ValueError(
                    "holds what is no key: one is 32 random bytes in URL-safe base64, as `openssl rand -base64 32 | "
                    "tr +/ -_` makes it"
                )
        return value

    @property
    def key_file(self) -> Path:
        """Where the key is kept that seals tokens, when none is set."""
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
        """Only what `load` gives: it lays the environment over the file."""
        return (init_settings,)


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
    variables = EnvSettingsSource(Settings)
    variables.env_vars = {name.lower(): value for name, value in environ.items()}
    try:
        return Settings(**_over(variables(), values))
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error


def _over(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """Two trees of values as one; where both have one, the upper's counts."""
    both = {name: _over(upper[name], lower[name]) for name in upper if _are_sections(upper[name], lower.get(name))}
    return {**lower, **upper, **both}


def _are_sections(*values: object) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def describe() -> Iterator[Setting]:
    """Every setting, in their order."""
    yield from _walk(Settings, "")


def sections() -> dict[str, str]:
    """Every section's dotted name and what it holds, in their order."""
    found: dict[str, str] = {}
    for setting in describe():
        model: type[BaseModel] = Settings
        for depth, part in enumerate(names := setting.name.split(".")[:-1], 1):
            model = _section(model.model_fields[part].annotation) or model
            found[".".join(names[:depth])] = (model.__doc__ or "").strip()
    return found


def _walk(model: type[BaseModel], before: str) -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        section = _section(field.annotation)
        if section:
            yield from _walk(section, f"{before}{name}.")
        else:
            default = field.examples[0] if field.examples else field.default
            default = default.get_secret_value() if isinstance(default, SecretStr) else default
            yield Setting(before + name, field.description or "", default)


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
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"The settings file {file} is not TOML: {error}.") from error


def _refuse_unknown(values: Mapping[str, Any], file: Path | None) -> None:
    known = {setting.name for setting in describe()}
    groups = sections()
    for name in _dotted(values, ""):
        if name not in known and name not in groups:
            raise SettingsError(f"{file}: there is no setting {name}.{_nearest(name, known)}")


def _dotted(values: Mapping[str, Any], before: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{before}{name}.")
        else:
            yield before + name


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = {setting.name.replace(".", "__").upper() for setting in describe()}
    for variable in environ:
        prefix, name = variable[: len(_PREFIX)].upper(), variable[len(_PREFIX) :].upper()
        if prefix == _PREFIX and name not in known | _NOT_SETTINGS and not name.startswith("TEST_"):
            raise SettingsError(f"There is no setting {variable}.{_nearest(name, known, _PREFIX)}")


def _nearest(name: str, known: set[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, sorted(known), 1, 0.6)
    return f" Did you mean {prefix}{close[0]}?" if close else ""


def _explain(error: ValidationError) -> str:
    problems = []
    for one in error.errors():
        name = ".".join(str(part) for part in one["loc"])
        said = one["msg"].removeprefix("Value error, ")
        shown = "" if name in _SECRET else f" (it is {_shown(one.get('input'))})"
        problems.append(f"{name}: {said[:1].lower()}{said[1:]}{shown}")
    return "Wrong settings: " + "; ".join(problems) + "."


def _shown(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
