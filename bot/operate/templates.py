"""The files that an operator copies and fills in: settings, tokens, manifests of the Slack app, and what keeps the bot
running."""

from __future__ import annotations

from pathlib import Path

import bot
from bot.operate.output import UsageError

TEMPLATES = {
    "settings": "paperboy.toml",
    "env": "paperboy.env",
    "slack": "slack-manifest.yaml",
    "slack-http": "slack-manifest-http.yaml",
    "systemd": "paperboy.service",
    "caddy": "Caddyfile",
    "nginx": "nginx.conf",
    "alerts": "prometheus-alerts.yaml",
    "grafana": "grafana-dashboard.json",
}
"""The file of each template, by the name that `paperboy template` takes."""


def template(name: str) -> str:
    """The text of a template. Raises UsageError if there is none of that name."""
    if name not in TEMPLATES:
        question = f"There is no template {name!r}." if name else "Which template?"
        raise UsageError(f"{question} They are {', '.join(TEMPLATES)}.")
    package = Path(bot.__file__).parent
    # A wheel holds the folder inside the package; a checkout has it beside the package.
    folder = package / "config" if (package / "config").is_dir() else package.parent / "config"
    return (folder / TEMPLATES[name]).read_text("utf-8")
