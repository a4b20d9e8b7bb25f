r"""Turns the TeX of titles, abstracts and names into Unicode, in one pass over the text.

The meaning of commands comes from the tables of pylatexenc. Its parser is not used, because it starts again from every
unclosed bracket: 200 characters of `\sqrt[\sqrt[` keep it busy for hours. The reader in this module never goes back, so
its time grows with the length of the text. A text that is too long, too deeply nested or not closed stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

LONGEST = 20_000
"""The most characters of a text that is converted. Sources give no longer abstract."""
_DEEPEST = 12
"""The most levels of nested groups and arguments. Real abstracts have up to five."""

_ACCENTS = {
    "'": "\u0301", "`": "\u0300", '"': "\u0308", "c": "\u0327", "^": "\u0302", "~": "\u0303", "H": "\u030b",
    "k": "\u0328", "=": "\u0304", "b": "\u0331", ".": "\u0307", "d": "\u0323", "r": "\u030a", "u": "\u0306",
    "v": "\u030c", "vec": "\u20d7", "dot": "\u0307", "hat": "\u0302", "check": "\u030c", "breve": "\u0306",
    "acute": "\u0301", "grave": "\u0300", "tilde": "\u0303", "bar": "\u0305", "ddot": "\u0308", "not": "\u0338",
}  # fmt: skip
_STYLES = {
    "mathbf": "bold", "mathit": "italic", "mathsf": "sans", "mathbb": "doublestruck", "mathtt": "monospace",
    "mathcal": "script", "mathscr": "script", "mathfrak": "fraktur",
}  # fmt: skip
_TEMPLATES = {
    "texorpdfstring": "%(2)s", "href": "%(2)s <%(1)s>", "title": "%s", "author": "%s", "date": "%s", "item": " * ",
    "part": "%(3)s", "chapter": "%(3)s", "section": "%(3)s", "subsection": "%(3)s", "subsubsection": "%(3)s",
    "paragraph": "%(3)s", "subparagraph": "%(3)s", "%": "%", "maketitle": "", "input": "", "include": "",
    "includegraphics": "", "today": "", "begin": "", "end": "",
}  # fmt: skip
"""Commands for which pylatexenc has code instead of a text."""
_CITATION = "\0"
"""The mark of a citation until the whole text is converted."""
_LOOKS = """
    Big Bigg Biggl Biggr Bigl Bigr Huge LARGE Large allowbreak bf bfseries big bigg biggl biggr bigl bigr bigskip bm
    bold boldmath boldsymbol cal centering displaystyle em frak hfill huge indent it itshape large left limits linebreak
    lowercase mathbin mathop mathrel medskip middle mit newline nolimits noindent nonumber normalfont normalsize notag
    null operatorname pagebreak pmb protect relax right rm rmfamily romannumeral sc scriptscriptstyle scriptsize
    scriptstyle sf sffamily sl small smallskip smash substack textnormal textstyle tiny tt ttfamily uppercase upshape
    xspace
