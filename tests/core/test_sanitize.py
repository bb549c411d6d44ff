"""Laws of the sanitizer: what may leave it, that cutting a stream changes nothing, that ordinary writing passes unchanged."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, strategies as st
from wcwidth import wcswidth

from plait.core.characters import Kind, kind_of
from plait.core.sanitize import MAX_JOINS, MAX_MARKS, StreamSanitizer, sanitize, sanitize_line

ESC = "\x1b"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"

# Invisible, though the general category does not say so (contract row A76 and its kind).
UNSEEN = {0xAD, 0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFFA0} | set(range(0xFFF0, 0xFFFC)) | set(range(0x2060, 0x2070))
UNSEEN |= {*range(0xE0000, 0xE1000), *range(0xFDD0, 0xFDF0), *(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF))}
DRAWN_FORMATS = {*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
NOT_JOINING = {"LATIN", "GREEK", "CYRILLIC", "CJK", "HANGUL", "HIRAGANA", "KATAKANA", "HEBREW", "THAI", ""}

SCRIPTS = [
    "Plain ASCII: ~!@#$%^&*()_+ {}|:\"<>? 'quoted' \\ `code`\n\tindented",
    "Français, Ünïcödé, Tiếng Việt, Türkçe, Ελληνικά, Русский, Ћирилица",
    unicodedata.normalize("NFD", "Français Tiếng Việt ế ộ"),
    "漢字かな交じり文、カタカナ。中文（简体）繁體 한국어",
    unicodedata.normalize("NFD", "한국어 파일 이름"),
    "שָׁלוֹם עֲלֵיכֶם בְּרֵאשִׁ֖ית",
    "العَرَبِيَّةُ لُغَةٌ ۱۲۳",
    "می\u200cخواهم کتاب\u200cها",
    "हिन्दी में लिखा क्\u200dष",
    "ශ්\u200dරී ලංකාව ක්\u200dරි",
    "മലയാളം അവന്\u200d നല്ല",
    "বাংলা র\u200d্যাম, தமிழ், తెలుగు, ಕನ್ನಡ, ગુજરાતી, ਪੰਜਾਬੀ",
    "ภาษาไทยที่นี่ ພາສາລາວ မြန်မာစာ ខ្មែរ བོད་སྐད་རྒྱ",
    "ᠮᠣᠩᠭᠣᠯ ᠪᠢ\u180b ᠮᠤ",
    "葛\U000e0100城市 辻\U000e0101",
    "← → ≤ ∑ ∞ ─│┌┐█▌ ␛ ◌ ☃ … – — “quotes” «guillemets» €£¥ \u00a0\u3000",
    "\ue0b0 \uf121 \U000f0a1e icon fonts",
]
EMOJI = [
    FAMILY,
    "\U0001f1e9\U0001f1ea",
    "1\ufe0f\u20e3#\ufe0f\u20e3*\ufe0f\u20e3",
    "\u2764\ufe0f",
    "\u2764\ufe0e",
    "\U0001f44d\U0001f3fd",
    "\U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0001f3f4\u200d\u2620\ufe0f",
    "\U0001f469\U0001f3fb\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f469\U0001f3fd",
    "\U0001f9d1\u200d\U0001f4bb\u2708\ufe0f\u00a9\ufe0f\u2122\ufe0f",
    "\U0001fae9",  # newer than the Unicode of Python 3.11
]

TRICKY = (
    "\r\n\t \x00\x07\x08\x0b\x0c\x1b\x7f\x85\x9b\x9d"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u2028\u2029\u202e\u2066\u2060\u3164\ufe00\ufe0e\ufe0f\ufeff"
    "\uffa0\ufff9\ud83d\ude00\ufdd0\uffff\U000e0001\U000e0041\U000e007f\U000e0100\U0001bca0\u0600"
    "a1#*\u0301\u0308\u20e3\u0939\u094d\u064a\u064e\u1820\u4e00\u1112\u1161\u11ab\u2764\U0001f468\U0001f3fd\U0001f1e9\U0001f3f4"
)
texts = st.one_of(st.text(st.sampled_from(TRICKY), max_size=40), st.text(st.characters(codec=None), max_size=40))


def emoji_like(char: str) -> bool:
    """Whether a ZWJ may stand beside this character."""
    return unicodedata.category(char) in {"So", "Sk", "Sm", "Cn"} and not 0x2500 <= ord(char) < 0x25AA


def joins(char: str) -> bool:
    """Whether this is a letter or mark of a script that uses joiners."""
    return unicodedata.category(char)[0] in "LM" and unicodedata.name(char, "").split(" ")[0] not in NOT_JOINING


def allowed_invisible(text: str, at: int) -> bool:
    """Whether the joiner or selector at this place belongs to writing."""
    char, before, after = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if not before:
        return False
    if char == "\u200d" and (emoji_like(before) or before == "\ufe0f") and after and emoji_like(after):
        return True
    if char in "\u200c\u200d":
        return joins(before)
    if char in "\ufe0e\ufe0f":
        return emoji_like(before) or before in "‼⁉ℹ〰〽" or (before in "0123456789#*" and after == "\u20e3")
    if char in "\u180b\u180c\u180d\u180f":
        return joins(before)
    return unicodedata.name(before, "").startswith("CJK")


def rejected(text: str) -> str:
    """An automaton that knows what may leave the door: the first character that may not, or ""."""
    marks, based = 0, False
    for at, char in enumerate(text):
        code, category = ord(char), unicodedata.category(char)
        if char in "\n\t":
            marks, based = 0, False
        elif code in {0x200C, 0x200D, *range(0xFE00, 0xFE10), *range(0x180B, 0x180E), 0x180F, *range(0xE0100, 0xE01F0)}:
            if not allowed_invisible(text, at):
                return char
        elif category in {"Cc", "Cs", "Zl", "Zp"} or code in UNSEEN or (category == "Cf" and code not in DRAWN_FORMATS):
            return char
        elif category[0] == "M":
            marks += 1
            if marks > MAX_MARKS or not based:
                return char
        else:
            marks, based = 0, True
    return ""


@given(texts)
@example("\U0001f468\u200d" * 20)
def test_only_what_the_automaton_knows_leaves_the_door(text: str) -> None:
    assert rejected(sanitize(text)) == ""


def test_the_automaton_catches_a_door_left_open() -> None:
    for hostile in ("\x1b", "\x9b", "\u202e", "\u061c", "a\u200db", "\U000e0041", "\ud800", "\u0301", "a" + "\u0301" * 9, "a\r", "\u3164"):
        assert rejected(hostile)


@given(texts, st.data())
def test_a_stream_cut_anywhere_is_the_whole(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    stream = StreamSanitizer()
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(map(stream.feed, chunks)) + stream.finish() == sanitize(text)
    assert "".join(map(stream.feed, text)) + stream.finish() == sanitize(text)  # as new, one character at a time


@given(texts)
def test_little_is_held_back(text: str) -> None:
    stream = StreamSanitizer()
    said = stream.feed(text)
    assert len(stream.finish()) <= len("<U+200D>") + len(f"<+{len(text)} marks>")
    assert sanitize(text).startswith(said)


@given(texts)
@example("\r\r\n")
def test_twice_is_once(text: str) -> None:
    assert sanitize(sanitize(text)) == sanitize(text)
    assert sanitize_line(sanitize_line(text)) == sanitize_line(text)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("\n\t")))
def test_printable_ascii_is_unchanged(text: str) -> None:
    assert sanitize(text) == text


@given(texts)
def test_every_visible_character_is_kept(text: str) -> None:
    letters = [char for char in text if char.isascii() and char.isprintable()]
    remaining = iter(sanitize(text))
    assert all(char in remaining for char in letters)


@given(texts)
def test_one_line_stays_one_line(text: str) -> None:
    line = sanitize_line(text)
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in line)


@pytest.mark.parametrize("text", SCRIPTS)
def test_ordinary_writing_is_unchanged(text: str) -> None:
    assert sanitize(text) == text


@pytest.mark.parametrize("text", EMOJI)
def test_emoji_keep_their_form_and_width(text: str) -> None:
    assert sanitize(text) == text
    assert wcswidth(sanitize(text)) == wcswidth(text)


@pytest.mark.parametrize(
    ("row", "raw", "shown"),
    [
        ("A66 erase", f"{ESC}[2J{ESC}[1A{ESC}[24D{ESC}[K", "␛[2J␛[1A␛[24D␛[K"),
        ("A66 save, restore, region, repeat", f"{ESC}[s{ESC}[u{ESC}[1;3r{ESC}[999999999b", "␛[s␛[u␛[1;3r␛[999999999b"),
        ("A66 in C1", "\x9b2J", "<U+009B>2J"),
        ("A67 clipboard", f"{ESC}]52;c;cm0=\x07{ESC}]52;c;?{ESC}\\", "␛]52;c;cm0=␇␛]52;c;?␛\\"),
        ("A67 title, directory, notice, file, colour", f"{ESC}]0;x\x07{ESC}]7;f{ESC}\\\x9d9;n\x9c", "␛]0;x␇␛]7;f␛\\<U+009D>9;n<U+009C>"),
        ("A67 prompt marks, link", f"{ESC}]133;A\x07{ESC}]8;;http://x\x07y", "␛]133;A␇␛]8;;http://x␇y"),
        ("A69 strings", f"{ESC}P$qm{ESC}\\{ESC}Ptmux;{ESC}{ESC}]0;{ESC}_Gf=1{ESC}^p{ESC}Xs", "␛P$qm␛\\␛Ptmux;␛␛]0;␛_Gf=1␛^p␛Xs"),
        ("A69 unterminated, in C1", "\x90q\x98\x9e\x9fafter", "<U+0090>q<U+0098><U+009E><U+009F>after"),
        ("A70 reports", f"{ESC}[c{ESC}[6n{ESC}[21t{ESC}[?u\x05", "␛[c␛[6n␛[21t␛[?u␅"),
        ("A72 modes", f"{ESC}[?1049h{ESC}[?25l{ESC}c{ESC}[!p{ESC}(0\x0e\x0f", "␛[?1049h␛[?25l␛c␛[!p␛(0␎␏"),
        ("A73 overwrite", "good\rEVIL a\b_ \x0b\x0c\x7f\x00", "good␍EVIL a␈_ ␋␌␡␀"),
        ("A73 bells", "\x07" * 10_000, "␇" * 10_000),
        ("A73 line ends", "a\r\nb\r\r\nc\x85d\u2028e\u2029", "a\nb␍\nc<U+0085>d<U+2028>e<U+2029>"),
        ("A75 colours are ours", f"{ESC}[8mhid{ESC}[30;40m{ESC}[38:2::1:2:3m", "␛[8mhid␛[30;40m␛[38:2::1:2:3m"),
        ("A76 bidi", "\u202a\u202e\u2066\u2069\u200e\u200f\u061c", "<U+202A><U+202E><U+2066><U+2069><U+200E><U+200F><U+061C>"),
        ("A76 zero width", "a\u200bb\u200cc\u200dd\u2060\u2064\ufeff", "a<U+200B>b<U+200C>c<U+200D>d<U+2060><U+2064><U+FEFF>"),
        ("A76 tags", "\U000e0001\U000e0041\U0001f3f4\U000e0067\U000e007f", "<U+E0001><U+E0041>\U0001f3f4<U+E0067><U+E007F>"),
        ("A76 selectors", "a\ufe0fb\ufe00\U000e0100 1\ufe0f2", "a<U+FE0F>b<U+FE00><U+E0100> 1<U+FE0F>2"),
        ("A76 two selectors", "\u2764\ufe0f\ufe0f \u4e00\U000e0100\U000e0101", "\u2764\ufe0f<U+FE0F> \u4e00\U000e0100<U+E0101>"),
        ("A76 unseen", "\u00ad\u3164\u115f\u1160\uffa0\ufff9\ufffb", "<U+00AD><U+3164><U+115F><U+1160><U+FFA0><U+FFF9><U+FFFB>"),
        ("A76 joiners beside letters", "\U0001f468\u200dx\u0939\u200d\u200d", "\U0001f468<U+200D>x\u0939\u200d<U+200D>"),
        ("A78 marks", "e" + "\u0301" * 1000 + "f", "e" + "\u0301" * MAX_MARKS + f"<+{1000 - MAX_MARKS} marks>f"),
        ("A78 mark without a base", "\u0301a\n\u0301", "\u25cc\u0301a\n\u25cc\u0301"),
        ("A78 joined for ever", "\u2764\u200d" * 7 + "x", "\u2764\u200d" * MAX_JOINS + "\u2764<U+200D>" + "\u2764<U+200D>x"),
        ("A78 joiners are marks too", "\u0939" + "\u094d\u200d" * 5, "\u0939" + "\u094d\u200d" * 4 + "<+1 marks><U+200D>"),
        ("B08 lone surrogates", "\ud83d a \ude00", "\ufffd a \ufffd"),
        ("noncharacters", "\ufdd0\uffff\U0001fffe", "<U+FDD0><U+FFFF><U+1FFFE>"),
        ("formats", "\U0001bca0\u0600\u06dd", "<U+1BCA0>\u0600\u06dd"),
        ("line end after marks beyond the cap", "e" + "\u0301" * 9 + "\r", "e" + "\u0301" * 8 + "<+1 marks>␍"),
        ("two that are held", "\U0001f468\u200d\u200d 1\ufe0f\ufe0f", "\U0001f468<U+200D><U+200D> 1<U+FE0F><U+FE0F>"),
        ("mark after what is held", "\U0001f468\u200d\u0301", "\U0001f468<U+200D>\u0301"),
        ("held at the end", "\U0001f468\u200d", "\U0001f468<U+200D>"),
    ],
)
def test_attacks_come_out_visible(row: str, raw: str, shown: str) -> None:
    assert sanitize(raw) == shown, row


def test_a_name_cannot_break_its_line() -> None:
    assert sanitize_line("a\nb\tc\r\nd\u2028") == "a␊b␉c␊d<U+2028>"


@pytest.mark.parametrize("plane", range(3))
def test_no_character_that_needs_a_look_goes_through_unseen(plane: int) -> None:
    """The fast path lets whole runs through: every mark is capped and everything invisible is shown, character by character."""
    for char in map(chr, range(plane << 16 | 0xA0, (plane + 1) << 16)):
        kind = kind_of(char)
        if kind in (Kind.MARK, Kind.JOINING_MARK):
            assert sanitize("a" + char * 9) == "a" + char * 8 + "<+1 marks>"
        elif kind in (Kind.HIDDEN, Kind.SURROGATE, Kind.JOINER):
            assert char not in sanitize("a" + char)
