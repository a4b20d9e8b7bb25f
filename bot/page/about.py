"""The pages about this Paperboy: how to get it, and what it stores."""

from __future__ import annotations

from aiohttp import web

from bot.page.context import PageContext
from bot.store.descriptions import DESCRIPTIONS, About

_HEADINGS = {
    About.PEOPLE: "About people",
    About.CHANNELS: "About channels and workspaces",
    About.PAPERS: "About papers and sources, where nobody is named but authors",
}


class AboutPages:
    """The routes /install and /privacy."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get("/install", self._install), web.get("/privacy", self._privacy)]

    async def _install(self, request: web.Request) -> web.Response:
        context = self._context
        return context.templates.page("install.html", here="install", invitations=context.invitations)

    async def _privacy(self, request: web.Request) -> web.Response:
        groups = [
            (about, heading, [(name, each) for name, each in DESCRIPTIONS.items() if each.about is about])
            for about, heading in _HEADINGS.items()
        ]
        return self._context.templates.page("privacy.html", here="privacy", groups=groups)
