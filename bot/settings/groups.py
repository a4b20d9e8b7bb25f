"""Every setting in its group, with its type, default, bounds and meaning."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from email.utils import formataddr, parseaddr
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote
from zoneinfo import available_timezones

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from bot.model.channel_defaults import ChannelDefaults
from bot.model.messages import Style
from bot.model.schedule_text import read_days, read_hour
from bot.model.subscriptions import read_address


def _listed(value: object) -> object:
    """A list as a variable can hold it: `cs.LG,stat.ML`, or JSON."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [part for part in map(str.strip, value.split(",")) if part]
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("is neither a list like cs.LG,stat.ML nor one in JSON") from None


def _table(value: object) -> object:
    """A table as a variable can hold it: JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value or "{}")
    except (ValueError, RecursionError):
        raise ValueError('is no JSON like {"C": 3.0}') from None


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Table = Annotated[dict[str, Any], NoDecode, BeforeValidator(_table)]


class Section(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class HuggingFaceSettings(Section):
    """Hugging Face Daily Papers."""

    enabled: bool = Field(True, description="Read Hugging Face Daily Papers.")
    url: str = Field("https://huggingface.co", description="Where it is asked.")


class ArxivSettings(Section):
    """arXiv's announcements."""

    enabled: bool = Field(True, description="Read arXiv's daily announcements.")
    categories: Texts = Field(
        ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "stat.ML"), description="The categories whose announcements are read."
    )
    url: str = Field("https://export.arxiv.org", description="The query API, for days missed and for single papers.")
    rss_url: str = Field("https://rss.arxiv.org", description="The announcement feeds.")


class BiorxivSettings(Section):
    """bioRxiv's preprints."""

    enabled: bool = Field(False, description="Read what bioRxiv posts.")
    categories: Texts = Field(
        (), description="The subjects that are read, as bioinformatics and neuroscience; all if there are none."
    )
    url: str = Field("https://api.biorxiv.org", description="The API.")


class MedrxivSettings(Section):
    """medRxiv's preprints."""

    enabled: bool = Field(False, description="Read what medRxiv posts.")
    categories: Texts = Field(
        (), description="The subjects that are read, as health informatics and epidemiology; all if there are none."
    )
    url: str = Field("https://api.biorxiv.org", description="The API, which is bioRxiv's.")


