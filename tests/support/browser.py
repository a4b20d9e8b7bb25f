"""A real Chromium for the tests of pages, and what a page has to be in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE, DESK = (390, 844), (1280, 900)


def chromium() -> str:
    """The path of the Chromium that `make` or the PATH names. Where there is none, the test is skipped."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), "")
    if not path:
        pytest.skip("There is no Chromium: `apt install chromium`, or `make unit` as root installs it.")
    return path


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """A Chromium without a window."""
    path = chromium()
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # root has no sandbox
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        await browser.close()


@dataclass(frozen=True)
class Look:
    """How a reader's device shows pages: its width and height in pixels, and whether in light or dark."""

    size: tuple[int, int]
    scheme: str

    @asynccontextmanager
    async def page(self, browser: Browser, *, scripts: bool = True) -> AsyncIterator[Page]:
        """A tab. What a page breaks of its own rules (CSP), or fails to load, ends the test."""
        context = await browser.new_context(
            viewport={"width": self.size[0], "height": self.size[1]},
            color_scheme="dark" if self.scheme == "dark" else "light",
            java_script_enabled=scripts,
        )
        page = await context.new_page()
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("requestfailed", lambda request: troubles.append(request.url))
        try:
            yield page
        finally:
            await context.close()
        assert not troubles

    def __str__(self) -> str:
        return f"{'phone' if self.size == PHONE else 'desk'} in {self.scheme}"


LOOKS = [Look(size, scheme) for size in (PHONE, DESK) for scheme in ("light", "dark")]


async def accessibility_problems(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA, each with the elements that have it."""
    options = {"runOnly": {"type": "tag", "values": _WCAG}, "resultTypes": ["violations"]}
    results = await Axe().run(page, options=options)
    return [
        f"{page.url}: {violation['id']}: {violation['help']}: {[node['html'] for node in violation['nodes'][:3]]}"
        for violation in results.response["violations"]
    ]


async def is_wider_than_the_screen(page: Page) -> bool:
    """Whether a reader has to scroll sideways."""
    return bool(await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
