"""oauth.v2.access: installing with a code, and new tokens for refresh tokens, each good for one use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.slack.values import Json, Refused
from tests.fakes.slack.world import TOKEN_LIVES, Workspace

if TYPE_CHECKING:
    from tests.fakes.slack.server import FakeSlack


def access(slack: FakeSlack, args: Json) -> Json:
    """Give a token. Refused: invalid_client_id, bad_client_secret, invalid_code, invalid_refresh_token."""
    if args.get("client_id") != slack.client_id:
        raise Refused("invalid_client_id")
    if args.get("client_secret") != slack.client_secret:
        raise Refused("bad_client_secret")
    if args.get("grant_type") == "refresh_token":
        return _refreshed(slack, str(args.get("refresh_token")))
    for workspace in slack.workspaces.values():
        by = workspace.redeem(str(args.get("code")))
        if by is not None:
            return _given(workspace) | {"authed_user": {"id": by}}
    raise Refused("invalid_code")


def _refreshed(slack: FakeSlack, refresh_token: str) -> Json:
    for workspace in slack.workspaces.values():
        if refresh_token in workspace.refresh_tokens:
            workspace.refresh_tokens.discard(refresh_token)
            workspace.new_token()
            return _given(workspace)
    raise Refused("invalid_refresh_token")


def _given(workspace: Workspace) -> Json:
    told: Json = {
        "access_token": workspace.bot_token,
        "token_type": "bot",
        "scope": ",".join(sorted(workspace.scopes)),
        "bot_user_id": workspace.bot_user,
        "app_id": workspace.slack.app_id,
        "team": {"id": workspace.id, "name": workspace.name},
        "enterprise": {"id": workspace.organization, "name": "All of us"} if workspace.organization else None,
        "is_enterprise_install": bool(workspace.organization),
    }
    if workspace.rotates:
        lives = int(TOKEN_LIVES.total_seconds())
        told |= {"refresh_token": workspace.new_refresh_token(), "expires_in": lives}
    return told
