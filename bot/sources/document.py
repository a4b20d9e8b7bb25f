"""Reads bodies as JSON or XML, in whatever encoding they are, within bounds on time and memory.

XML is first copied by `_Copy`, which refuses declarations (XML bombs, and entities that read local files) and bounds
everything whose cost grows faster than its size. feedparser sees only that copy.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from html import unescape
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from bot.sources.base import TooLarge, Unreadable
from bot.sources.fetch import Answer

MOST_ENTRIES = 2_000
MOST_ELEMENTS = 60_000
"""In one answer. A page of 100 papers by large collaborations, with 3,000 authors each, is read in several parts."""
DEEPEST_ELEMENT = 100
_MOST_ATTRIBUTES = 50
"""In one element. feedparser's time grows with their square."""
_LONGEST_NAME = 200
_LONGEST_VALUE = 4_000
_LONGEST_TEXT = 80_000
"""Characters of one element that are read. An abstract has at most 20,000, and four times that with its HTML."""
_MOST_TEXT = 4_000_000
"""Characters of all elements of an answer together."""
_WIDEST = 25_000_000
"""Bytes of memory for a body as text. One rare character makes every character of it take four bytes."""
_MOST_BRACKETS, _MOST_COMMAS = 100_000, 400_000
"""In a JSON body. Each of them means a value, and an empty list of two characters takes 64 bytes of memory."""
_LONGEST_NUMBER = 50
_CHUNK = 1_000_000
_LONG_TAG, _LONG_TAG_ATTRIBUTES = 50_000, 2_000

_CUT_OFF = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}
_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
_ENCODING = re.compile(r"encoding\s*=\s*[\"']([^\"']{1,40})")
# Python also has codecs that are slow or are no encodings of text (punycode, unicode_escape). These are the web's.
_WEB_ENCODING = re.compile(
    r"utf-?16|iso-?8859-\d+|latin-?1|windows-125\d|cp125\d|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)|koi8-[ru]",
    re.IGNORECASE,
)
_WEB_PAGE = re.compile(r"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_DECLARED = re.compile(r"<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)\b")
# A part that may be one long tag, and the tag in it. Quoted values may hold a ">".
_LONG_PART = re.compile(rf"<(?![!?/])[^<]{{{_LONG_TAG},}}")
_WHOLE_TAG = re.compile(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+")
_LINE_END = re.compile(r"[\r\n]")
_ENTRIES = frozenset({"item", "entry"})
_PEOPLE = frozenset({"author", "creator", "email", "managingeditor", "name", "owner", "publisher", "webmaster"})
# feedparser looks for an e-mail address in these elements, in time that grows with the square of a possible name in it.
_MAIL_NAME = re.compile(r"[\w.+-]{40}", re.ASCII)
_LONG_MAIL_NAME = re.compile(rb"[\w.+-]{300}")
# Mistakes of careless programs: characters that XML does not have, a bare "&", and entities of HTML.
_NO_XML_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#x[0-9a-fA-F]{1,6};|(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,30};)?")


@dataclass(frozen=True, slots=True)
class Markup:
    """XML as UTF-8, without a declaration, checked to be harmless. If it is not `well_formed`, only a lenient parser
    can read it. If it is `cut`, only its first entries are here."""

    body: bytes
    well_formed: bool
    cut: bool = False


def text_of(answer: Answer) -> str:
    """The body as text. It is read as UTF-8 if that is possible, else in its declared encoding, else as Windows-1252.

    Raises TooLarge."""
    text = _decoded(answer)
    if sys.getsizeof(text) > _WIDEST:
        raise TooLarge(f"{answer.host} sent more text than a list of papers has.")
    return text


def json_of(answer: Answer) -> object:
    """The body as JSON. Raises Unreadable and TooLarge."""
    text = text_of(answer)
    if text.lstrip().startswith("<"):
        raise Unreadable(f"{answer.host} answered with a web page instead of data; it may be down for repair.")
    if text.count("{") + text.count("[") > _MOST_BRACKETS or text.count(",") > _MOST_COMMAS:
        raise Unreadable(f"{answer.host} answered with data too intricate to be a list of papers.")
    try:
        return json.loads(text, parse_int=_bounded_int, parse_float=_bounded_float)
    except RecursionError as error:
        raise Unreadable(f"{answer.host} answered with data nested too deep to be a list of papers.") from error
    except ValueError as error:
        raise Unreadable(f"{answer.host} answered with data that is damaged or cut off in the middle.") from error


def xml_of(answer: Answer) -> tuple[Element, bool]:
    """The body as well-formed XML, and whether it was too long and was cut after its first entries. Raises Unreadable
    and TooLarge."""
    markup = markup_of(answer)
    damaged = Unreadable(f"{answer.host} answered with a damaged feed.")
    if not markup.well_formed:
        raise damaged
    try:
        return fromstring(markup.body), markup.cut  # noqa: S314 - `_Copy` wrote no declarations
    except ParseError as error:  # a prefix without a namespace, which `_Copy` does not notice
        raise damaged from error


def markup_of(answer: Answer, most_elements: int = MOST_ELEMENTS, most_text: int = _MOST_TEXT) -> Markup:
    """The body as XML that is safe to parse. Raises TooLarge, and Unreadable for a bomb, a web page, or a body that is
    cut off."""
    text = text_of(answer)
    if _WEB_PAGE.match(text):
        raise Unreadable(f"{answer.host} answered with a web page instead of a feed; look for the feed's own address.")
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end() :]
    try:
        return _copied(text, most_elements, most_text)
    except _Declared as error:
        raise Unreadable(f"{answer.host} answered with a feed that declares entities, which is not safe.") from error
    except _TooIntricate as error:
        raise Unreadable(f"{answer.host} answered with a feed too intricate to be a list of papers.") from error
    except expat.ExpatError as error:
        if error.code in _CUT_OFF:
            raise Unreadable(f"{answer.host} answered with a feed that is empty or cut off in the middle.") from error
        if _DECLARED.search(text):
            raise Unreadable(
                f"{answer.host} answered with a feed that declares entities, which is not safe."
            ) from error
        return Markup(text.encode("utf-8", errors="replace"), well_formed=False)


