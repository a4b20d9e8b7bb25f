"""The pages about this Paperboy: how to get it, and what it stores."""

from __future__ import annotations

from aiohttp import web

from bot.page.context import PageContext


class AboutPages:
    """The route /install."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    @property
    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [web.get("/install", self._install)]

    async def _install(self, request: web.Request) -> web.Response:
        context = self._context
        return context.templates.page("install.html", here="install", invitations=context.invitations)
