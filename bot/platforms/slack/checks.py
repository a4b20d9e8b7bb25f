"""The checks of `paperboy check` for Slack: the tokens, their scopes, and the bot's channels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.model.messages import Place, PlaceKind
from bot.platforms.slack.api import SlackApi, translate_errors
from bot.platforms.slack.listeners import EVENTS
from bot.platforms.slack.scopes import SCOPES
from bot.platforms.slack.sockets import MOST, SOCKET, TOO_MANY
from bot.platforms.slack.workspaces import Workspaces
from bot.ports.installations import Installations
from bot.ports.platform import Check, Finding, NotAccepted, PlatformError, Uncertain
from bot.ports.processes import Leases

_NAMED = 10
_PAGE = 200
_MENDS = {
    "not_allowed_token_type": "That is another kind of token: the bot's begins with xoxb-, the app's with xapp-.",
    "account_inactive": "The app was removed from the workspace: install it again, and set the new token.",
    "token_revoked": "Install the app again (api.slack.com/apps → your app → Install App), and set the new token.",
    "token_expired": "Install the app again (api.slack.com/apps → your app → Install App), and set the new token.",
    "invalid_auth": "Copy the token once more from api.slack.com/apps → your app, as docs/install-slack.md says.",
    "not_authed": "Copy the token once more from api.slack.com/apps → your app, as docs/install-slack.md says.",
    "connections:write": "Make a new app-level token with the scope connections:write (Basic Information → "
    "App-Level Tokens), and set it as slack.app_token.",
    "can't be reached": "Look at the network, its proxy, and slack.api_url.",
    "was lost": "Look at the network, its proxy, and slack.api_url.",
    "ratelimited": "Try again in a minute.",
    "asked to leave": "Try again in a minute.",
    "not installed in": "The token is of another workspace than these channels: install the app there, or set its "
    "token.",
}
"""How to mend an error, by a part of its text."""


def workspace_checks(
    workspaces: Workspaces, workspace_id: str, places: Sequence[Place], lost: Sequence[Place] = ()
) -> list[Check]:
    """The checks of one workspace. `places` are the channels that the bot serves there, `lost` the ones that it was
    removed from."""
    named = f" {workspace_id}" if workspace_id else ""
    return [
        Check(f"slack{named} bot token", partial(_token, workspaces, workspace_id)),
        Check(f"slack{named} scopes", partial(_scopes, workspaces, workspace_id)),
        Check(f"slack{named} channels", partial(_channels, workspaces, workspace_id, places, lost)),
    ]


def app_token_check(api: SlackApi, app_token: str) -> Check:
    """The check of the app-level token of Socket Mode."""
    return Check("slack app token", partial(_app_token, api, app_token))


def sockets_check(leases: Leases) -> Check:
    """The check that one more process could listen over Socket Mode."""
    return Check("slack connections", partial(_sockets, leases))


async def _sockets(leases: Leases) -> Finding:
    in_use = len(await leases.taken(SOCKET))
    if in_use >= MOST:
        return Finding(f"{TOO_MANY}.", "Let further processes work as `paperboy worker`, which needs none.")
    return Finding(mend=f"{in_use} of {MOST} are in use, one for each `paperboy run`." if in_use > 1 else "")


def installations_check(installations: Installations) -> Check:
    """The check that at least one workspace has installed the bot."""
    return Check("slack installations", partial(_installations, installations))


async def _installations(installations: Installations) -> Finding:
    if await installations.alive():
        return Finding()
    return Finding(mend="No workspace has it yet: open /slack/install under the address that Slack calls.")


async def _token(workspaces: Workspaces, workspace_id: str) -> Finding:
    try:
        await _auth(workspaces, workspace_id)
    except PlatformError as error:
        return _finding(error)
    return Finding()


async def _auth(workspaces: Workspaces, workspace_id: str) -> AsyncSlackResponse:
    api = (await workspaces.get(workspace_id)).api
    with translate_errors():
        return await api.reader.auth_test()


async def _scopes(workspaces: Workspaces, workspace_id: str) -> Finding:
    """Check the token's scopes, which Slack names in the header `x-oauth-scopes` of every answer."""
    try:
        answer = await _auth(workspaces, workspace_id)
    except PlatformError as error:
        return Finding(mend=f"They can't be seen: {error}.", seen=False)
    header = next((value for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"), None)
    if header is None:
        return Finding(mend="Slack did not tell them.", seen=False)
    granted = {scope.strip() for scope in header.split(",")}
    missing = [f"{scope} ({why})" for scope, why in SCOPES.items() if scope not in granted]
    if not missing:
        return Finding()
    return Finding(
        f"Missing: {', '.join(missing)}.",
        "Paste config/slack-manifest.yaml into your app's App Manifest, save, and install the app again.",
    )


async def _channels(
    workspaces: Workspaces, workspace_id: str, places: Sequence[Place], lost: Sequence[Place]
) -> Finding:
    """Check that the bot is still in each of its channels, and that none is archived. Channels that it was removed from
    are no error."""
    rooms = [place for place in places if place.kind is PlaceKind.CHANNEL]
    removed = [place for place in lost if place.kind is PlaceKind.CHANNEL]
    hint = f"It can't post in {_names(removed)} any more; all is kept, and `/invite` brings it back." if removed else ""
    if not rooms:
        return Finding(mend=hint or "It serves none yet: `/invite` it into one.")
    try:
        joined = await _joined((await workspaces.get(workspace_id)).api)
    except PlatformError as error:
        return Finding(mend=f"They can't be seen: {error}.", seen=False)
    left = [place for place in rooms if place.address not in joined]
    archived = [place for place in rooms if joined.get(place.address)]
    if not (left or archived):
        return Finding(mend=hint)
    problems = [f"The bot is no longer in {_names(left)}."] if left else []
    problems += [f"Archived: {_names(archived)}."] if archived else []
    return Finding(
        " ".join(problems), "`/invite` the bot again, or unarchive; until then nothing comes, and nothing is lost."
    )


async def _joined(api: SlackApi) -> dict[str, bool]:
    """The addresses of the channels that the bot is in, and whether each is archived."""
    joined: dict[str, bool] = {}
    cursor = ""
    while True:
        with translate_errors():
            page = await api.reader.users_conversations(
                types="public_channel,private_channel", limit=_PAGE, cursor=cursor or None
            )
        joined |= {str(room.get("id")): bool(room.get("is_archived")) for room in page.get("channels") or []}
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return joined


async def _app_token(api: SlackApi, token: str) -> Finding:
    """Check the token by asking for the address of a connection, which opens none
    (docs.slack.dev/reference/methods/apps.connections.open)."""
    try:
        with translate_errors():
            await api.reader.apps_connections_open(app_token=token)
    except PlatformError as error:
        if "missing_scope" in str(error):
            return Finding("It may not open connections.", _MENDS["connections:write"])
        if isinstance(error, NotAccepted | Uncertain):  # Slack said nothing of the token
            finding = _finding(error)
            return Finding(mend=f"It can't be seen: {finding.problem} {finding.mend}".rstrip(), seen=False)
        return _finding(error)
    return Finding()


async def _events() -> Finding:
    return Finding(
        mend="Slack does not tell which ones it sends. In your app's Event Subscriptions there must be "
        f"{', '.join(EVENTS)}; config/slack-manifest.yaml has them all.",
        seen=False,
    )


EVENTS_CHECK = Check("slack events", _events)
"""A reminder: Slack's API does not show which events are sent."""


def _finding(error: PlatformError) -> Finding:
    return Finding(f"{error}.", next((mend for part, mend in _MENDS.items() if part in str(error)), ""))


def _names(places: Sequence[Place]) -> str:
    rest = len(places) - _NAMED
    return ", ".join(f"#{place.name or place.address}" for place in places[:_NAMED]) + (
        f" and {rest} more" if rest > 0 else ""
    )
