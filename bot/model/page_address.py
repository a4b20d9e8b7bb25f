"""The address of the page, for everything that names it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class PageAddress:
    """The address at which members reach the page, without a slash at its end; "" while they reach none.

    It may become known only when the web server listens, so one value is shared by all who name the page.
    """

    url: str = ""
