"""Answers of hostile servers, as large as the limit allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

SIZE = 10_000_000
"""Bytes; the default of `sources.max_bytes`."""

_HEAD = '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>x</title>'
_TAIL = "</channel></rss>"
_ARXIV = (
    "<title>A title</title><link>https://arxiv.org/abs/2603.00001</link><guid>oai:arXiv.org:2603.00001v1</guid>"
    "<description>arXiv:2603.00001v1 Announce Type: new Abstract: Of it.</description>"
)


def _filled(head: str, piece: str, tail: str, size: int) -> bytes:
    times = (size - len(head.encode()) - len(tail.encode())) // len(piece.encode())
    return (head + piece * times + tail).encode()


def _numbered(head: str, piece: str, tail: str, size: int) -> bytes:
    times = (size - len(head) - len(tail)) // (len(piece) + 5)
    return (head + "".join(piece.replace("N", str(n)) for n in range(times)) + tail).encode()


JSON = {
    "empty objects": ('{"items":[', "{},", "{}]}"),
    "empty lists": ('{"items":[', "[],", "[]]}"),
    "numbers": ('{"items":[', "1,", "1]}"),
    "fractions": ('{"items":[', "1.5e3,", "1]}"),
    "texts": ('{"items":[', '"ab",', '""]}'),
    "escapes": ('{"items":[{"title":"', "\\u00e9", '"}]}'),
    "wide": ('{"items":[{"title":"\U0001f600', "a", '"}]}'),
    "digits": ('{"items":[1.', "1", "]}"),
    "deep": ('{"items":', "[", "]"),
    "titled": ('{"items":[', '{"title":"A title of a paper","url":"https://x.example/a"},', "{}]}"),
    "tags": ('{"items":[', '{"title":"A","content_html":"' + "<b>" * 20_000 + '"},', "{}]}"),
    "entities": ('{"items":[', '{"title":"A","content_html":"' + "&lt;" * 15_000 + '"},', "{}]}"),
    "names": ('{"items":[{"title":"A","authors":[', '{"name":"\\\\\'e Roe"},', "{}]}]}"),
    "tex names": ('{"items":[{"title":"A","authors":[', '{"name":"' + "\\\\'e" * 60 + '"},', "{}]}]}"),
    "one line of names": ('{"items":[{"title":"A","authors":[{"name":"', "A B, ", '"}]}]}'),
    "brackets in names": ('{"items":[{"title":"A B","authors":[{"name":"(A B', ",", '"}]}]}'),
    "spaces in names": ('{"items":[{"title":"A","authors":[{"name":"A B', " ", '"}]}]}'),
    "accents": ('{"items":[{"title":"A', "\u0316\u0301", '"}]}'),
    "urls": ('{"items":[', '{"title":"A","url":"' + "/.." * 600 + '"},', "{}]}"),
    "tags of one": ('{"items":[{"title":"A","tags":[', '"ab c",', '""]}]}'),
}
XML = {
    "items": (_HEAD, "<item/>", _TAIL),
    "titled items": (_HEAD, "<item><title>A title</title></item>", _TAIL),
    "full items": (
        _HEAD,
        (
            "<item><title>A &amp; B</title><link>https://x.example/1</link><guid>1</guid>"
            "<dc:creator>A B, C D</dc:creator>"
            "<pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate><category>a</category><description>d</description></item>"
        ),
        _TAIL,
    ),
    "dates": (_HEAD + "<item>", "<pubDate>Mon, 02 Mar 2026 10:00:00 GMT</pubDate>", "</item>" + _TAIL),
    "elements": (_HEAD + "<item>", "<a/>", "</item>" + _TAIL),
    "categories": (_HEAD + "<item>", "<category>a</category>", "</item>" + _TAIL),
    "links": (_HEAD + "<item>", '<link href="a"/>', "</item>" + _TAIL),
    "authors": (_HEAD + "<item>", "<author>a@b.example (A B)</author>", "</item>" + _TAIL),
    "long author": (_HEAD, "<item><author>" + "a" * 75_000 + "</author></item>", _TAIL),
    "long author in pieces": (
        _HEAD,
        "<item><dc:creator>" + ("a" * 39 + "<b/>") * 1_900 + "</dc:creator></item>",
        _TAIL,
    ),
    "full authors": (_HEAD, f"<item>{_ARXIV}<dc:creator>{'1,' * 39_500}</dc:creator></item>", _TAIL),
    "bracketed authors": (_HEAD, f"<item>{_ARXIV}<dc:creator>{'(' * 79_000}</dc:creator></item>", _TAIL),
    "long date": (_HEAD + "<item><title>A</title><pubDate>", "1", "</pubDate></item>" + _TAIL),
    "long date of spaces": (_HEAD + "<item><title>A</title><pubDate>Mon", " ", "x</pubDate></item>" + _TAIL),
    "long title": (_HEAD + "<item><title>", "a ", "</title></item>" + _TAIL),
    "wide title": (_HEAD + "<item><title>\U0001f600", "a", "</title></item>" + _TAIL),
    "html": (_HEAD + "<item><title>A</title><description>", "&lt;b&gt;", "</description></item>" + _TAIL),
    "html items": (
        _HEAD,
        "<item><title>A</title><description><![CDATA[" + "<b>" * 20_000 + "]]></description></item>",
        _TAIL,
    ),
    "references": (_HEAD + "<item><title>", "&#65;", "</title></item>" + _TAIL),
    "comments": (_HEAD, "<!---->", _TAIL),
    "one comment": (_HEAD + "<!--", "a", "-->" + _TAIL),
    "instructions": (_HEAD, "<?a b?>", _TAIL),
    "cdata": (_HEAD + "<item><title>", "<![CDATA[a]]>", "</title></item>" + _TAIL),
    "deep": (_HEAD, "<a>", _TAIL),
    "one attribute": (_HEAD + '<item a="', "a", '"/>' + _TAIL),
    "a tag with > in it": (_HEAD + "<item ", "a='>' ", "/>" + _TAIL),
    "a long name": (_HEAD + "<", "a", "/>" + _TAIL),
    "doctype": ("<!DOCTYPE rss [", "<!ELEMENT a (b)>", "]>" + _HEAD + _TAIL),
    "attribute defaults": ("<!DOCTYPE rss [<!ATTLIST item a CDATA '" + "a" * 1000 + "'>]>" + _HEAD, "<item/>", _TAIL),
    "long doctype": ("<!DOCTYPE rss SYSTEM '", "a", "'>" + _HEAD + _TAIL),
    "unclosed tags": (_HEAD, "<a ", ""),
    "unclosed quotes": (_HEAD + "<a b='", "a", ""),
    "damaged items": (_HEAD + "& <item><title>A</title></item>", "<item><title>A & B</title></item>", _TAIL),
    "damaged entities": (_HEAD + "<item><title>", "&nbsp;", "</title></item>" + _TAIL),
    "spaces": (_HEAD + "<item><title>A</title><dc:creator>A B", " ", "C</dc:creator></item>" + _TAIL),
    "tex names": (_HEAD + "<item><title>A</title><dc:creator>A B", ", \\'e \\'e", "</dc:creator></item>" + _TAIL),
}
DAMAGED = {
    "long author": (_HEAD + "<b></c><item><title>A</title><author>", "a", ""),
    "spaces in front": ("\n" * 20_000 + _HEAD + "<b></c>", "a", ""),
    "nothing but spaces": ("", "\n", "<a>"),
}
NUMBERED = {
    "attributes": (_HEAD + "<item ", "aN='' ", "/>" + _TAIL),
    "attributes of many": (_HEAD, "<item " + " ".join(f"a{n}N=''" for n in range(40)) + "/>", _TAIL),
    "names of elements": (_HEAD + "<item>", "<aN/>", "</item>" + _TAIL),
    "namespaces": (_HEAD, "<item xmlns:aN='http://a.example/N'><aN:b/></item>", _TAIL),
    "keys": ('{"items":[{', '"keyN":1,', '"a":1}]}'),
}
DAMAGE = ("<a ", '<a b="c" ', "<a>", "</a>", "<![CDATA[", "<!--", "&", "&#1;", "<?a", "<a b='", "]]>", "<item>", "<!a")


def bodies(size: int = SIZE, only: str = "") -> Iterator[tuple[str, bytes]]:
    """Every hostile answer with its name, or only the answer with the name `only`."""
    makers: dict[str, tuple[Callable[[str, str, str, int], bytes], tuple[str, str, str], int]] = {}
    for kind, forms in (("json", JSON), ("xml", XML)):
        makers |= {f"{kind}: {name}": (_filled, parts, size) for name, parts in forms.items()}
    makers |= {f"numbered: {name}": (_numbered, parts, size) for name, parts in NUMBERED.items()}
    for piece in DAMAGE:
        for large in (900_000, SIZE):
            makers[f"damaged: {piece} {large}"] = (_filled, (_HEAD + "<item><title>", piece, ""), min(large, size))
    makers |= {f"damaged: {name}": (_filled, parts, min(900_000, size)) for name, parts in DAMAGED.items()}
    for name, (fill, parts, limit) in makers.items():
        if only in ("", name):
            yield name, fill(*parts, limit)