""".split()  # noqa: SIM905 - a list of 80 quoted words reads worse
"""Commands for the style of a text. They print nothing themselves."""
_CITES = ("citealp", "citealt", "parencite", "textcite", "autocite", "footcite", "nocite")
_MORE_TEMPLATES = {
    **dict.fromkeys(_LOOKS, ""),
    **dict.fromkeys(("label", "color", "newcommand", "renewcommand", "providecommand"), ""),
    **dict.fromkeys(("phantom", "hphantom", "vphantom"), ""),
    **dict.fromkeys((*_CITES, "cite", "citep", "citet", "citeauthor", "citeyear", "ref", "eqref", "cref"), _CITATION),
    "LaTeX": "LaTeX", "TeX": "TeX", "LaTeXe": "LaTeX2ε", "BibTeX": "BibTeX", "eg": "e.g.", "ie": "i.e.",
    "etal": "et al.", "deg": "°", "degree": "°", "celsius": "°C", "percent": "%", "pounds": "£", "circledR": "®",
    "textendash": "–", "textemdash": "—", "textgreater": ">", "textless": "<", "gt": ">", "lt": "<", "slash": "/",
    "colon": ":", "par": " ", "space": " ", "over": "/", "choose": " choose ", "ne": "≠", "neg": "¬", "land": "∧",
    "lor": "∨", "iff": "⟺", "models": "⊨", "leadsto": "⇝", "bot": "⊥", "Box": "□", "Diamond": "◇", "triangle": "△",
    "checkmark": "✓", "Re": "ℜ", "Im": "ℑ", "bmod": "mod", "pmod": "mod", "binom": "(%s choose %s)",
    "tfrac": "%s/%s", "dfrac": "%s/%s", "sfrac": "%s/%s", "cfrac": "%s/%s", "mathds": "%s", "Bbb": "%s",
}  # fmt: skip
"""Commands that pylatexenc's tables lack, or convert to something that readers of abstracts do not expect."""
_FORMS = {
    **dict.fromkeys(_ACCENTS, "{"),
    **dict.fromkeys(("part", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph"), "*[{"),
    **dict.fromkeys(("tfrac", "dfrac", "sfrac", "cfrac", "binom"), "{{"),
    **dict.fromkeys(_CITES, "*[[{"),
    **dict.fromkeys(("mathds", "Bbb", "phantom", "hphantom", "vphantom"), "{"),
    "href": "{{",
}  # fmt: skip
"""The arguments of commands that are missing or wrong in pylatexenc's table."""
_MATH = {"(": True, "[": True, ")": False, "]": False}
_DOTLESS = {"ı": "i", "ȷ": "j"}
_LIGATURES = {"---": "—", "--": "–", "``": "“", "''": "”", "!`": "¡", "?`": "¿", "~": " "}

_PLAIN = re.compile(r"[^\\{}$~`'!?\-&]+")
_LIGATURE = re.compile("|".join(map(re.escape, _LIGATURES)))
_NAME = re.compile(r"\\([A-Za-z]+|.)", re.DOTALL)
_SPACE = re.compile(r"\s*")
_DOLLAR = re.compile(r"(?<!\\)\$")
_AMOUNT = re.compile(
    r"(?:\d[^\\^_={}<>$]*(?:\s\$.?|[^\s\d.,$]\$\d)|\S[^\\^_={}<>$]*[A-Za-z]{3}[^\\^_={}<>$]*\s\$\w)", re.DOTALL
)
"""The text from one dollar sign to the character after the next one, where both mean money: $5 per hour and $10,
US$5-$10."""
_MARKS = r"\0(?:[,;]? ?\0)*"
_LEAD = r"(?:(?:see(?: also)?|cf\.?|e\.g\.,?) )*"
_CITED = re.compile(
    rf" ?[(\[] ?{_LEAD}{_MARKS} ?[)\]]|[,;]? ?\b(?=see|cf|e\.g){_LEAD}{_MARKS}"
    rf"|(?P<noun>^|\b(?:and|as|at|by|following|from|in|of|on|or|per|than|to|via|with)) ?{_MARKS}| ?{_MARKS}"
)
"""A citation with the words that only lead to it, such as "see". Where the citation is a noun of its sentence, `noun`
holds the preposition before it."""
_BRACKET = re.compile(r"\\.|[{}\[\]]", re.DOTALL)


class _Senseless(Exception):
    """The text is not TeX that can be converted."""


@dataclass(frozen=True, slots=True)
class _Macro:
    """A command. `arguments` has one character for each argument: * and [ are optional, { is required. `template` is
    the text of the command, with places for the arguments."""

    arguments: str
    template: str


def converted(text: str) -> str:
    """`text` with its TeX as Unicode, or the same text if its TeX cannot be converted."""
    if len(text) > LONGEST:
        return text
    try:
        return _without_citations(_Reader(text.replace(_CITATION, "")).read(len(text)))
    except Exception:  # the reader sees the text with its TeX, rather than nothing
        return text


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._math = False
        self._closing = _closing(text)
        self._money = _money(text)

    def read(self, end: int) -> str:
        """The text from here to `end`, converted."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Senseless
        pieces: list[str] = []
        while self._at < end:
            if plain := _PLAIN.match(self._text, self._at, end):
                self._at = plain.end()
                pieces.append(plain[0])
            else:
                pieces.append(self._sign(end))
        self._depth -= 1
        return "".join(pieces)

    def _sign(self, end: int) -> str:
        sign = self._text[self._at]
        if sign == "\\":
            return self._command(end)
        if sign == "{":
            return self._group()
        if ligature := _LIGATURE.match(self._text, self._at, end):
            self._at = ligature.end()
            return _LIGATURES[ligature[0]]
        self._at += 1
        if sign == "$" and self._at - 1 not in self._money:
            self._math = not self._math
            return ""
        return sign

    def _group(self) -> str:
        """The content of the group or optional argument that begins here, converted."""
        close = self._closing[self._at]
        self._at += 1
        inside = self.read(close)
        self._at = close + 1
        return inside

    def _command(self, end: int) -> str:
        name = self._name(end)
        if name in _MATH:
            self._math = _MATH[name]
            return ""
        if name in ("begin", "end"):
            return self._environment(name, end)
        if name == "unicode":
            code = self._argument("{", end)
            return chr(int(code[1:], 16) if code[0] == "x" else int(code))
        macro = _macros().get(name)
        if macro is None:
            return self._unknown(name, end)
        if not macro.arguments:
            return macro.template + self._space_after(macro.template, name, end)
        values = [self._argument(kind, end) for kind in macro.arguments]
        if name in _ACCENTS:
            return _accented(values[0].strip(), _ACCENTS[name])
        if name in _STYLES:
            from pylatexenc.latex2text import fmt_math_text_style

            return str(fmt_math_text_style(values[0], _STYLES[name]))
        if "%(" in macro.template:
            return macro.template % {str(n): value for n, value in enumerate(values, 1)}
        return macro.template % tuple(values) if "%s" in macro.template else macro.template

    def _name(self, end: int) -> str:
        found = _NAME.match(self._text, self._at, end)
        if not found:
            raise _Senseless
        self._at = found.end()
        return found[1]

    def _unknown(self, name: str, end: int) -> str:
        """The text of a command that the author has defined. If a group follows, the command is probably a style of it
        and has no text. Otherwise the text is the command's name, which is often the name of a method."""
        if not name[0].isalpha() or self._closing.get(self._at, self._at + 1) > self._at + 1:
            return ""
        return name + self._space_after(name, name, end)

    def _space_after(self, template: str, name: str, end: int) -> str:
        """The space after a command of letters, or "". TeX prints no such space. It is kept before plain text in a
        formula, and after a word, because most authors expect one there."""
        if not name[0].isalpha():
            return ""
        space = _SPACE.match(self._text, self._at, end)
        assert space
        self._at = space.end()
        seen = (self._math and template) or (len(template) > 1 and template[0].isalpha())
        return space[0] if seen and _PLAIN.match(self._text, self._at, end) else ""

    def _environment(self, name: str, end: int) -> str:
        kind = self._argument("{", end)
        if name == "begin":
            for argument in _environments().get(kind, ""):
                self._argument(argument, end)
        return " "

    def _argument(self, kind: str, end: int) -> str:
        space = _SPACE.match(self._text, self._at, end)
        assert space
        start = space.end()
        sign = self._text[start] if start < end else ""
        if kind == "*" or kind == "[":
            if sign != kind or (kind == "[" and self._closing.get(start, end) >= end):
                return ""
            self._at = start
            if kind == "[":
                return self._group()
            self._at += 1
            return ""
        self._at = start
        if sign == "{":
            return self._group()
        if sign == "\\":
            macro = _macros().get(self._name(end))
            return macro.template if macro and not macro.arguments else ""
        if not sign or sign in "$[":
            raise _Senseless
        self._at += 1
        return sign


def _money(text: str) -> set[int]:
    """The positions of dollar signs that mean money and do not delimit a formula: those without a partner, and those
    of amounts such as $5 or $10."""
    dollars = [found.start() for found in _DOLLAR.finditer(text)]
    money: set[int] = set()
    formula = False
    for at, partner in pairwise([*dollars, len(text)]):
        if formula:
            formula = False
        elif partner == len(text) or _AMOUNT.fullmatch(text, at + 1, min(partner + 1, len(text) - 1) + 1):
            money.add(at)
        else:
            formula = True
    return money


def _without_citations(text: str) -> str:
    """The text without the marks of citations, and without words such as "see" that only lead to one."""
    if _CITATION not in text:
        return text
    return _CITED.sub(lambda cited: "" if cited["noun"] is None else f"{cited['noun']} […]", " ".join(text.split()))


def _closing(text: str) -> dict[int, int]:
    """The position of the closing bracket for the position of each opening one. Braces must pair. A square bracket
    without a partner is a plain character."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for found in _BRACKET.finditer(text):
        sign, at = found[0], found.start()
        if sign in ("{", "["):
            opened.append(at)
        elif sign == "]":
            if opened and text[opened[-1]] == "[":
                closing[opened.pop()] = at
        elif sign == "}":
            while opened and text[opened[-1]] == "[":
                opened.pop()
            if not opened:
                raise _Senseless
            closing[opened.pop()] = at
    if any(text[at] == "{" for at in opened):
        raise _Senseless
    return closing


def _accented(text: str, accent: str) -> str:
    """`text` with the accent on every letter. A mark that is there already gets no accent."""
    letters = (_DOTLESS.get(letter, letter) for letter in text)
    return "".join(
        letter if unicodedata.combining(letter) else unicodedata.normalize("NFC", letter + accent) for letter in letters
    )


@cache
def _macros() -> dict[str, _Macro]:
    """All known commands by their names, from the tables of pylatexenc and of this module."""
    # Imported here, because these tables take as long to read as all other imports of this package.
    from pylatexenc.latex2text import get_default_latex_context_db as texts
    from pylatexenc.latexwalker import get_default_latex_context_db as forms

    arguments: dict[str, str] = {}
    for form in forms().iter_macro_specs():
        arguments.setdefault(form.macroname, getattr(form.args_parser, "argspec", None) or "")
    templates = {name: "%s" * wanted.count("{") for name, wanted in arguments.items()}
    for text in reversed(list(texts().iter_macro_specs())):  # of two with one name the first counts
        if isinstance(text.simplify_repl, str):
            templates[text.macroname] = text.simplify_repl
    templates |= _TEMPLATES | _MORE_TEMPLATES
    arguments |= _FORMS
    found = {}
    for name, template in templates.items():
        wanted = arguments.get(name, "")
        if "%(" not in template and template.count("%s") not in (0, len(wanted)):
            if template.count("%s") != wanted.count("{"):
                continue
            positions = [n for n, kind in enumerate(wanted, 1) if kind == "{"]
            template = "".join(f"%({n})s" for n in positions)
        found[name] = _Macro(wanted, template)
    return found


@cache
def _environments() -> dict[str, str]:
    """The arguments of each environment, written like those of a command."""
    from pylatexenc.latexwalker import get_default_latex_context_db as forms

    return {
        form.environmentname: getattr(form.args_parser, "argspec", None) or ""
        for form in reversed(list(forms().iter_environment_specs()))
    }
