"""The files under config/ that run the bot as a service name what exists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot import cli, metrics
from bot.settings import load

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"
FILES = ("Containerfile", "compose.yaml", "paperboy.service", "Caddyfile", "nginx.conf")


def text(name: str) -> str:
    return (CONFIG / name).read_text("utf-8")


@pytest.mark.parametrize("name", FILES)
def test_its_variables_are_settings(name: str) -> None:
    samples = {"DATA_DIR": "/data", "WEB__HOST": "0.0.0.0", "DATABASE_URL": "postgresql://a@b/c"}
    samples |= {"ENCRYPTION_KEYS": "", "WEB__PUBLIC_URL": "https://papers.example.org"}
    variables = set(re.findall(r"PAPERBOY_([A-Z_]+)", text(name)))
    assert variables <= samples.keys()
    load(None, {f"PAPERBOY_{variable}": samples[variable] for variable in variables})


def test_the_container_copies_what_is_there_and_installs_what_is_locked() -> None:
    lines = text("Containerfile").splitlines()
    sources = [source for line in lines if re.match(r"COPY (?!--from)", line) for source in line.split()[1:-1]]
    assert sources
    assert all((ROOT / source).exists() for source in sources)
    assert "RUN scripts/install requirements.lock /opt/paperboy" in lines
    assert "USER 10001:10001" in lines


@pytest.mark.parametrize("name", ["Containerfile", "compose.yaml", "Caddyfile", "nginx.conf"])
def test_it_speaks_to_the_port_of_the_settings(name: str) -> None:
    assert f":{load(None, {}).web.port}" in text(name)


def test_compose_runs_two_bots_and_two_workers_on_one_database() -> None:
    services = dict(
        re.findall(r"^  (\w+):\n((?:    .*\n|\n)+)", text("compose.yaml").partition("\nservices:\n")[2], re.M)
    )
    assert set(services) == {"postgres", "paperboy", "second", "worker"}
    ours = {name: lines for name, lines in services.items() if name != "postgres"}
    assert all("<<: *paperboy" in lines for lines in ours.values()), "one database, one key, one set of tokens"
    assert [name for name, lines in ours.items() if "command: [worker]" in lines] == ["worker"]
    assert "replicas: 2" in ours["worker"]
    published = re.findall(r"- (127\.0\.0\.1:\d+):8080", "".join(ours.values()))
    assert len(set(published)) == 2, "each of the others serves the page, for this machine alone"
    assert "worker" in {command.callback.__name__ for command in cli.app.registered_commands if command.callback}


FAMILIES = {family.name: family.type for family in metrics.REGISTRY.collect()}


def families_of(expressions: str) -> set[str]:
    """The metrics that expressions ask for, without what Prometheus adds to the names of counters and histograms."""
    return {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in re.findall(r"paperboy_[a-z_]+", expressions)}


def test_alerts_ask_for_metrics_that_exist() -> None:
    asked = families_of("\n".join(re.findall(r"expr: (.*)", text("prometheus-alerts.yaml"))))
    assert asked
    assert asked <= FAMILIES.keys()


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    board = json.loads(text("grafana-dashboard.json"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert families_of(" ".join(expressions)) == FAMILIES.keys()
    for expression in expressions:
        for name, ending in re.findall(r"(paperboy_[a-z_]+?)(_total|_bucket|_count|)(?=[^a-z_])", expression):
            kinds = {"counter": {"_total"}, "histogram": {"_bucket", "_count"}, "gauge": {""}}
            assert ending in kinds[FAMILIES[name]], expression
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["description"] for panel in board["panels"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
def test_systemd_understands_the_service(tmp_path: Path) -> None:
    unit = tmp_path / "paperboy.service"
    # The program and its variables need not be on this machine.
    unit.write_text(
        re.sub(
            r"^EnvironmentFile=",
            "EnvironmentFile=-",
            text(unit.name).replace("/usr/local/bin/paperboy", "/bin/true"),
            flags=re.M,
        )
    )
    ran = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
