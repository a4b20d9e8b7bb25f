"""Links to bioRxiv, medRxiv and OpenReview name one paper, in whatever form and version people copy them."""

from __future__ import annotations

import pytest

from recommender.paper import Paper, canonical_id, find_doi, identities, openreview_id, same

BIORXIV = "10.1101/2026.01.02.123456"
OPENRXIV = "10.64898/2026.06.11.731775"


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        (BIORXIV, BIORXIV),
        (f"{BIORXIV}v2", BIORXIV),
        (f"doi:{BIORXIV}v12", BIORXIV),
        (f"https://doi.org/{OPENRXIV}v1", OPENRXIV),
        (f"https://www.biorxiv.org/content/{BIORXIV}v2.full.pdf", BIORXIV),
        (f"https://www.biorxiv.org/content/{BIORXIV}v2.full.pdf+html", BIORXIV),
        (f"http://biorxiv.org/content/{BIORXIV}v1?rss=1", BIORXIV),
        (f"https://www.biorxiv.org/content/{BIORXIV}", BIORXIV),
        (f"biorxiv.org/content/{BIORXIV}.abstract", BIORXIV),
        ("https://www.biorxiv.org/content/10.1101/336644v3#comments", "10.1101/336644"),
        (f"https://www.biorxiv.org/content/{OPENRXIV}v1.full", OPENRXIV),
        ("https://www.medrxiv.org/content/10.1101/2020.02.25.20021568v2.full-text", "10.1101/2020.02.25.20021568"),
        ("https://www.medrxiv.org/content/10.1101%2F2020.02.25.20021568v2", "10.1101/2020.02.25.20021568"),
        (f"https://api.biorxiv.org/details/biorxiv/{BIORXIV}/na/json", BIORXIV),
        # The number alone: links of feeds, of the oldest PDFs, and as people write it.
        ("http://biorxiv.org/cgi/content/short/2023.01.02.522333v1?rss=1", "10.1101/2023.01.02.522333"),
        ("https://www.biorxiv.org/cgi/content/short/2026.01.02.123456v2", BIORXIV.replace("10.1101", "10.64898")),
        ("https://www.biorxiv.org/content/early/2018/07/20/336644", "10.1101/336644"),
        ("https://www.biorxiv.org/content/biorxiv/early/2018/07/20/336644.full.pdf", "10.1101/336644"),
        (
            "https://www.medrxiv.org/content/medrxiv/early/2025/12/03/2025.12.01.25341362.full.pdf",
            "10.64898/2025.12.01.25341362",
        ),
        ("biorxiv:2025.11.30.123456v2", "10.1101/2025.11.30.123456"),
        ("bioRxiv 336644", "10.1101/336644"),
        ("bioRxiv 336644 neurons", None),
        ("https://notbiorxiv.org/cgi/content/short/336644", None),
        # Journals of the same publisher have letters in their DOIs, and a "v2" of other publishers is part of the name.
        ("10.1101/gr.277663.123", "10.1101/gr.277663.123"),
        ("10.5281/zenodo.1234567v2", "10.5281/zenodo.1234567v2"),
        (f"https://u@biorxiv.org/content/{BIORXIV}", None),
        (f"https://notbiorxiv.org/content/{BIORXIV}", None),
        ("https://www.biorxiv.org/content/early/recent", None),
    ],
)
def test_a_page_of_a_preprint_is_its_doi_without_the_version(text: str, doi: str | None) -> None:
    assert find_doi(text) == doi
    assert canonical_id(text) == (f"doi:{doi}" if doi else text)


@pytest.mark.parametrize(
    ("text", "forum"),
    [
        ("https://openreview.net/forum?id=Ab1_cD2-eF", "Ab1_cD2-eF"),
        ("https://openreview.net/pdf?id=Ab1_cD2-eF", "Ab1_cD2-eF"),
        ("openreview.net/forum?id=Ab1_cD2-eF&noteId=Zz9", "Ab1_cD2-eF"),
        ("https://openreview.net/forum?referrer=%5BHome%5D&id=Ab1_cD2-eF#discussion", "Ab1_cD2-eF"),
        ("https://openreview.net/attachment?id=Ab1_cD2-eF&name=pdf", "Ab1_cD2-eF"),
        ("openreview:Ab1_cD2-eF", "Ab1_cD2-eF"),
        ("https://openreview.net/group?id=ICLR.cc/2027/Conference", None),
        ("https://openreview.net/profile?id=~Ada_Moreau1", None),
        ("https://openreview.net/forum?noteid=Ab1_cD2-eF", None),
        ("https://openreview.net/forum?id=", None),
        ("https://openreview.net@evil.example/forum?id=Ab1_cD2-eF", None),
    ],
)
def test_a_forum_and_its_pdf_are_one_paper(text: str, forum: str | None) -> None:
    assert openreview_id(text) == forum
    assert canonical_id(text) == (f"openreview:{forum}" if forum else text)


def test_two_versions_are_one_paper_and_two_preprints_are_two() -> None:
    title = "A title long enough to tell two papers apart"
    first, second = (
        Paper(f"doi:{BIORXIV}", title),
        Paper("x", "Another title, of the second version", doi=f"{BIORXIV}v2"),
    )
    assert set(identities(first)) & set(identities(second)) == {f"doi:{BIORXIV}"}
    assert same(first, second)
    assert not same(first, Paper(f"doi:{OPENRXIV}", title))
