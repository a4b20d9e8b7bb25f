"""Reads bodies as JSON or XML, in whatever encoding they are, within bounds on time and memory.

XML is first copied by `_Copy`, which refuses declarations (XML bombs, and entities that read local files) and bounds
everything whose cost grows faster than its size. feedparser sees only that copy.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from dataclasses import dataclass, replace
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
_DOCTYPE = re.compile(r"\s*<!DOCTYPE\b[^\[<>]{0,1000}>", re.IGNORECASE)
"""A document type that declares nothing itself. The file that it may name is never read."""
_EXTERNAL_DOCTYPE = '<!DOCTYPE feed SYSTEM "unread">'
"""With it the parser tells of the entities that it does not know, instead of taking them for errors."""
_ENCODING = re.compile(r"encoding\s*=\s*[\"']([^\"']{1,40})")
# Python also has codecs that are slow or are no encodings of text (punycode, unicode_escape). These are the web's.
_WEB_ENCODING = re.compile(
    r"iso-?8859-\d+|latin-?1|windows-125\d|cp125\d|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)|koi8-[ru]",
    re.IGNORECASE,
)
_FEW = 10
"""In UTF-8, that many characters that are no ASCII come for each broken byte. Text in another encoding has no such
characters, or only a few by chance."""
_WIDE = {"x0x0": "utf-16-le", "0x0x": "utf-16-be", "x000": "utf-32-le", "000x": "utf-32-be"}
"""By which of the first four bytes are NUL, here written 0. The first character is ASCII."""
_WEB_PAGE = re.compile(r"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_LAST_TAG = re.compile(r"</[A-Za-z][\w:.-]*\s*$")
"""The last end tag without its bracket. Nothing else of such a feed is missing if it is the root's."""
_DECLARED = re.compile(r"<!(?:ENTITY|ATTLIST|ELEMENT|NOTATION)\b")
# A part that may be one long tag, and the tag in it. Quoted values may hold a ">".
_LONG_PART = re.compile(rf"<(?![!?/])[^<]{{{_LONG_TAG},}}")
_WHOLE_TAG = re.compile(r"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*+")
_LINE_END = re.compile(r"[\r\n]")
_ENTRIES = frozenset({"item", "entry"})
# feedparser takes what lies inside an element that it does not know for a field of the entry, as the title of an image.
_WITH_CHILDREN = frozenset(
    {"author", "authors", "body", "content", "contributor", "creator", "creators", "description", "div", "encoded"}
    | {"summary", "title"}
)
"""Elements of an entry whose own elements are read."""
_GROUP, _IN_GROUP = "group", frozenset({"description"})
"""An element that holds a video and its description."""
_LEFT_OUT = frozenset({"image", "textinput"})
# feedparser keeps an unknown element under its name, where it keeps values of another type under these names.
_RESERVED = re.compile(r"authors|contributors|creators|enclosures|guidislink|links|tags|.*_(?:detail|parsed)")
UNKNOWN = "unknown_"
"""The beginning of the names under which such elements are copied."""
_PEOPLE = frozenset(
    {"author", "authors", "creator", "creators", "email", "managingeditor", "name", "owner", "publisher", "webmaster"}
)
# feedparser looks for an e-mail address in these elements, in time that grows with the square of a possible name in it.
_MAIL_NAME = re.compile(r"[\w.+-]{40}", re.ASCII)
_LONG_MAIL_NAME = re.compile(rb"[\w.+-]{300}")
# Mistakes of careless programs: characters that XML does not have, a bare "&", and entities of HTML.
_NO_XML_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#x[0-9a-fA-F]{1,6};|(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,30};)?")


@dataclass(frozen=True, slots=True)
class Markup:
    """XML as UTF-8, without a declaration, checked to be harmless. If it is not `well_formed`, only a lenient parser
    can read it. If it is `cut`, only its first entries are here. If it is `broken`, some of its bytes were no text."""

    body: bytes
    well_formed: bool
    cut: bool = False
    broken: bool = False


def text_of(answer: Answer) -> str:
    """The body as text, see `decoded`. Raises TooLarge."""
    return decoded(answer)[0]


def decoded(answer: Answer) -> tuple[str, bool]:
    """The body as text, and whether it has broken bytes; U+FFFD stands for each of these.

    It is read as UTF-8 if that is possible, else in its declared encoding. A body that is UTF-8 but for a few bytes
    stays UTF-8, and any other body is read as Windows-1252. Raises TooLarge."""
    text, broken = _decoded(answer)
    if sys.getsizeof(text) > _WIDEST:
        raise TooLarge(f"{answer.host} sent more text than a list of papers has.")
    return text, broken


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
    text, broken = decoded(answer)
    if _WEB_PAGE.match(text):
        raise Unreadable(f"{answer.host} answered with a web page instead of a feed; look for the feed's own address.")
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end() :]
    if doctype := _DOCTYPE.match(text):
        text = _EXTERNAL_DOCTYPE + text[doctype.end() :]
    if _LAST_TAG.search(text[-_LONGEST_NAME:]):
        text = text.rstrip() + ">"
    try:
        return replace(_copied(text, most_elements, most_text), broken=broken)
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


