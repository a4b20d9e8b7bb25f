"""The templates of pages: one environment, which escapes every value, and one layout.

A package with pages keeps them in its folder `templates`; they extend `base.html`, which is here. The style is one file
for all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache, cached_property
from importlib import resources
from typing import Any

from aiohttp import web
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

HAS_PAGE: ContextVar[bool] = ContextVar("has_page", default=True)
"""Whether the server of a request serves the page of papers. Where it does not, the layout has no links to it."""
_STYLE = "style.css"
_YEAR_SECONDS = 31_536_000


class Templates:
    """The templates of a package, with the layout that all share. A name that a template uses and nobody gave is an
    error, and no empty text."""

    def __init__(self, package: str, **shared_values: Any) -> None:
        loaders = [PackageLoader(name) for name in dict.fromkeys((package, "bot.web"))]
        self._environment = Environment(
            loader=ChoiceLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(style_url=style_url(), has_page=HAS_PAGE.get, **shared_values)

    @cached_property
    def version(self) -> str:
        """A hash of all templates. It changes when a page may look different."""
        loader = self._environment.loader
        assert loader is not None
        sources = [loader.get_source(self._environment, name)[0] for name in sorted(loader.list_templates())]
        return hashlib.sha256("".join([style_url(), *sources]).encode()).hexdigest()[:12]

    @property
    def filters(self) -> dict[str, Any]:
        """The functions that a template may apply to a value."""
        return self._environment.filters

    def render(self, name: str, **values: Any) -> str:
        """The text of a template with its values."""
        return self._environment.get_template(name).render(values)

    @cache  # noqa: B019 - there are a few templates, for as long as the program runs
    def macro(self, template: str, name: str) -> Callable[..., Markup]:
        """A macro of a template. It escapes its values as the template does."""
        found: Callable[..., Markup] = getattr(self._environment.get_template(template).module, name)
        return found

    def page(self, name: str, *, status: int = 200, **values: Any) -> web.Response:
        """The answer with a page."""
        return html_response(self.render(name, **values), status)


def html_response(page: str | bytes, status: int = 200) -> web.Response:
    """The answer with a finished page."""
    body = page.encode(errors="replace") if isinstance(page, str) else page  # a lone surrogate becomes a question mark
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def static_routes() -> list[web.RouteDef]:
    """The route of the style sheet. Its address changes with its content, so that a browser may keep it for ever."""
    return [web.get(style_url(), _style)]


@cache
def style_url() -> str:
    """The address of the style sheet, with a hash of its content."""
    return f"/static/{hashlib.sha256(_style_sheet()).hexdigest()[:12]}/{_STYLE}"


@cache
def _style_sheet() -> bytes:
    return resources.files("bot.web").joinpath("static", _STYLE).read_bytes()


async def _style(request: web.Request) -> web.Response:
    headers = {"Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable"}
    return web.Response(body=_style_sheet(), content_type="text/css", charset="utf-8", headers=headers)