class OpenReviewSettings(Section):
    """OpenReview's public submissions; off without a venue."""

    venues: Texts = Field(
        (),
        description="The venues that are read, as ICLR.cc/2027/Conference: what stands after ?id= on a venue's page.",
    )
    username: str = Field("", description="The e-mail address of an account there: OpenReview lets only accounts read.")
    password: SecretStr = Field(SecretStr(""), description="The account's password.")
    url: str = Field("https://api2.openreview.net", description="The API.")

    @field_validator("venues")
    @classmethod
    def _ids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        venues = tuple(re.sub(r".*openreview\.net/[a-z]+\?(?:.*&)?id=|[&#].*", "", unquote(each)) for each in value)
        for venue in venues:
            if not re.fullmatch(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*", venue):
                raise ValueError("holds what is no venue's id like ICLR.cc/2027/Conference")
        return venues

    @model_validator(mode="after")
    def _whole_account(self) -> Self:
        if bool(self.username) != bool(self.password.get_secret_value()):
            raise ValueError("needs both username and password of an account, or neither")
        return self


class SourcesSettings(Section):
    """Where papers come from."""

    every_minutes: int = Field(60, ge=5, le=1440, description="Minutes between two readings of a source.")
    look_back_days: int = Field(
        7, ge=1, le=60, description="Days looked back on the first reading, and at most after a failure."
    )
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds that one request may take in all.")
    max_bytes: int = Field(10_000_000, ge=10_000, description="The largest answer read, in bytes.")
    feeds: Texts = Field((), description="Further RSS or Atom feeds, by URL.")
    operators: Texts = Field(
        (),
        description="Who may add and drop feeds for all channels in chat, as slack:T0123456/U0123456 (workspace, then "
        "member) or discord:123456789012345678.",
    )
    huggingface: HuggingFaceSettings = HuggingFaceSettings()
    arxiv: ArxivSettings = ArxivSettings()
    biorxiv: BiorxivSettings = BiorxivSettings()
    medrxiv: MedrxivSettings = MedrxivSettings()
    openreview: OpenReviewSettings = OpenReviewSettings()


class ZoteroSettings(Section):
    """A Zotero library, for `teach zotero` and `saved zotero`; off without one."""

    library: str = Field(
        "",
        description="groups/<number> or users/<number>. Whoever may talk to the bot can have it taught, if only in a "
        "direct message, and put saved papers there.",
    )
    key: SecretStr = Field(
        SecretStr(""), description="A key that may read and write it, from zotero.org/settings/security."
    )
    url: str = Field("https://api.zotero.org", description="The API.")

    @field_validator("library")
    @classmethod
    def _numbered(cls, value: str) -> str:
        found = re.fullmatch(r"(?:https?://(?:www\.)?zotero\.org/)?((?:groups|users)/\d{1,12})(?:[/?#].*)?", value)
        if value and not found:
            raise ValueError("is no library like groups/4567 or users/1234")
        return found[1] if found else ""

    @field_validator("key")
    @classmethod
    def _of_letters_and_digits(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if key and not re.fullmatch("[A-Za-z0-9]{1,100}", key):
            raise ValueError("is no key of Zotero, which has letters and digits alone")
        return SecretStr(key)


class DigestSettings(Section):
    """What a channel gets when it is new; each channel may change it with /papers schedule and /papers settings."""

    hour: str = Field("09:00", description="When the digest is posted, HH:MM in the channel's time zone.")
    days: str = Field("daily", description="daily, weekdays, or days like mon,wed,fri.")
    zone: str = Field(
        "",
        description="The IANA time zone, as Europe/Berlin. Empty: the inviter's own, or UTC if nobody knows it.",
    )
    count: int = Field(5, ge=1, le=10, description="Cards at most.")
    bar: float = Field(
        0.8,
        ge=0,
        le=0.999,
        description="Post only what fits better than this share of random papers; a channel's likes may raise it.",
    )
    guess: bool = Field(True, description="One card a day may be a guess, marked as such.")
    style: Style = Field(
        Style.CARDS,
        description="cards, thread (the cards in the header's thread) or compact (one message of numbered papers).",
    )
    titles: int = Field(
        10, ge=0, le=10, description="Further titles under the cards, to be liked by number; 0 for none."
    )
    window_days: int = Field(3, ge=1, le=30, description="How many days a paper counts as news.")
    grace_hours: float = Field(12.0, ge=0, le=48, description="A digest hour missed by less is delivered late.")

    def channel_defaults(self) -> ChannelDefaults:
        """The part of these settings that stands in a new channel's row."""
        return ChannelDefaults(**{field.name: getattr(self, field.name) for field in fields(ChannelDefaults)})

    @field_validator("hour", "days")
    @classmethod
    def _readable(cls, value: str, info: Any) -> str:
        (read_hour if info.field_name == "hour" else read_days)(value)
        return value

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError("is not an IANA time zone, as Europe/Berlin or UTC are")
        return value


class TasteSettings(Section):
    """The classifier that learns the tastes; docs/how-it-learns.md says how to put in another one."""

    estimator: str = Field(
        "",
        description="A class by its import path, as sklearn.linear_model.LogisticRegression. Empty: the built-in one.",
    )
    parameters: Table = Field({}, description='Its parameters, as {C = 3.0}; as a variable JSON, {"C": 3.0}.')


class ExperimentSettings(Section):
    """Two learners at each digest, to see whose picks are liked better; `paperboy rivals` tells."""

    rival: Literal["", "upvotes", "rocchio", "built-in"] = Field(
        "",
        description="upvotes, rocchio or, beside a taste.estimator, built-in picks every other card of each digest. "
        "Empty: the taste picks alone.",
    )


class VotesSettings(Section):
    """Which emoji are votes. A platform's own emoji stand as :name:, and on Slack any that is not here by default."""

    likes: Texts = Field(
        ("👍", "❤️", "🔥", "🚀", "⭐", "🌟", "👀", "🎉", "💯", "🤩", "😍", "👏", "🙌", "✅", "🧠"),
        description="Votes for.",
    )
    dislikes: Texts = Field(("👎", "💤", "😴", "🥱", "❌", "🚫"), description="Votes against.")
    neighbours: bool = Field(
        True,
        description="A new channel begins with what its workspace's other channels like; private ones teach no other.",
    )
    read_back_days: int = Field(
        7, ge=0, le=60, description="Reactions of posts this young are read back where some may have been missed."
    )


class DeliverySettings(Section):
    """How posts are sent."""

    attempts: int = Field(5, ge=1, le=20, description="Tries before a post that is not accepted is given up.")
    timeout: float = Field(30.0, gt=0, le=300, description="Seconds that sending one message may take.")
    margin: float = Field(
        90.0,
        ge=0,
        le=900,
        description="Seconds after that in which a message may still appear: until then a post whose answer never came "
        "is looked for, and not sent again.",
    )
    takeover: float = Field(
        60.0,
        ge=1,
        le=900,
        description="Seconds, beyond the longest send, after which another process takes over the work of a dead one, "
        "where several processes share a PostgreSQL store.",
    )


class SlackSettings(Section):
    """Slack: two tokens for one workspace, or three secrets for many: see docs/install-slack.md."""

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
    managers: Texts = Field(
        (), description="Members who manage every channel, as workspace admins do, by id: profile → ⋮ → Copy member ID."
    )
    api_url: str = Field("https://slack.com/api/", description="Where Slack's Web API is asked.")

    @field_validator("managers")
    @classmethod
    def _members(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for member in value:
            if not re.fullmatch("[UW][A-Z0-9]{1,20}", member):
                raise ValueError("holds what is no member's id like U012ABCDEF")
        return value

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


class DiscordSettings(Section):
    """Discord; off without its token: see docs/install-discord.md."""

    token: SecretStr = Field(SecretStr(""), description="The bot's token.")
    command: str = Field("papers", pattern=r"^[a-z0-9_-]{1,32}$", description="The slash command, without its slash.")
    api_url: str = Field("https://discord.com/api/v10", description="Where Discord's REST API is asked.")
    gateway_url: str = Field("", description="Where Discord's gateway is; empty: Discord's own.")
    shards: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Shards of all processes; 0: as many as Discord recommended on the first start.",
    )

    @field_validator("token")
    @classmethod
    def _a_bots(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value().strip().removeprefix("Bot ")
        if token and token.count(".") != 2:
            raise ValueError(
                "is not a bot's token, which has three parts with dots between them (page Bot, Reset Token)"
            )
        return SecretStr(token)


_LONGEST_BEFORE_TOKEN = 25
"""Characters before the @ that leave room for a plus and a token: 64 may stand there (RFC 5321)."""


class EmailSettings(Section):
    """Mail: papers in the inbox of whoever subscribes; off without the address of a mail server."""

    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="The mail server, as smtp://user:password@mail.example.org:587, or smtps://… for TLS from the "
        "start. Signs that are special in an address are written as %40 and the like.",
    )
    starttls: Literal["auto", "required", "never"] = Field(
        "auto",
        description="auto encrypts a smtp:// connection where the server offers it, required refuses one that does "
        "not, never sends in clear. A password leaves this machine encrypted only.",
    )
    timeout: float = Field(
        10.0,
        gt=0,
        le=300,
        description="Seconds until the server must be ready for a mail; a slower one is tried later.",
    )
    answer_timeout: float = Field(
        120.0,
        gt=0,
        le=600,
        description="Seconds for the server to take a mail and answer; after that nobody knows whether it did, and the "
        "mail is given up.",
    )
    connections: int = Field(2, ge=1, le=20, description="Connections to the server at the same time.")
    sender: str = Field(
        "",
        description="Who mails are from, as Paperboy <papers@example.org>. Empty: paperboy@ and the host of "
        "web.public_url.",
    )
    bounces: str = Field(
        "",
        description="The address that mails come back to, as bounces@example.org; each mail adds +token before the @, "
        "and docs/decisions/0015-mail.md says where to pass them on. Empty: to the sender.",
    )
    unsubscribe: str = Field(
        "", description="An address whose inbox somebody reads, for mail programs that unsubscribe by mail only."
    )

    @field_validator("sender", "bounces", "unsubscribe")
    @classmethod
    def _mail_address(cls, value: str, info: Any) -> str:
        if not value.strip():
            return ""
        if not value.isprintable():
            raise ValueError("holds signs that can't be shown")
        name, address = parseaddr(value) if info.field_name == "sender" else ("", value)
        address = read_address(address)
        if info.field_name == "bounces" and len(address.partition("@")[0]) > _LONGEST_BEFORE_TOKEN:
            raise ValueError(
                f"has more than {_LONGEST_BEFORE_TOKEN} characters before the @: a token must fit there too"
            )
        return formataddr((name, address)) if name else address

    @field_validator("smtp_url")
    @classmethod
    def _server(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value().strip()
        if text and not re.fullmatch(
            r"smtps?://(?:[^\s/@:]+(?::[^\s/@]*)?@)?(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?/?", text
        ):
            raise ValueError("is no address like smtp://user:password@mail.example.org:587")
        return SecretStr(text)


class WebSettings(Section):
    """The web server, for the page and for what Slack sends over HTTP; a proxy before it speaks HTTPS."""

    host: str = Field("127.0.0.1", description="The address it listens on.")
    port: int = Field(8080, ge=0, le=65535, description="The port it listens on; 0 is any free one.")
    page: bool = Field(True, description="Serve the page: the day's papers, search, feeds.")
    public_url: str = Field(
        "",
        description="The address at which others reach the page, as https://papers.example.org: links in chat, feeds "
        "and mails begin with it. Empty: http://host:port.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Who sends it as a bearer token may read /metrics. Empty: only this machine, and nobody where "
        "public_url is set.",
    )
    trusted_proxies: Texts = Field(
        ("127.0.0.1", "::1"),
        description="Proxies before the server, as addresses or networks: their X-Forwarded-For tells the client's "
        "address.",
    )

    requests_per_minute: int = Field(
        600,
        ge=0,
        le=1_000_000,
        description="Requests that one client may send in a minute, 0 for any number. What Slack sends is not counted. "
        "Clients behind a proxy count as one, unless trusted_proxies names it.",
    )

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?", value):
            raise ValueError("is no address like https://papers.example.org")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network, strict=False)
            except ValueError:
                raise ValueError("holds what is neither an address nor a network like 10.0.0.0/8") from None
        return value


class ScheduleSettings(Section):
    """How often the bot looks for work that is due."""

    tick_seconds: float = Field(5.0, gt=0, le=60, description="Seconds between two looks at whose hour has come.")


class ClockSettings(Section):
    """The bot's clock."""

    start: AwareDatetime | None = Field(
        None, description="The demo begins at this instant.", examples=["2025-11-03T08:30:00Z"]
    )


class LogSettings(Section):
    """What is logged, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error.")
    format: Literal["auto", "text", "json"] = Field("auto", description="auto: text on a terminal, JSON otherwise.")
