"""The pages for installing the bot: begin, done, and what went wrong."""

from __future__ import annotations

from slack_bolt.response import BoltResponse

from bot.web.templates import Templates

INSTALL = "/slack/install"
_TEMPLATES = Templates("bot.platforms.slack")
_WENT_WRONG = {
    "access_denied": "Nothing was installed, because that was the answer in Slack.",
    "invalid_browser": "This browser did not begin the installation, or this page was loaded twice.",
    "invalid_state": "The installation took longer than ten minutes, or was finished before.",
    "missing_code": "Slack sent no code along.",
    "invalid_code": "Slack no longer takes this code: it holds for ten minutes, and for one use.",
    "no_answer": "Slack did not answer. Nothing was installed.",
    "org_wide": "Paperboy is installed workspace by workspace: choose one workspace instead of the whole organization.",
    "storage_error": "Slack agreed, but the installation could not be kept here; whoever runs this Paperboy finds the "
    "reason in its log.",
}


def begin(url: str) -> str:
    """The page with the install button, whose link leads to Slack."""
    return _TEMPLATES.render("begin.html", url=url)


def done(workspace: str, url: str) -> str:
    """The page after a successful installation. Its link leads back to Slack."""
    return _TEMPLATES.render("done.html", workspace=workspace, url=url)


def went_wrong(reason: str, status: int) -> BoltResponse:
    """The page after a failed installation, by Slack's or Bolt's name of the reason."""
    text = _WENT_WRONG.get(reason) or f"Slack says “{reason[:100]}”."
    return BoltResponse(
        status=status,
        headers={"Content-Type": "text/html; charset=utf-8"},
        body=_TEMPLATES.render("not_installed.html", reason=text, again=INSTALL),
    )