def _decoded(answer: Answer) -> tuple[str, bool]:
    body = answer.body
    if wide := _wide_encoding(body[:4]):
        text = body.decode(wide, errors="replace")
        return text, "\ufffd" in text
    start = _DECLARATION.match(body[:300].decode("latin-1"))
    declared = _ENCODING.search(start[0]) if start else None
    with contextlib.suppress(ValueError):
        return body.decode("utf-8-sig"), False
    text = body.decode("utf-8-sig", errors="replace")
    broken = text.count("\ufffd")
    whole = len(text) - len(text.encode("ascii", errors="ignore")) - broken
    if whole > _FEW * broken:
        return text, True
    for encoding in (declared[1] if declared else "", answer.charset):
        if _WEB_ENCODING.fullmatch(encoding):
            with contextlib.suppress(LookupError, ValueError):
                return body.decode(encoding), False
    return (text, True) if whole >= broken else (body.decode("cp1252", errors="replace"), False)


def _wide_encoding(start: bytes) -> str:
    """The encoding of a body whose characters take two or four bytes each, by its byte order mark or the NUL bytes
    beside its first character; "" for any other body."""
    if start in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return _WIDE.get("".join("x" if byte else "0" for byte in start), "")


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


def _local(name: str) -> str:
    """The name of an element without its prefix, in lower case."""
    return name.rpartition(":")[2].lower()


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
        self._entry = self._skipped = 0
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
        self._parser.SkippedEntityHandler = self._entity

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
        local_name = _local(name)
        if self._skipped or self._is_left_out(local_name):
            self._skipped = self._skipped or len(self._open)
            return
        if not self._entry and local_name in _ENTRIES:
            self._entry = len(self._open)
        copied_name = self._copied_name(name)
        pairs = zip(attributes[::2], attributes[1::2], strict=True) if copied_name == name else ()
        values = "".join(f" {key[:_LONGEST_NAME]}={quoteattr(value[:_LONGEST_VALUE])}" for key, value in pairs)
        self._parts.append(f"<{copied_name}{values}>")

    def _is_left_out(self, name: str) -> bool:
        """Whether the element that was opened last, with this local name, belongs to something else in an entry."""
        depth = len(self._open) - self._entry
        if not self._entry or depth < 1:
            return False
        if depth == 1:
            return name in _LEFT_OUT
        field = _local(self._open[self._entry])
        return name not in _IN_GROUP if field == _GROUP else field not in _WITH_CHILDREN

    def _copied_name(self, name: str) -> str:
        """The name under which the element that was opened last is copied. A title of another kind than the entry, as
        a journal's beside an item's, is no title of the entry, unless there is no other one."""
        if not self._entry or len(self._open) != self._entry + 1:
            return name
        prefix, _, local_name = name.lower().rpartition(":")
        is_other_title = local_name == "title" and prefix != self._open[-2].lower().rpartition(":")[0]
        return f"{UNKNOWN}{local_name}" if is_other_title or _RESERVED.fullmatch(local_name) else name

    def _end(self, name: str) -> None:
        if not self._skipped:
            self._parts.append(f"</{self._copied_name(name)}>")
        self._skipped = 0 if self._skipped == len(self._open) else self._skipped
        self._entry = 0 if self._entry == len(self._open) else self._entry
        self._open.pop()
        self._lengths.pop()
        if _local(name) in _ENTRIES:
            self._entries += 1
            if self._entries > MOST_ENTRIES:
                raise _SizeReached
            if not self._skipped:
                self._complete = (len(self._parts), len(self._open))

    def _entity(self, name: str, is_parameter: bool) -> None:
        if self._open and not is_parameter:
            self._characters(unescape(f"&{name};"))

    def _characters(self, text: str) -> None:
        room = _LONGEST_TEXT - self._lengths[-1]
        if room <= 0 or self._skipped:
            return
        text = text[:room]
        if _local(self._open[-1]) in _PEOPLE:
            text = (" " if self._lengths[-1] else "") + _MAIL_NAME.sub(r"\g<0> ", text)
        self._lengths[-1] += len(text)
        self._text += len(text)
        if self._text > self._most_text:
            raise _SizeReached
        self._parts.append(_cdata(text))
