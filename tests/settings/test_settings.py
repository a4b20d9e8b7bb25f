from __future__ import annotations

import contextlib
import os
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings import SettingsError, describe, load, sections
from bot.settings.file import settings_file

ROOT = Path(__file__).parents[2]


def written(folder: Path, text: str) -> Path:
    file = folder / "paperboy.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_settings_file_changes_nothing_as_it_stands() -> None:
    assert load(ROOT / "config" / "paperboy.toml", {}) == load(None, {})


def test_every_setting_in_the_file_is_shown_with_its_default(tmp_path: Path) -> None:
    uncommented = re.sub(r"^#(?=[a-z_]+ = )", "", settings_file(), flags=re.MULTILINE)
    shown = load(written(tmp_path, uncommented), {}).model_dump()
    default = load(None, {}).model_dump()
    assert shown.pop("data_dir") == Path("/var/lib/paperboy")
    assert shown.pop("clock")["start"] is not None
    assert shown == {name: value for name, value in default.items() if name not in ("data_dir", "clock")}


def test_every_setting_and_section_says_what_it_means() -> None:
    assert all(setting.meaning.endswith(".") for setting in describe())
    assert all(meaning.endswith(".") for meaning in sections().values())


def test_every_setting_is_used_by_the_code() -> None:
    code = "\n".join(file.read_text("utf-8") for file in (ROOT / "bot").rglob("*.py") if file.parent.name != "settings")
    unused = [one.name for one in describe() if not re.search(rf"\.{one.name.rpartition('.')[2]}\b", code)]
    assert unused == ["database_url"], "which is used through store_url"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, '[digest]\nhour = "07:00"\ncount = 3\n')
    both = load(file, {"PAPERBOY_DIGEST__HOUR": "08:30"})
    assert (both.digest.hour, both.digest.count) == ("08:30", 3)


def test_the_parameters_of_an_estimator_are_a_table_or_json_with_names_of_their_own(tmp_path: Path) -> None:
    file = written(tmp_path, '[taste]\nestimator = "sklearn.svm.SVC"\n[taste.parameters]\nC = 3.0\nkernel = "rbf"\n')
    assert load(file, {}).taste.parameters == {"C": 3.0, "kernel": "rbf"}
    assert load(file, {"PAPERBOY_TASTE__PARAMETERS": '{"C": 1}'}).taste.parameters == {"C": 1}
    assert load(None, {"PAPERBOY_TASTE__PARAMETERS": ""}).taste.parameters == {}
    for wrong in ("C=3", "[1]", "[" * 5_000):
        with pytest.raises(SettingsError, match=r"taste\.parameters"):
            load(None, {"PAPERBOY_TASTE__PARAMETERS": wrong})
    with pytest.raises(SettingsError, match=r"no setting taste\.parameter\.C\. Did you mean taste\.parameters\?"):
        load(written(tmp_path, "[taste.parameter]\nC = 3.0\n"), {})


def test_a_variable_names_the_settings_file(tmp_path: Path) -> None:
    file = written(tmp_path, "[digest]\ncount = 2\n")
    assert load(None, {"PAPERBOY_CONFIG": str(file)}).digest.count == 2


def test_only_the_environment_that_is_given_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PAPERBOY_DIGEST__COUNT", "9")
    assert load(None, {}).digest.count == 5
    assert load(None).digest.count == 9


@pytest.mark.parametrize("value", ["cs.LG,stat.ML", " cs.LG , stat.ML ,", '["cs.LG", "stat.ML"]'])
def test_a_list_in_the_environment_is_written_as_people_write_lists(value: str) -> None:
    assert load(None, {"PAPERBOY_SOURCES__ARXIV__CATEGORIES": value}).sources.arxiv.categories == ("cs.LG", "stat.ML")


