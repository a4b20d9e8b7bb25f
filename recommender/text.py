"""The text of papers: `words` splits it for the index, `display` turns its TeX into Unicode for people."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from threading import Lock
from typing import Literal

import Stemmer

from recommender.tex import converted

LONGEST_TEXT = 100_000
"""The most characters of one field that are read. A real abstract is shorter, but a hostile one may be longer."""
_LONGEST_WORD = 64

# Scripts that are written without spaces. Each character is a word here, and a search for two of them is a phrase.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNSPACED_WORD = re.compile(f"[{_UNSPACED}]")
_SIGNED = r"(?<!\w)[a-z](?:\+\+(?!\+)|[#*](?![\w#*]))"
"""Names of one letter with signs, such as C++, C# and A*."""
_ASCII_WORD = re.compile(r"[a-z0-9_]+")
_SIGNED_ASCII_WORD = re.compile(rf"{_SIGNED}|{_ASCII_WORD.pattern}")
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufff0-\ufffb\U000e0000-\U000e007f]"
)
_VARIANT = re.compile("[\ufe00-\ufe0f]")  # whether a sign is drawn as an emoji
_MOST_MARKS = 30
_HALFWIDTH_MARKS = "\uff9e\uff9f"  # letters by themselves, accents once they are normalized
_MARKS = re.compile(rf"(?:[^\w\s\x00-\x7f]|[{_HALFWIDTH_MARKS}]){{{_MOST_MARKS + 1},}}")
"""A run of characters that may be accents: neither letters nor spaces."""
_TEX_SIGN = re.compile(r"[\\$]")
_TEX_ACCENT = re.compile(r"""\\(?P<accent>["'`^~=.]|[cHuvk](?=[\s{]))\s*\{?\\?(?P<letter>[A-Za-z])\}?""")
_TEX_STYLE = re.compile(
    r"\\(?:text|math|operator)?(?:it|bf|tt|rm|sf|sc|cal|bb|frak|scr|emph|name|underline|mbox|left|right|boldsymbol)?(?![A-Za-z])"
)
_TEX_VARIANT = re.compile(r"\\(?:var(?=(?:epsilon|theta|kappa|pi|rho|sigma|phi)(?![A-Za-z]))|el(?=l(?![A-Za-z])))")
_TEX_LINK = re.compile(r"\\(?:url|href|cite[pt]?|ref|label)\*?\s*\{[^{}]*\}")
_COMBINING = {
    '"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", "=": "\u0304", ".": "\u0307",
    "c": "\u0327", "H": "\u030b", "u": "\u0306", "v": "\u030c", "k": "\u0328",
}  # fmt: skip

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}
)
"""Letters of European names that do not split into a letter and an accent, and what people type who lack the key."""
_POINTS = frozenset(range(10, 37))
"""The combining classes of vowel signs in Hebrew and Arabic. Most texts leave these signs out."""
_ACCENTS = 200
"""The first combining class of accents. Marks of lower classes are letters of their script."""
# A single Greek letter, as in β or π0, is a symbol. Several in a row are a Greek word.
_SYMBOL = re.compile("(?<![α-ω])[α-ω](?![α-ω])")

STOP_WORDS = frozenset(
    """a about above across after afterwards again against all almost alone along already also although always am among
    amongst an and another any anyhow anyone anything anyway anywhere are around as at back be became because become
    becomes becoming been before beforehand behind being below beside besides between beyond both but by can cannot
    could did do does doing done down due during each eg either else elsewhere enough etc even ever every everyone
    everything everywhere except few for former formerly from further get give go had has hasn have having he hence her
    here hereby herein hers herself him himself his how however i ie if in indeed instead into is it its itself keep
    last latter least less ltd made many may me meanwhile might mine more moreover most mostly much must my myself
    namely neither never nevertheless next no nobody none nor not nothing now nowhere of off often on once one only onto
    or other others otherwise our ours ourselves out over own per perhaps please put rather re same see seem seemed
    seeming seems several she should since so some somehow someone something sometime sometimes somewhere still such
    take than that the their theirs them themselves then thence there thereafter thereby therefore therein these they
    this those though through throughout thus to together too toward towards under until up upon us very via was we
    well were what whatever when whence whenever where whereas whereby wherein whereupon wherever whether which while
    who whoever whole whom whose why will with within without would yet you your yours yourself yourselves""".split()  # noqa: SIM905 - a list of 280 quoted words reads worse
)
"""English words without a subject. The learner does not see them."""

