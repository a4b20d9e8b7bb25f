"""The one direction of imports, as pyproject.toml writes it down: nothing runs upward, and no two modules need each
other. Imports for type checking count. And what is made from the code is as the code is."""

from __future__ import annotations

import ast
import runpy
import tomllib
from pathlib import Path

import grimp
import pytest

_ROOT = Path(__file__).parent.parent
_MADE = runpy.run_path(str(_ROOT / "scripts" / "reference"))["FILES"]


@pytest.fixture(scope="module", params=["bot", "recommender"])
def graph(request: pytest.FixtureRequest) -> tuple[str, grimp.ImportGraph]:
    return request.param, grimp.build_graph(request.param, cache_dir=None)


def layers(package: str) -> list[set[str]]:
    """The layers of a package from pyproject.toml, the highest first."""
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
    [contract] = [
        contract
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers" and contract["containers"] == [package]
    ]
    assert "ignore_imports" not in contract
    assert contract["exhaustive"]
    return [{f"{package}.{name.strip()}" for name in layer.split("|")} for layer in contract["layers"]]


def test_every_package_and_module_has_its_layer(graph: tuple[str, grimp.ImportGraph]) -> None:
    package, imports = graph
    assert imports.find_children(package) - {f"{package}.__main__"} == set().union(*layers(package))


def test_no_import_runs_upward(graph: tuple[str, grimp.ImportGraph]) -> None:
    package, imports = graph
    levels = [grimp.Layer(*layer, independent=True) for layer in layers(package)]
    assert imports.find_illegal_dependencies_for_layers(levels) == set()


def test_there_are_no_import_cycles(graph: tuple[str, grimp.ImportGraph]) -> None:
    _, imports = graph
    needed = {module: imports.find_modules_directly_imported_by(module) for module in imports.modules}
    # Modules that need nothing that is left are taken away; what remains needs each other.
    while free := {module for module, others in needed.items() if not others & needed.keys()}:
        needed = {module: others for module, others in needed.items() if module not in free}
    assert sorted(needed) == []


def test_the_fake_services_could_be_lifted_out() -> None:
    """They speak for Slack, Discord and PostgreSQL, whoever asks: nothing in them knows the product."""
    for file in (_ROOT / "tests" / "fakes").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            foreign = [name for name in names if name.split(".")[0] in ("bot", "recommender", "tests")]
            assert [name for name in foreign if not name.startswith("tests.fakes")] == [], file


@pytest.mark.parametrize("name", _MADE)
def test_what_is_made_from_the_code_is_as_the_code_is(name: str) -> None:
    assert (_ROOT / name).read_text("utf-8") == _MADE[name](), "`make reference` writes it anew"
