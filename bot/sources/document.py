"""Bodies read as JSON or XML: whatever encoding they claim, and never more than they seem.

defusedxml reads all XML first: an entity declared in it, the stuff of XML bombs and of reading other people's files,
is refused before any other parser sees the body.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError
from xml.parsers.expat import errors
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler, ErrorHandler

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from defusedxml.sax import parseString

from bot.sources.base import Unreadable
from bot.sources.fetch import Answer

MOST_ELEMENTS = 300_000
DEEPEST_ELEMENT = 100

_CUT_OFF = {
    errors.codes[message]
    for message in (
        errors.XML_ERROR_NO_ELEMENTS,
        errors.XML_ERROR_UNCLOSED_TOKEN,
        errors.XML_ERROR_PARTIAL_CHAR,
        errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}
_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
_ENCODING = re.compile(r"encoding\s*=\s*[\"']([^\"']{1,40})")
# Python knows encodings that are slow or no encodings at all (punycode, unicode_escape): the web's are enough.
_KNOWN_ENCODING = re.compile(
    r"utf-?16|iso-?8859-\d+|latin-?1|windows-125\d|cp125\d|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)|koi8-[ru]",
    re.IGNORECASE,
)
_WEB_PAGE = re.compile(r"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Markup:
    """XML as UTF-8 without a declaration, seen to be harmless; `well_formed` or to be read with patience."""

    body: bytes
    well_formed: bool


def text_of(answer: Answer) -> str:
    """The body as text: UTF-8 if it is that, whatever it claims; else what it claims; else Windows-1252."""
    start = _DECLARATION.match(answer.body[:300].decode("latin-1"))
    claimed = _ENCODING.search(start[0]) if start else None
    by_mark = "utf-16" if answer.body[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    for encoding in (by_mark, "utf-8-sig", claimed[1] if claimed else "", answer.charset):
        if encoding == "utf-8-sig" or _KNOWN_ENCODING.fullmatch(encoding):
            try:
                return answer.body.decode(encoding)
            except (LookupError, ValueError):
                continue
    return answer.body.decode("cp1252", errors="replace")


def json_of(answer: Answer) -> object:
    """The body as JSON. Raises Unreadable."""
    text = text_of(answer)
    if text.lstrip().startswith("<"):
        raise Unreadable(f"{answer.host} answered with a web page instead of data; it may be down for repair.")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise Unreadable(f"{answer.host} answered with data nested too deep to be a list of papers.") from error
    except ValueError as error:
        raise Unreadable(f"{answer.host} answered with data that is damaged or cut off in the middle.") from error


def xml_of(answer: Answer) -> Element:
    """The body as well-formed XML. Raises Unreadable."""
    markup = markup_of(answer)
    damaged = Unreadable(f"{answer.host} answered with a damaged feed.")
    if not markup.well_formed:
        raise damaged
    try:
        root: Element = fromstring(markup.body)
    except ParseError as error:  # a prefix without a namespace, which the first look does not mind
        raise damaged from error
    return root


def markup_of(answer: Answer) -> Markup:
    """The body as XML that is safe to parse. Raises Unreadable for a bomb, a web page, or a body cut off."""
    text = text_of(answer)
    if _WEB_PAGE.match(text):
        raise Unreadable(f"{answer.host} answered with a web page instead of a feed; look for the feed's own address.")
    text = _DECLARATION.sub("", text, count=1)
    body = text.encode("utf-8", errors="replace")
    try:
        parseString(body, _Measure(), _Strict())
    except DefusedXmlException as error:
        raise _unsafe(answer) from error
    except _OutOfMeasure as error:
        raise Unreadable(f"{answer.host} answered with a feed too intricate to be a list of papers.") from error
    except SAXParseException as error:
        if getattr(error.getException(), "code", None) in _CUT_OFF:
            raise Unreadable(f"{answer.host} answered with a feed that is empty or cut off in the middle.") from error
        if "<!ENTITY" in text:
            raise Unreadable(
                f"{answer.host} answered with a feed that declares entities, which is not safe."
            ) from error
        return Markup(body, well_formed=False)
    return Markup(body, well_formed=True)


def _unsafe(answer: Answer) -> Unreadable:
    return Unreadable(f"{answer.host} answered with a feed that declares entities, which is not safe to read.")


class _OutOfMeasure(Exception):
    pass


class _Strict(ErrorHandler):
    def warning(self, exception: BaseException) -> None:
        """A warning is no reason to speak: the standard library would print it."""


class _Measure(ContentHandler):
    """Counts elements, so that a body of millions of empty ones never becomes a tree."""

    def __init__(self) -> None:
        super().__init__()
        self._elements = self._depth = 0

    def startElement(self, name: str, attrs: object) -> None:  # noqa: N802 - sax's name
        self._elements += 1
        self._depth += 1
        if self._elements > MOST_ELEMENTS or self._depth > DEEPEST_ELEMENT:
            raise _OutOfMeasure

    def endElement(self, name: str) -> None:  # noqa: N802 - sax's name
        self._depth -= 1