EVERYDAY_WORDS = frozenset(
    """able according achieve achieved achieves achieving add added adding additional additionally address addressed
    addresses addressing adopt adopted adopting adopts advance advanced advancements advances advancing aim aimed aiming
    aims allow allowing allows alongside alternative alternatives applicability applicable application applications
    applied applies apply applying approach approaches approximately associated attain attains availability available
    avoid avoiding avoids based beneficial benefit benefits best better broad broader broadly building builds built
    capability capable careful carefully challenge challenges challenging clear clearly close closely combination
    combinations combine combined combines combining come comes common commonly comparable comparative compare compared
    compares comparing comparison comparisons complement complementary comprehensive conduct conducted confirm
    confirming confirms consider considerable consist consistent consistently consisting consists contribute contributes
    contributing contribution contributions corresponding create creating crucial crucially current currently deliver
    delivering delivers demonstrate demonstrated demonstrates demonstrating depend depending depends designed despite
    determine develop developed developing development developments different difficult difficulty directly distinct
    diverse dramatically drastically easily effect effective effectively effectiveness efficacy efficiency efficient
    efficiently emerged emerging emphasize emphasizing employ employed employing employs enable enabled enables enabling
    encompasses enhance enhanced enhances enhancing ensure ensures ensuring entire entirely especially essential
    establish established establishes establishing evaluate evaluated evaluating exceeding excessive exhibit exhibited
    exhibiting exhibits exist existing exists experiment experimental experiments explicitly explore explored explores
    exploring extend extended extending extends extensive extensively facilitate facilitates facilitating fail fails
    fewer finally finding findings focus focused focuses focusing follow followed following follows found foundational
    framework frameworks fully fundamental fundamentally furthermore gain gained gains general generally given good
    great greater heavily help helps higher highest highlight highlighting highlights highly hinder hindering hinders
    identified identifies identify identifying impact implement implemented implementing importance important
    importantly impractical improve improved improvement improvements improves improving inaccurate include included
    includes including incorporate incorporated incorporates incorporating increase increased increases increasing
    increasingly indicate indicates indicating individual inefficient inherent inherently innovative insight insights
    inspired insufficient integrate integrates integrating interest introduce introduced introduces introducing
    investigate investigated investigation involve involved involves involving issue issues lack lacking lacks largely
    lead leading leads leverage leveraged leverages leveraging lies limit limitation limitations limited limits main
    mainly maintain maintaining maintains major makes making meaningful meet meets methodologies methodology mitigate
    mitigates mitigating motivated multiple nature nearly necessary necessity need needed needs new newly notable
    notably novel numerous observe observed obtain obtained obtaining occur offer offering offers outperform outperforms
    overall overcome overcomes overcoming paper particular particularly paving perform performance performed performing
    performs pivotal play plays poorly posing possible potential potentially powerful practical presence present
    presented presenting presents prevalent prevent preventing previous previously primarily primary produce produced
    produces producing prominent promising pronounced propose proposed proposes proposing proven provide provided
    provides providing ranging rapid rapidly readily recent recently reduce reduced reduces reducing regarding
    regardless relatively relevant reliance relies rely relying remain remaining remains remarkable remarkably represent
    represents require required requirements requires requiring respectively result resulting results reveal revealing
    reveals scale scenarios seeks seen serve serves setting settings severe severely show showcase showcases showcasing
    showed showing shown shows significance significant significantly similar similarly simple simply simultaneously
    solely solution solutions specific specifically straightforward strategies strategy strong stronger strongly
    struggle struggles studied studies study subsequent subsequently substantial substantially success successful
    successfully suffer suffering suffers sufficient suggest suggesting suggests suitable suited superior supporting
    supports systematically tackle tackles tackling tailored taken takes technique techniques thorough traditional
    traditionally typical typically ultimately underscore underscores underscoring unexplored unique uniquely
    unprecedented use used useful uses using usually utilization utilize utilized utilizes utilizing validate validated
    validates validating variety various varying vital wide widely widespread work works years yield yielding
    yields""".split()  # noqa: SIM905 - as above
)
"""Words that papers of every subject have: of the words in at least 0.4 % of the abstracts of arXiv in 2025, those
whose papers spread over arXiv's categories as all papers do (a Kullback-Leibler divergence below 0.055), and other
forms of these. A word that names a subject together with its neighbour is not in the list, such as those of "language
models" and "zero shot"; they were removed by hand. The learner sees an everyday word, but forms no pair with it and
never gives it as a reason."""
_ADDRESS_WORDS = frozenset("http https www com org net io html github huggingface gitlab url".split())  # noqa: SIM905
"""Words of web addresses. They have no subject."""

_stemmer = Stemmer.Stemmer("english")
_stemmer_lock = Lock()  # a Stemmer object is not safe in two threads at once


def words(text: str) -> list[str]:
    """The words of `text` in order, in lower case, without TeX commands. Hyphens and most signs separate words."""
    text = plain(text[:LONGEST_TEXT]).lower()
    signed = "++" in text or "#" in text or "*" in text
    if text.isascii():
        return (_SIGNED_ASCII_WORD if signed else _ASCII_WORD).findall(text)
    text = normalized("NFKC", _INVISIBLE.sub("", text)).lower()
    marks = sorted(char for char in set(_VARIANT.sub("", text)) if unicodedata.category(char) in ("Mn", "Mc"))
    return [word[:_LONGEST_WORD] for word in _word("".join(marks), signed).findall(text)]


