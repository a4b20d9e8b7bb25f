from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bot.operate.templates import TEMPLATES
from tests.support.operator import ROOT, Operator


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_prints_the_file_of_the_checkout(operator: Operator, name: str) -> None:
    ran = operator("template", name)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (ROOT / "config" / TEMPLATES[name]).read_text("utf-8")


@pytest.mark.parametrize("words", [[], ["kubernetes"]])
def test_template_names_the_templates_there_are(operator: Operator, words: list[str]) -> None:
    ran = operator("template", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "settings, env, slack, slack-http" in ran.err


def test_wheel_works_in_another_folder_and_holds_every_template(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name, file in TEMPLATES.items():
        # With -S the checkout that the environment knows is out of reach; the libraries are named by hand.
        libraries = [path for path in sys.path if "site-packages" in path]
        environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), *libraries])}
        command = [sys.executable, "-S", "-m", "bot", "template", name]
        printed = subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True).stdout
        assert printed == (ROOT / "config" / file).read_bytes()
    assert not any(path.name.startswith("test_") for path in site.rglob("*.py"))


def _env_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "paperboy.env"
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return file


def test_env_file_sets_variables_and_one_that_is_set_already_wins(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    file = _env_file(tmp_path, "# tokens\nexport PAPERBOY_DIGEST__HUOR='9'\nPAPERBOY_DIGEST__COUNT=3\n")
    os.environ["PAPERBOY_DIGEST__COUNT"] = "4"
    ran = operator("search", "x", "--env-file", file)
    assert (ran.code, "Did you mean PAPERBOY_DIGEST__HOUR?" in ran.err) == (2, True)
    assert os.environ["PAPERBOY_DIGEST__COUNT"] == "4"


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("none.env", "There is no file"),
        (".", "is not a file of variables"),
    ],
)
def test_env_file_that_is_no_file_is_wrong_use(operator: Operator, tmp_path: Path, file: str, problem: str) -> None:
    ran = operator("--env-file", tmp_path / file, "search", "x")
    assert (ran.code, problem in ran.err, len(ran.told)) == (2, True, 1)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_env_file_that_others_can_read_is_refused_with_the_mend(operator: Operator, tmp_path: Path) -> None:
    file = _env_file(tmp_path, "PAPERBOY_DISCORD__TOKEN=a.b.c", mode=0o640)
    ran = operator("--env-file", file, "search", "x")
    assert (ran.code, f"chmod 600 {file}" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# a\nPAPERBOY_X=1\nPAPERBOY_DISCORD__TOKEN secret\n", 3),
        ("PAPERBOY_X\n", 1),
        ('A="secret\nB=2\n', 1),
        ("=x", 1),
    ],
)
def test_a_line_of_an_env_file_that_is_no_variable_is_told_and_not_shown(
    operator: Operator, tmp_path: Path, text: str, line: int
) -> None:
    ran = operator("--env-file", _env_file(tmp_path, text), "search", "x")
    assert (ran.code, f"Line {line} of" in ran.err, "secret" in ran.err) == (2, True, False)


def test_env_file_that_is_not_text_is_refused(operator: Operator, tmp_path: Path) -> None:
    file = _env_file(tmp_path, "")
    file.write_bytes(b"PAPERBOY_X=\xff\xfe\n")
    ran = operator("--env-file", file, "search", "x")
    assert (ran.code, "is not UTF-8 text" in ran.err) == (2, True)
