"""Writes the manifest of the Slack app.

`python -m bot.operate.slack_manifest > config/slack-manifest.yaml` writes the manifest for Socket Mode,
`python -m bot.operate.slack_manifest https://paperboy.example.org > config/slack-manifest-http.yaml` the one for HTTP.
"""

from __future__ import annotations

import sys

from bot.commands.registry import COMMANDS
from bot.platforms.slack.manifest import manifest

if __name__ == "__main__":
    sys.stdout.buffer.write(manifest(COMMANDS, address="".join(sys.argv[1:])).encode())
