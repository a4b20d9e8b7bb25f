from __future__ import annotations

import pytest

from bot.platforms.slack.setup import slack_mode
from bot.settings import SettingsError, load

BOT, APP = {"PAPERBOY_SLACK__BOT_TOKEN": "xoxb-1"}, {"PAPERBOY_SLACK__APP_TOKEN": "xapp-1"}
SIGNING, ID = {"PAPERBOY_SLACK__SIGNING_SECRET": "s1gn"}, {"PAPERBOY_SLACK__CLIENT_ID": "1.2"}
SECRET = {"PAPERBOY_SLACK__CLIENT_SECRET": "c1ient"}
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.mark.parametrize(
    ("environ", "mode"),
    [({}, None), (BOT | APP, "socket"), (SIGNING | ID | SECRET, "http"), (dict.fromkeys(SIGNING | SECRET, " "), None)],
)
def test_the_tokens_say_how_slack_is_served(environ: dict[str, str], mode: str | None) -> None:
    assert slack_mode(load(None, environ).slack) == mode


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (BOT, r"two tokens, and slack.app_token \(xapp-…\) is missing"),
        (SIGNING, "three secrets, and slack.client_id and slack.client_secret are missing"),
        (SIGNING | SECRET, "slack.client_id is missing"),
        (BOT | APP | SIGNING, "set up twice"),
        (BOT | SIGNING | ID | SECRET, "set up twice"),
    ],
)
def test_half_a_setup_and_two_of_them_are_told_with_the_mend(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        slack_mode(load(None, environ).slack)
    assert not any(value in str(caught.value) for value in environ.values())


def test_keys_are_read_as_a_list() -> None:
    settings = load(None, {"PAPERBOY_ENCRYPTION_KEYS": f"{KEY},{KEY}"})
    assert settings.encryption_keys == (KEY, KEY)
    assert KEY not in repr(settings)


@pytest.mark.parametrize("key", ["hunter2", KEY[:-4], "ä" * 44, "!" * 44])
def test_what_is_no_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError, match="openssl rand -base64 32") as caught:
        load(None, {"PAPERBOY_ENCRYPTION_KEYS": key})
    assert key not in str(caught.value)