def unspaced(word: str) -> bool:
    """Whether `word` is one character of a script that is written without spaces. Several of these make what other
    scripts call a word."""
    return bool(_UNSPACED_WORD.fullmatch(word))


def plain(text: str) -> str:
    """`text` with TeX's accents applied and its style commands removed. The names of symbols stay as words."""
    if not _TEX_SIGN.search(text):
        return text
    text = _TEX_LINK.sub(" ", text.replace(r"\#", "#"))
    text = _TEX_ACCENT.sub(lambda m: unicodedata.normalize("NFC", m["letter"] + _COMBINING[m["accent"]]), text)
    text = _TEX_VARIANT.sub(r"\\", text)
    return _TEX_STYLE.sub(" ", text).replace("$", "").replace("{", "").replace("}", "")


def fold(word: str) -> str:
    """`word` without case and accents. Marks that are letters of their script stay."""
    if word.isascii():
        return word.lower()
    characters = normalized("NFKD", word.casefold()).translate(_LETTERS)
    letters = "".join(char for char in characters if not _is_accent(unicodedata.combining(char)))
    return unicodedata.normalize("NFC", letters) or word


@lru_cache(maxsize=65_536)  # few words make up nearly all of every text
def stem(word: str) -> str:
    """The form of `word` that search compares: folded, with Greek symbols by their names, and cut to its English stem
    (Snowball). All spellings of a symbol have the same stem: π₀, π_0 and pi0."""
    folded = fold(word)
    if not folded.isascii():
        folded = _SYMBOL.sub(lambda letter: _letter_name(letter[0]), folded)
    with _stemmer_lock:
        return str(_stemmer.stemWord(folded.replace("_", "") or folded))


def is_content_word(word: str) -> bool:
    """Whether the learner sees `word`: it begins with a letter, and is no stop word and no part of a web address."""
    if word in STOP_WORDS or word in _ADDRESS_WORDS:
        return False
    return word[:1].isalpha() and (len(word) > 1 or not word.isascii())


def names(author: str) -> list[str]:
    """The folded words of an author's name."""
    return [fold(word) for word in words(author)]


def may_be_tex(text: str) -> bool:
    """Whether `text` has any sign of TeX."""
    return bool(_TEX_SIGN.search(text))


def visible(text: str) -> str:
    """`text` without invisible characters: controls, lone surrogates, and marks that change the direction of text."""
    return text if text.isprintable() else _INVISIBLE.sub("", text)


def normalized(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """`text` in a Unicode normal form, with at most 30 accents in a row (as in Unicode's Stream-Safe Text Format,
    UAX 15). Without that limit the time grows with the square of the number of accents: 80,000 take five seconds."""
    if text.isascii():
        return text
    return unicodedata.normalize(form, _MARKS.sub(_fewer_marks, text))


def display(text: str, *, is_tex: bool = False) -> str:
    """`text` for people: with TeX as Unicode, without invisible characters, and with single spaces.

    TeX that cannot be converted stays as it is. `is_tex` says that the text is TeX, even if it has no command and no
    formula.
    """
    text = visible(text)
    if is_tex or _TEX_SIGN.search(text):
        text = _INVISIBLE.sub("", converted(text))
    return " ".join(normalized("NFC", text).split())


def _fewer_marks(run: re.Match[str]) -> str:
    kept, row = [], 0
    for char in run[0]:
        row = row + 1 if unicodedata.combining(char) or char in _HALFWIDTH_MARKS else 0
        if row <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)


@lru_cache(maxsize=256)
def _word(marks: str, signed: bool) -> re.Pattern[str]:
    """The pattern of a word in a text with these combining marks, which belong to the letter before them. In a `signed`
    text, names such as C++ are words too."""
    letter = rf"[^\W{_UNSPACED}]"
    word = rf"{letter}(?:{letter}|[{marks}])*" if marks else rf"{letter}+"
    return re.compile(rf"{_SIGNED}|[{_UNSPACED}]|{word}" if signed else rf"[{_UNSPACED}]|{word}")


def _letter_name(letter: str) -> str:
    """The English name of a Greek letter. Unicode's own name of λ has LAMDA."""
    return unicodedata.name(letter).rpartition(" ")[2].lower().replace("lamda", "lambda")


def _is_accent(combining_class: int) -> bool:
    """Whether marks of this canonical combining class are ignored where words are compared (Unicode, 4.3)."""
    return combining_class >= _ACCENTS or combining_class in _POINTS or combining_class == 1
