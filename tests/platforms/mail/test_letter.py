"""Mails as values: their headers, their texts, and hostile papers in them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP, SMTPUTF8
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.model.messages import Card, Line, Link, Message
from bot.platforms.mail.envelope import Sender, composed, leaving_headers, message_id
from bot.platforms.mail.letter import LONGEST_TEXT, Letter, html_of, letter_of, plain_text_of
from bot.web.templates import Templates
from tests.platforms.conformance import CARD, HOSTILE

TEMPLATES = Templates("bot.platforms.mail")
PAGE = "https://papers.example.org"
SENDER = Sender(Address("Paperboy", addr_spec="papers@example.org"), "papers.example.org", "leave@example.org")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Id", "Precedence", "List-Unsubscribe",
    "List-Unsubscribe-Post", "Content-Type", "MIME-Version",
}  # fmt: skip
INJECTIONS = st.sampled_from(
    ["\r\nBcc: eve@example.org", "\nX: y", "\r\n\r\n<script>", "=?utf-8?q?=0d=0aBcc:_x?=", "=?", "?=", "\x00"]
)
TEXTS = st.lists(st.text(max_size=30) | INJECTIONS, max_size=6).map("".join)


def letter(message: Message) -> Letter:
    return letter_of(
        message, PAGE, f"{PAGE}/mail/off/T", lambda paper_id, title, value: f"{PAGE}/mail/vote/{value}", "Foot."
    )


def parsed(content: bytes) -> EmailMessage:
    message = BytesParser(policy=SMTP).parsebytes(content)
    assert isinstance(message, EmailMessage)
    return message


def mail(message: Message, key: str = "pbabc.1-0") -> bytes:
    return composed(letter(message), SENDER, "ada@example.org", key, NOW, TEMPLATES)


@given(title=TEXTS, text=TEXTS, key=TEXTS, paper_title=TEXTS)
@settings(max_examples=50, deadline=None)
@example(title="=??Q?=0D", text="", key="", paper_title="")
@example(title="=?utf-8?q?a=0d=0aBcc:_eve=40example.org?=", text="", key=".", paper_title="")
def test_no_text_adds_a_header_or_breaks_a_line(title: str, text: str, key: str, paper_title: str) -> None:
    content = mail(Message(text, title=title, cards=(Card("1", paper_title, why=text),)), key)
    head, _, _ = content.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", content) is None
    assert content.isascii()
    message = parsed(content)
    assert set(message.keys()) == HEADERS
    assert len(message.keys()) == len(HEADERS)
    assert message["To"] == "ada@example.org"
    assert "\n" not in message["Subject"].replace("\r\n ", "")
    assert not message.defects
    assert len(head) < 3_000


@given(TEXTS, TEXTS)
@settings(max_examples=30, deadline=None)
def test_no_text_becomes_a_tag(title: str, summary: str) -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append(tag)
            assert not [name for name, _ in attrs if name.startswith("on")]

    hostile, plain = Tags(), Tags()
    hostile.feed(html_of(letter(Message(card=Card("1", title + "x", summary=summary + "x"))), TEMPLATES))
    plain.feed(html_of(letter(Message(card=Card("1", "x", summary="x"))), TEMPLATES))
    assert hostile.tags == plain.tags


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", 'https://x.org/"onclick=alert(1)', "data:text/html,x", "//x", f"https://x/{HOSTILE}"]
)
def test_a_link_that_is_none_is_left_out(url: str) -> None:
    message = Message(card=Card("1", "Title", url, links=(Link("PDF", url),)), lines=(Line("2", "Two", url),))
    html = html_of(letter(message), TEMPLATES)
    assert {link for link in re.findall(r'href="([^"]*)"', html) if not link.startswith(PAGE)} == set()
    assert "onclick" not in re.sub(r">[^<]*<", "><", html)


def test_both_texts_show_every_paper_with_its_reason_and_its_links() -> None:
    message = Message("Two papers.", cards=(CARD, Card("2", "Another", guess=True)), title="Mon 2 Mar: papers")
    content = parsed(mail(message))
    plain, html = (str(content.get_body((kind,)).get_content()) for kind in ("plain", "html"))  # type: ignore[union-attr]
    for text in (plain, html):
        for part in (
            CARD.title,
            CARD.why,
            CARD.note,
            CARD.summary,
            CARD.url,
            "Another",
            "🎲",
            "Ada Lovelace",
            "👍",
            "👎",
        ):
            assert part in text
        assert f"{PAGE}/mail/off/T" in text
    assert html.count(f"{PAGE}/mail/vote/1") == html.count(f"{PAGE}/mail/vote/-1") == 2
    assert content["Subject"] == "Mon 2 Mar: papers"


def test_the_style_is_in_the_elements_and_the_dark_one_is_kept() -> None:
    html = html_of(letter(Message(card=CARD)), TEMPLATES)
    assert re.search(r'<a[^>]*class="vote"[^>]*style="[^"]*padding', html)
    assert "prefers-color-scheme: dark" in html


def test_a_mail_of_ten_long_papers_stays_small_and_is_quick_to_read() -> None:
    long = "This sentence is repeated. " * 400
    card = Card("1", long, f"https://x.org/{'a' * 3000}", long, long, summary=long, why=long, note=long)
    message = Message(long, cards=(card,) * 10)
    assert len(plain_text_of(letter(message))) < 2 * LONGEST_TEXT
    assert len(mail(message)) < 102_000, "Gmail cuts a longer one"


def test_the_same_key_is_the_same_message_id() -> None:
    assert message_id("pbabc.1-0", "x.org") == "pbabc.1-0@x.org"
    assert parsed(mail(Message("a")))["Message-ID"] == parsed(mail(Message("b")))["Message-ID"]
    assert message_id("a b\r\n<c>", "x.org") == "abc@x.org"


def test_one_click_is_offered_over_https_alone() -> None:
    assert leaving_headers("http://127.0.0.1/mail/off/T", "") == {"List-Unsubscribe": "<http://127.0.0.1/mail/off/T>"}
    assert "List-Unsubscribe-Post" in leaving_headers(f"{PAGE}/mail/off/T", "")
    assert leaving_headers("", "leave@example.org") == {}


def test_what_was_asked_for_just_now_is_no_list() -> None:
    content = composed(letter(Message("Hello")), SENDER, "ada@example.org", "k", NOW, TEMPLATES, bulk=False)
    message = parsed(content)
    assert not {"List-Id", "List-Unsubscribe", "Precedence"} & set(message.keys())
    assert SMTPUTF8.header_factory("Subject", message["Subject"]) == "Hello"
