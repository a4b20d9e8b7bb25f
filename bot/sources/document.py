"""Bodies read as JSON or XML: whatever encoding they claim, and never more than they seem.

XML is first copied by `_Copy`, which refuses declarations (XML bombs, and entities that read other people's files) and
bounds everything whose cost grows faster than its size: feedparser sees only that copy.
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
"""Of one answer: a page of 100 papers by large collaborations, 3,000 authors each, is cut into several."""
DEEPEST_ELEMENT = 100
_MOST_ATTRIBUTES = 50
"""Of one element. feedparser's time grows with their square."""
_LONGEST_NAME = 200
_LONGEST_VALUE = 4_000
_LONGEST_TEXT = 80_000
"""Characters of one element that are read; an abstract has 20,000 at most, and four times that with its HTML."""
_MOST_TEXT = 4_000_000
"""Characters of an answer's elements together."""
_WIDEST = 25_000_000
"""Bytes of memory for a body as text: one rare sign makes every character take four bytes."""
_MOST_BRACKETS, _MOST_COMMAS = 100_000, 400_000
"""In a JSON body. Each stands for a value, and an empty list of two characters takes 64 bytes of memory."""
_LONGEST_NUMBER = 50
_AT_ONCE = 1_000_000
_LONG_TAG, _ITS_ATTRIBUTES = 50_000, 2_000

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
# Python knows encodings that are slow or no encodings at all (punycode, unicode_escape): the web's are enough.
_KNOWN_ENCODING = re.compile(
    r"utf-?16|iso-?8859-\d+|latin-?1|windows-125\d|cp125\d|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)|koi8-[ru]",
    re.IGNORECASE,
)
_WEB_PAGE = re.compile(r"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_DECLARED = re.compile(r"<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)\b")
# A piece that may be one long tag, and the tag in it: quoted values may hold a ">".
_LONG_PIECE = re.compile(rf"<(?![!?/])[^<]{{{_LONG_TAG},}}")
_WHOLE_TAG = re.compile(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+")
_LINE_END = re.compile(r"[\r\n]")
_ENTRIES = frozenset({"item", "entry"})
_PEOPLE = frozenset({"author", "creator", "email", "managingeditor", "name", "owner", "publisher", "webmaster"})
# feedparser looks for an address in such elements, and its time grows with the square of what could be the front of it.
_MAIL_NAME = re.compile(r"[\w.+-]{40}", re.ASCII)
_LONG_MAIL_NAME = re.compile(rb"[\w.+-]{300}")
# What careless programs write: signs that XML does not have, a bare "&", and entities of HTML.
_NO_SIGN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#x[0-9a-fA-F]{1,6};|(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,30};)?")


@dataclass(frozen=True, slots=True)
class Markup:
    """XML as UTF-8 without a declaration, seen to be harmless. `well_formed`, or to be read with patience; `cut` when
    only its first entries are here."""

    body: bytes
    well_formed: bool
    cut: bool = False


def text_of(answer: Answer) -> str:
    """The body as text: UTF-8 if it is that, whatever it claims; else what it claims; else Windows-1252.

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
        return json.loads(text, parse_int=_whole, parse_float=_fraction)
    except RecursionError as error:
        raise Unreadable(f"{answer.host} answered with data nested too deep to be a list of papers.") from error
    except ValueError as error:
        raise Unreadable(f"{answer.host} answered with data that is damaged or cut off in the middle.") from error


def xml_of(answer: Answer) -> tuple[Element, bool]:
    """The body as well-formed XML, and whether it was too much and cut after its first entries. Raises Unreadable and
    TooLarge."""
    markup = markup_of(answer)
    damaged = Unreadable(f"{answer.host} answered with a damaged feed.")
    if not markup.well_formed:
        raise damaged
    try:
        return fromstring(markup.body), markup.cut  # noqa: S314 - `_Copy` wrote no declarations
    except ParseError as error:  # a prefix without a namespace, which the first look does not mind
        raise damaged from error


def markup_of(answer: Answer, most_elements: int = MOST_ELEMENTS, most_text: int = _MOST_TEXT) -> Markup:
    """The body as XML that is safe to parse. Raises Unreadable for a bomb, a web page, or a body cut off, and
    TooLarge."""
    text = text_of(answer)
    if _WEB_PAGE.match(text):
        raise Unreadable(f"{answer.host} answered with a web page instead of a feed; look for the feed's own address.")
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end() :]
    try:
        return _copied(text, most_elements, most_text)
    except _Declared as error:
        raise Unreadable(f"{answer.host} answered with a feed that declares entities, which is not safe.") from error
    except _OutOfMeasure as error:
        raise Unreadable(f"{answer.host} answered with a feed too intricate to be a list of papers.") from error
    except expat.ExpatError as error:
        if error.code in _CUT_OFF:
            raise Unreadable(f"{answer.host} answered with a feed that is empty or cut off in the middle.") from error
        if _DECLARED.search(text):
            raise Unreadable(
                f"{answer.host} answered with a feed that declares entities, which is not safe."
            ) from error
        return Markup(text.encode("utf-8", errors="replace"), well_formed=False)


def head_of(markup: Markup, most: int) -> Markup:
    """The first bytes of damaged markup, without the rows of signs and of spaces on which feedparser would spend time
    that grows with their square."""
    return Markup(_LONG_MAIL_NAME.sub(rb"\g<0> ", b" ".join(markup.body[:most].split())), well_formed=False)


def mended(markup: Markup, most_elements: int, most_text: int) -> Markup | None:
    """Damaged markup as XML, where the damage is what careless programs do; None where it is something else."""
    text = _NO_SIGN.sub("", markup.body.decode())
    text = _AMPERSAND.sub(_entity, text)
    try:
        return _copied(text, most_elements, most_text)
    except (_Declared, _OutOfMeasure, expat.ExpatError):
        return None


def _decoded(answer: Answer) -> str:
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


def _whole(digits: str) -> int:
    return int(_bounded(digits))


def _fraction(digits: str) -> float:
    return float(_bounded(digits))


def _bounded(digits: str) -> str:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError("a number of this length is none")
    return digits


def _entity(found: re.Match[str]) -> str:
    name = found[1]
    sign = unescape(f"&{name}") if name else ""
    return escape(sign) if sign and not sign.endswith(name or ";") else f"&amp;{name or ''}"


def _cdata(text: str) -> str:
    """Text so that the next parser gets it in one piece: each escaped sign and each new line would be one more."""
    text = _LINE_END.sub(" ", text)
    return f"<![CDATA[{text.replace(']]>', ']] >')}]]>" if "&" in text or "<" in text or ">" in text else text


def _copied(text: str, most_elements: int, most_text: int) -> Markup:
    """Raises _Declared, _OutOfMeasure, and ExpatError."""
    for piece in _LONG_PIECE.finditer(text):
        tag = _WHOLE_TAG.match(piece[0])
        if tag and tag[0].count('="') + tag[0].count("='") + tag[0].count("= ") > _ITS_ATTRIBUTES:
            raise _OutOfMeasure  # before the parser makes objects of them
    copy = _Copy(most_elements, most_text)
    try:
        copy.read(text)
    except _Enough:
        return Markup(copy.first_entries(), well_formed=True, cut=True)
    return Markup(copy.whole(), well_formed=True)


class _OutOfMeasure(Exception):
    """Too deep or too many of something."""


class _Declared(Exception):
    """The document type is declared inside the document."""


class _Enough(Exception):
    """What was copied is as much as is read."""


class _Copy:
    """Copies well-formed XML, without declarations and comments and up to a size, for another parser to read."""

    def __init__(self, most_elements: int, most_text: int) -> None:
        self._most_elements, self._most_text = most_elements, most_text
        self._written: list[str] = []
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
        """Raises _Enough, _OutOfMeasure, _Declared and ExpatError."""
        for start in range(0, len(text), _AT_ONCE):
            # By pieces, so that nothing more is read after an error.
            self._parser.Parse(text[start : start + _AT_ONCE].encode("utf-8", errors="replace"), False)
        self._parser.Parse(b"", True)

    def whole(self) -> bytes:
        """All that was read."""
        return "".join(self._written).encode()

    def first_entries(self) -> bytes:
        """What was read up to the end of the last whole entry. Raises _OutOfMeasure when there is none."""
        pieces, depth = self._complete
        if not pieces:
            raise _OutOfMeasure
        closing = [f"</{name}>" for name in reversed(self._open[:depth])]
        return "".join([*self._written[:pieces], *closing]).encode()

    def _doctype(self, name: str, system: str | None, public: str | None, has_declarations: bool) -> None:
        if has_declarations:
            raise _Declared

    def _declared(self, *_: object) -> None:
        raise _Declared

    def _start(self, name: str, attributes: list[str]) -> None:
        self._elements += 1
        self._attributes += len(attributes) // 2
        if self._elements > self._most_elements or self._attributes > 2 * self._most_elements:
            raise _Enough
        if len(self._open) >= DEEPEST_ELEMENT or len(attributes) > 2 * _MOST_ATTRIBUTES or len(name) > _LONGEST_NAME:
            raise _OutOfMeasure
        self._open.append(name)
        self._lengths.append(0)
        pairs = zip(attributes[::2], attributes[1::2], strict=True)
        values = "".join(f" {key[:_LONGEST_NAME]}={quoteattr(value[:_LONGEST_VALUE])}" for key, value in pairs)
        self._written.append(f"<{name}{values}>")

    def _end(self, name: str) -> None:
        self._written.append(f"</{name}>")
        self._open.pop()
        self._lengths.pop()
        if name.rpartition(":")[2].lower() in _ENTRIES:
            self._entries += 1
            if self._entries > MOST_ENTRIES:
                raise _Enough
            self._complete = (len(self._written), len(self._open))

    def _characters(self, text: str) -> None:
        left = _LONGEST_TEXT - self._lengths[-1]
        if left <= 0:
            return
        text = text[:left]
        if self._open[-1].rpartition(":")[2].lower() in _PEOPLE:
            text = (" " if self._lengths[-1] else "") + _MAIL_NAME.sub(r"\g<0> ", text)
        self._lengths[-1] += len(text)
        self._text += len(text)
        if self._text > self._most_text:
            raise _Enough
        self._written.append(_cdata(text))
