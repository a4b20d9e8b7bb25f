"""A platform is a folder and one line in the registry; so no other file names one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.operate.check import check_all
from bot.operate.run import environment_of
from bot.platforms import registry
from bot.platforms.registry import build_platforms, how_to_set_up, platform_sections
from bot.settings import Settings, SettingsError, load
from bot.store.database import Store
from bot.store.leases import Leases
from bot.web.server import Served
from tests.platforms.postcards import POSTCARDS


@pytest.fixture(autouse=True)
def _one_line_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PLATFORMS", (*registry.PLATFORMS, POSTCARDS))


def settings_with(folder: Path, **values: str) -> Settings:
    environ = {"PAPERBOY_DATA_DIR": str(folder)} | {
        f"PAPERBOY_POSTCARDS__{name.upper()}": value for name, value in values.items()
    }
    return load(None, environ, platform_sections())


async def test_a_new_platform_is_built_from_its_own_settings(tmp_path: Path, sqlite_store: Store) -> None:
    platforms = await build_platforms(
        environment_of(settings_with(tmp_path, stamp="penny black"), sqlite_store, Leases(sqlite_store))
    )
    assert list(platforms) == ["postcards"]
    assert platforms["postcards"].stamp == "penny black"  # type: ignore[attr-defined]
    assert isinstance(platforms["postcards"], Served)
    unset = environment_of(settings_with(tmp_path), sqlite_store, Leases(sqlite_store))
    assert await build_platforms(unset) == {}


def test_its_settings_are_known_and_its_secrets_are_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "paperboy.toml"
    file.write_text('[postcards]\nstmp = "x"\n')
    with pytest.raises(SettingsError, match=r"no setting postcards\.stmp.* Did you mean postcards\.stamp\?"):
        load(file, {}, platform_sections())
    with pytest.raises(SettingsError, match="no setting PAPERBOY_POSTCARDS__OFICE"):
        settings_with(tmp_path, ofice="x")
    file.write_text("[postcards]\nstamp = 19700101\noffice = 7\n")
    with pytest.raises(SettingsError) as caught:
        load(file, {}, platform_sections())
    assert "19700101" not in str(caught.value)
    assert "postcards.office" in str(caught.value)


async def test_paperboy_check_looks_at_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.operate.check._SECONDS", 0.2)
    assert await check_all(settings_with(tmp_path, stamp="penny black"), as_json=True) == 1
    [check] = [each for each in json.loads(capsys.readouterr().out)["checks"] if each["name"] == "postcards stamp"]
    assert (check["ok"], check["mend"]) == (False, "Buy another one.")


def test_who_has_set_up_none_is_told_of_it() -> None:
    assert ", for postcards PAPERBOY_POSTCARDS__STAMP; docs/README.md" in how_to_set_up()