def head_of(markup: Markup, limit: int) -> Markup:
    """The first bytes of damaged markup, without long runs of name characters and of spaces, on which feedparser would
    spend time that grows with their square."""
    return Markup(_LONG_MAIL_NAME.sub(rb"\g<0> ", b" ".join(markup.body[:limit].split())), well_formed=False)


def repaired(markup: Markup, most_elements: int, most_text: int) -> Markup | None:
    """Damaged markup as XML, if the damage is a usual mistake of careless programs, else None."""
    text = _NO_XML_CHARACTER.sub("", markup.body.decode())
    text = _AMPERSAND.sub(_entity, text)
    try:
        return _copied(text, most_elements, most_text)
    except (_Declared, _TooIntricate, expat.ExpatError):
        return None


def _decoded(answer: Answer) -> str:
    start = _DECLARATION.match(answer.body[:300].decode("latin-1"))
    declared = _ENCODING.search(start[0]) if start else None
    by_byte_order_mark = "utf-16" if answer.body[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    for encoding in (by_byte_order_mark, "utf-8-sig", declared[1] if declared else "", answer.charset):
        if encoding == "utf-8-sig" or _WEB_ENCODING.fullmatch(encoding):
            try:
                return answer.body.decode(encoding)
            except (LookupError, ValueError):
                continue
    return answer.body.decode("cp1252", errors="replace")


def _bounded_int(digits: str) -> int:
    return int(_bounded(digits))


def _bounded_float(digits: str) -> float:
    return float(_bounded(digits))


def _bounded(digits: str) -> str:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError("a number of this length is none")
    return digits


def _entity(match: re.Match[str]) -> str:
    name = match[1]
    character = unescape(f"&{name}") if name else ""
    return escape(character) if character and not character.endswith(name or ";") else f"&amp;{name or ''}"


def _cdata(text: str) -> str:
    """The text in a form that the next parser gets in one piece. An escaped character or a line end would split it."""
    text = _LINE_END.sub(" ", text)
    return f"<![CDATA[{text.replace(']]>', ']] >')}]]>" if "&" in text or "<" in text or ">" in text else text


def _copied(text: str, most_elements: int, most_text: int) -> Markup:
    """Raises _Declared, _TooIntricate, and ExpatError."""
    for part in _LONG_PART.finditer(text):
        tag = _WHOLE_TAG.match(part[0])
        if tag and tag[0].count('="') + tag[0].count("='") + tag[0].count("= ") > _LONG_TAG_ATTRIBUTES:
            raise _TooIntricate  # before the parser makes objects of the attributes
    copy = _Copy(most_elements, most_text)
    try:
        copy.read(text)
    except _SizeReached:
        return Markup(copy.first_entries(), well_formed=True, cut=True)
    return Markup(copy.whole(), well_formed=True)


class _TooIntricate(Exception):
    """The XML is nested too deep, or one element has too many attributes."""


class _Declared(Exception):
    """The document type is declared inside the document."""


class _SizeReached(Exception):
    """The copy has reached the size up to which a document is read."""


class _Copy:
    """Copies well-formed XML for another parser, without declarations and comments, and up to a size."""

    def __init__(self, most_elements: int, most_text: int) -> None:
        self._most_elements, self._most_text = most_elements, most_text
        self._parts: list[str] = []
        self._open: list[str] = []
        self._lengths: list[int] = []
        self._elements = self._attributes = self._text = self._entries = 0
        self._complete = (0, 0)
        self._parser = expat.ParserCreate("utf-8", intern=None)
        self._parser.ordered_attributes = True
        self._parser.buffer_text = True
        self._parser.buffer_size = 65_536
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._declared
        self._parser.AttlistDeclHandler = self._declared
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, text: str) -> None:
        """Raises _SizeReached, _TooIntricate, _Declared and ExpatError."""
        for start in range(0, len(text), _CHUNK):
            # In chunks, so that nothing more is read after an error.
            self._parser.Parse(text[start : start + _CHUNK].encode("utf-8", errors="replace"), False)
        self._parser.Parse(b"", True)

    def whole(self) -> bytes:
        """The whole copy."""
        return "".join(self._parts).encode()

    def first_entries(self) -> bytes:
        """The copy up to the end of the last whole entry. Raises _TooIntricate when there is none."""
        parts, depth = self._complete
        if not parts:
            raise _TooIntricate
        closing = [f"</{name}>" for name in reversed(self._open[:depth])]
        return "".join([*self._parts[:parts], *closing]).encode()

    def _doctype(self, name: str, system: str | None, public: str | None, has_declarations: bool) -> None:
        if has_declarations:
            raise _Declared

    def _declared(self, *_: object) -> None:
        raise _Declared

    def _start(self, name: str, attributes: list[str]) -> None:
        self._elements += 1
        self._attributes += len(attributes) // 2
        if self._elements > self._most_elements or self._attributes > 2 * self._most_elements:
            raise _SizeReached
        if len(self._open) >= DEEPEST_ELEMENT or len(attributes) > 2 * _MOST_ATTRIBUTES or len(name) > _LONGEST_NAME:
            raise _TooIntricate
        self._open.append(name)
        self._lengths.append(0)
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        values = "".join(f" {key[:_LONGEST_NAME]}={quoteattr(value[:_LONGEST_VALUE])}" for key, value in pairs)
        self._parts.append(f"<{name}{values}>")

    def _end(self, name: str) -> None:
        self._parts.append(f"</{name}>")
        self._open.pop()
        self._lengths.pop()
        if name.rpartition(":")[2].lower() in _ENTRIES:
            self._entries += 1
            if self._entries > MOST_ENTRIES:
                raise _SizeReached
            self._complete = (len(self._parts), len(self._open))

    def _characters(self, text: str) -> None:
        room = _LONGEST_TEXT - self._lengths[-1]
        if room <= 0:
            return
        text = text[:room]
        if self._open[-1].rpartition(":")[2].lower() in _PEOPLE:
            text = (" " if self._lengths[-1] else "") + _MAIL_NAME.sub(r"\g<0> ", text)
        self._lengths[-1] += len(text)
        self._text += len(text)
        if self._text > self._most_text:
            raise _SizeReached
        self._parts.append(_cdata(text))
