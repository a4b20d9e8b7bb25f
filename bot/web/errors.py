"""The pages that say what is wrong with a request."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.web.templates import Templates, html_response

_TITLES = {
    HTTPStatus.BAD_REQUEST: "That request is not right",
    HTTPStatus.NOT_FOUND: "There is no such page",
    HTTPStatus.METHOD_NOT_ALLOWED: "That is not possible here",
    HTTPStatus.GONE: "This is gone",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "That is too much",
    HTTPStatus.REQUEST_URI_TOO_LONG: "That address is too long",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not now",
}
_TEXTS = {
    HTTPStatus.NOT_FOUND: "Perhaps a link was cut off. The latest papers and the search are one step away.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that kind of request.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "A request here may have a megabyte at most.",
    HTTPStatus.TOO_MANY_REQUESTS: "Wait a moment, then try again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Wait a moment, then try again.",
}


class PageError(Exception):
    """A request that can't be answered as asked. The text says what is wrong and how to mend it; `status` is 4xx or
    503, `headers` are added to the answer."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers or {}


def error_pages(templates: Templates) -> Middleware:
    """The middleware that answers a `PageError`, and an error of aiohttp's, with a page. A client that does not ask for
    HTML gets one line of text."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except PageError as error:
            status, text, headers = error.status, str(error), error.headers
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            status, headers = error.status, {n: v for n, v in error.headers.items() if n in ("Allow", "Retry-After")}
            text = _TEXTS.get(HTTPStatus(status), "")
        answer = _answer(templates, request, status, text)
        answer.headers.update({"Cache-Control": "no-store", **headers})
        return answer

    return middleware


def _answer(templates: Templates, request: web.Request, status: int, text: str) -> web.Response:
    phrase = HTTPStatus(status).phrase
    if "text/html" not in request.headers.get("Accept", ""):
        return web.Response(status=status, text=f"{text or phrase}\n")
    title = _TITLES.get(HTTPStatus(status), phrase)
    return html_response(templates.render("error.html", title=title, text=text), status)