def test_names_of_the_contract_are_settings(tmp_path: Path) -> None:
    text = """
        data_dir = "~/papers"
        database_url = "postgresql://user@host/name"
        [sources.huggingface]
        url = "http://127.0.0.1:1/a"
        [sources.arxiv]
        url = "http://127.0.0.1:1/b"
        rss_url = "http://127.0.0.1:1/c"
        [clock]
        start = 2026-03-02T08:00:00Z
    """
    read = load(written(tmp_path, text), {})
    assert read.data_dir == Path.home() / "papers"
    assert read.store_url == "postgresql://user@host/name"
    assert (read.sources.arxiv.rss_url, read.clock.start is None) == ("http://127.0.0.1:1/c", False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[digest]\nhuor = '9'", "there is no setting digest.huor. Did you mean digest.hour?"),
        ("[digst]\nhour = '9'", "there is no setting digst.hour. Did you mean digest.hour?"),
        ("[nonsense]", "there is no setting nonsense."),
        ("digest = 5", "digest: input should be"),
        ("[digest]\nhour = 'dawn'", "digest.hour: “dawn” is no time of day"),
        ("[digest]\nzone = 'Mars'", "digest.zone: is not an IANA time zone"),
        ('[slack]\ncommand = "papers"', "slack.command: does not read like /papers (it is 'papers')"),
        ("[slack]\nmanagers = ['@ada']", "slack.managers: holds what is no member's id like U012ABCDEF"),
        ("[digest]\ncount = 0", "digest.count: input should be greater than or equal to 1 (it is 0)"),
        ("[digest]\nbar = 'high'", "digest.bar: "),
        ("[sources]\nevery_minutes = [1]", "sources.every_minutes: "),
        ("[clock]\nstart = '2026-03-02T08:00:00'", "clock.start: "),
        ("[digest\nhour", "is not TOML"),
        ("a = " + "[" * 5_000, "is not TOML"),
    ],
)
def test_a_wrong_settings_file_is_refused_with_advice(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)) as refused:
        load(written(tmp_path, text), {})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("PAPERBOY_DIGEST__HUOR", "Did you mean PAPERBOY_DIGEST__HOUR?"),
        ("paperboy_data_dri", "Did you mean PAPERBOY_DATA_DIR?"),
        ("PAPERBOY_XYZZY", "There is no setting PAPERBOY_XYZZY."),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_known(name: str, told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(None, {name: "1"})
    assert str(refused.value).endswith(told)


def test_a_wrong_list_in_the_environment_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"sources\.feeds: is neither a list"):
        load(None, {"PAPERBOY_SOURCES__FEEDS": '["http://a'})


@pytest.mark.parametrize("kind", ["missing", "folder", "bytes"])
def test_an_unreadable_settings_file_is_refused(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "paperboy.toml"
    if kind == "folder":
        file.mkdir()
    elif kind == "bytes":
        file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=re.escape(str(file))):
        load(file, {})


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    file = written(tmp_path, 'database_url = ["postgresql://bot:hunter2@db/papers"]')
    with pytest.raises(SettingsError) as refused:
        load(file, {})
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"
    assert "hunter2" not in repr(load(None, {"PAPERBOY_DATABASE_URL": "postgresql://bot:hunter2@db/papers"}))


@given(st.text(max_size=200))
def test_any_text_is_a_valid_settings_file_or_raises_settings_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "hostile.toml"
    file.write_text(text, "utf-8", errors="replace")
    try:
        tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError:
        with pytest.raises(SettingsError, match="is not TOML"):
            load(file, {})
    else:
        with contextlib.suppress(SettingsError):
            assert load(file, {}) == load(None, {})


def test_a_token_is_kept_secret_and_has_to_be_of_its_kind() -> None:
    kept = load(None, {"PAPERBOY_SLACK__BOT_TOKEN": " xoxb-hunter2 ", "PAPERBOY_SLACK__APP_TOKEN": "xapp-hunter2"})
    assert kept.slack.bot_token.get_secret_value() == "xoxb-hunter2"
    assert "hunter2" not in repr(kept)
    with pytest.raises(SettingsError, match=r"slack\.app_token: .* begins with xapp-") as refused:
        load(None, {"PAPERBOY_SLACK__APP_TOKEN": "xoxb-hunter2"})
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"
