"""The app's manifest, with the events that the code listens for. `bot/operate/slack_manifest.py` writes it to a
file."""

from __future__ import annotations

from bot.model.commands import Commands
from bot.platforms.slack.listeners import EVENTS
from bot.platforms.slack.scopes import SCOPES

_MANIFEST = """\
# Paste this into https://api.slack.com/apps → Create New App → From a manifest.
# Another app with the same command? Change `command` here, and slack.command in Paperboy's settings.
{note}display_information:
  name: Paperboy
  description: The few new papers this channel will like, every day
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true
    messages_tab_read_only_enabled: false
  bot_user:
    display_name: Paperboy
    always_online: true
  slash_commands:
    - command: {command}
{command_url}      description: Find papers, and say what this channel likes
      usage_hint: "help · federated learning · today"
      should_escape: false
  shortcuts:
{shortcuts}
oauth_config:
{redirect_urls}  scopes:
    bot:
{scopes}
settings:
  event_subscriptions:
{request_url}    bot_events:
{events}
  interactivity:
    is_enabled: true
{request_url}  org_deploy_enabled: false
  socket_mode_enabled: {socket}
  token_rotation_enabled: {rotation}
"""


def manifest(commands: Commands, command: str = "/papers", address: str = "") -> str:
    """The manifest as YAML: for Socket Mode, or for HTTP with the address under which Slack reaches the bot."""
    scopes = "\n".join(f"      - {scope} # {why}" for scope, why in SCOPES.items())
    events = "\n".join(f"      - {event}" for event in EVENTS)
    shortcuts = "\n".join(
        f"    - name: {menu.name}\n      type: message\n      callback_id: {name}\n"
        f"      description: {menu.description}"
        for name, menu in commands.menus().items()
    )
    events_url = f"{address}/slack/events"
    return _MANIFEST.format(
        command=command,
        shortcuts=shortcuts,
        scopes=scopes,
        events=events,
        note=f"# Put your own address in place of {address}, four times.\n" if address else "",
        command_url=f"      url: {events_url}\n" if address else "",
        request_url=f"    request_url: {events_url}\n" if address else "",
        redirect_urls=f"  redirect_urls:\n    - {address}/slack/oauth_redirect\n" if address else "",
        socket=str(not address).lower(),
        rotation=str(bool(address)).lower(),
    )
