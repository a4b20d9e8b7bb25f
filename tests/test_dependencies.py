from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_each_dependency_has_its_reason_and_no_other_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = [project["project"]["dependencies"], project["build-system"]["requires"]]
    groups += project["dependency-groups"].values()
    declared = {re.split(r"[^a-z0-9-]", wanted)[0] for group in groups for wanted in group}
    reasons = dict(re.findall(r"^\| ([a-z0-9-]+) \| (\S.{10,}) \|$", _told(), flags=re.MULTILINE))
    assert set(reasons) - {"package"} == declared


def test_locks_and_docs_name_no_package_index() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "docs/dependencies.md", "pyproject.toml"):
        assert "://" not in (ROOT / name).read_text("utf-8"), name


def _told() -> str:
    return (ROOT / "docs" / "dependencies.md").read_text("utf-8")
