"""The pages for installing the bot: begin, done, and what went wrong."""

from __future__ import annotations

from html import escape

from slack_bolt.response import BoltResponse

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem; }}
a.go {{ display: inline-block; padding: .6rem 1.2rem; border-radius: .4rem; background: #4a154b; color: #fff;
  text-decoration: none; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""
_AGAIN = "/slack/install"
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
    return _page(
        "Paperboy for your workspace",
        "<p>Every day, each channel that invites Paperboy gets the few new research papers it will like; it learns "
        "from your emoji.</p>\n"
        f'<p><a class="go" href="{escape(url)}">Add to Slack</a></p>\n'
        "<p>Slack shows you what Paperboy may do there before you agree. It stores reactions to its own posts and what "
        "you tell it, never your messages.</p>",
    )


def done(workspace: str, url: str) -> str:
    """The page after a successful installation. Its link leads back to Slack."""
    return _page(
        "Paperboy is installed",
        f"<p>Welcome, {escape(workspace)}! Invite it to a channel with <code>/invite @Paperboy</code>, and it says "
        f'hello there.</p>\n<p><a class="go" href="{escape(url)}">Open Slack</a></p>',
    )


def went_wrong(reason: str, status: int) -> BoltResponse:
    """The page after a failed installation, by Slack's or Bolt's name of the reason."""
    text = _WENT_WRONG.get(reason) or f"Slack says “{reason[:100]}”."
    body = f'<p>{escape(text)}</p>\n<p><a class="go" href="{_AGAIN}">Begin again</a></p>'
    return BoltResponse(
        status=status,
        headers={"Content-Type": "text/html; charset=utf-8"},
        body=_page("Paperboy was not installed", body),
    )


def _page(title: str, body: str) -> str:
    return _PAGE.format(title=title, body=body)
