"""Papers whose texts and links want to harm the readers of the page, or the page."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from recommender import Paper
from tests.page.conftest import Site

SCRIPT = '"><script>alert(1)</script>'
LINKS = [
    "https://[x",
    "https://[::1",
    "http://x]y/",
    "https://x.example:99999999999/",
    "https://x:y/",
    "https://:80/",
    "https://℀.example/",
    "https://x.example/\x01\x7f",
    "https://x.example/%0d%0aSet-Cookie:a=b",
    "https://x.example/'onmouseover='alert(1)",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
]
PATHS = ["/", "/week", "/month", "/trending", "/search?q=wombats", "/feeds/day.atom", "/feeds/search.atom?q=wombats"]


@pytest.mark.parametrize("url", LINKS)
async def test_no_link_of_a_paper_breaks_a_page_or_runs_a_script(site: Site, url: str) -> None:
    name = f"odd {SCRIPT}"
    hostile = Paper(
        id=name,
        title=f"On wombats and their burrows {SCRIPT}",
        abstract=f"We study wombats. <img src=x onerror=alert(1)> {SCRIPT} $\\href{{javascript:alert(1)}}{{x}}$",
        authors=(SCRIPT, 'O"Brien'),
        categories=(SCRIPT,),
        upvotes=3,
        organization=SCRIPT,
        url=url,
        pdf_url=url,
        code_url=url,
        project_url=url,
        discussion_url=url,
        source=SCRIPT,
    )
    await site.bot.list_papers([hostile])
    for path in [*PATHS, f"/paper/{quote(name)}"]:
        page = await site.get(path)
        assert page.status == 200, path
        assert "wombats" in page.text, path
        for harm in ("<script", "<img", 'href="javascript', 'href="data:text', " onmouseover="):
            assert harm not in page.text, (path, harm)
        assert "Set-Cookie" not in page.headers
