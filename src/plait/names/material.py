"""What is read of the first messages: a bounded part of each, without secrets, code, links and paths.

A person's sentences and what they pasted below them (logs, stack traces, diffs) are kept apart, line by line: the sentences say what
the conversation is about; the paste is asked only where there are none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from plait.names.secret import without_secrets

# The question stands at the start or after the paste. More is not read, whatever the size of the message.
HEAD, TAIL = 1_500, 700

_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))  # scripts without blanks are not of these

_FENCE = re.compile(r"(?P<mark>```+|~~~+)(?P<code>.*?)(?:(?P=mark)|\Z)", re.S)
_INLINE = re.compile(r"`(?P<code>[^`\n]{1,200})`")
_URL = re.compile(
    r"\b[a-z][a-z0-9+.\-]{1,20}://[^\s<>\"'，。；）、？！]+|\b(?:www\.|mailto:)\S+"
    r"|(?<![\w.@\-])(?:[a-z0-9\-]{1,63}\.){1,5}(?:com|org|io|dev|edu|gov|info|biz|de|fr|es|ru|cn|jp|uk|eu|at|ch|nl|it|pl|br|app|ai|co|local|internal)\b(?!\.?\w)\S*",
    re.I,
)
_MAIL = re.compile(r"(?<![\w.+\-])[\w.+\-]{1,80}@[\w.\-]+")
# Names that hold signs, in a form that a name can have. `.js` ends file names too: only these are products.
_SPELLED = (
    (re.compile(r"(?<!\w)([a-z]|obj(?:ective)?-c)\+\+", re.I), r"\1pp"),
    (re.compile(r"(?<!\w)([cfj])#", re.I), r"\1sharp"),
    (re.compile(r"\b(asp|ado|vb|ml)\.net\b", re.I), r"\1net"),
    (re.compile(r"(?<![\w/])\.net\b", re.I), " dotnet"),
    (re.compile(r"\bobjective-c\b", re.I), "objectivec"),
    (re.compile(r"\bsocket\.io\b", re.I), "socketio"),
    (
        re.compile(
            r"\b(node|next|nuxt|vue|react|express|three|d3|moment|ember|backbone|chart|discord|alpine|solid|nest|electron|p5|require|angular"
            r"|knockout|handlebars|paper|babylon|phaser|tensorflow|video|day|swagger|anime|brain|socket|leaflet|bull|passport|sails)\.(js|ts)\b",
            re.I,
        ),
        r"\1\2",
    ),
    (re.compile(r"(?<=\b[Ii]n )go\b|(?<=[a-z] )Go\b(?! to\b)"), "golang"),
    (re.compile(r"\b(?:pull|merge) requests?\b|\bcode reviews?\b", re.I), "review"),
    (re.compile(r"\bin order to\b", re.I), " "),
    (re.compile(r"\b(ci)/(cd)\b", re.I), r"\1\2"),
    (re.compile(r"\b(tcp)/(ip)\b", re.I), r"\1\2"),
)
_PATH = re.compile(
    r"(?<![\w.@+\-/~\\])(?:"
    r"[a-z]:\\\S+|\\\\\S+|@[\w.\-]{1,80}/[\w./\-]+"
    r"|(?:~|\.{1,2})?/[\w.@+\-][\w./@+\-]*"
    r"|[\w.@+\-]{1,80}/[\w.@+\-]{1,80}/[\w./@+\-]*"
    r"|(?:src|lib|libs|app|apps|tests?|docs?|bin|etc|usr|var|tmp|home|pkg|cmd|internal|packages|node_modules|config|scripts)/[\w./@+\-]+"
    r"|(?=[\w.@+\-]{0,80}[\d_])[\w.@+\-]{1,80}/[\w.@+\-]+|[\w.@+\-]{1,80}/[\w@+\-]*[.\d_][\w.@+\-]*"
    r"|[\w@+\-]{1,80}(?:\.[\w@+\-]{1,20}){0,3}\.(?:py|pyi|ipynb|jsx?|tsx?|mjs|cjs|java|kt|kts|go|rs|rb|php|cs|cpp|cc|hpp|hs|ml|ex|exs|erl|swift|scala|clj"
    r"|lua|pl|pm|sh|bash|zsh|ps1|bat|sql|html?|s?css|less|vue|svelte|ya?ml|toml|json|jsonl|xml|ini|cfg|conf|env|lock|log|txt|md|rst|csv|tsv"
    r"|xlsx?|docx?|pdf|png|jpe?g|gif|svg|zip|gz|tar|so|dll|exe|jar|war|proto|tf|tfvars|gradle|csproj|sln|mp[34]|db|sqlite)\b(?::\d+)*"
    r")",
    re.I,
)
_TRACE = re.compile(
    r"^\s*(?:at\s+[\w.$<>/]+\s*\(|File \"|Traceback\b|Caused by:|\.{3} \d+ more|thread '|note: run with|goroutine \d+|panic:"
    r"|Exception in thread|[\w.$]{0,100}(?:Error|Exception|Panic)(?::|\s*$)|Uncaught\b|Unhandled\b|Segmentation fault|npm ERR!"
    r"|(?:fatal|error|ERROR|FATAL)(?:\[\w+\])?:|E\s{2,})"
)
_LOG = re.compile(
    r"^\s*(?:\[?\d{4}-\d\d-\d\d|\[?\d\d:\d\d:\d\d|\[?(?:ERROR|WARN|WARNING|INFO|DEBUG|TRACE|FATAL)\b|level=|[$#%>] "
    r"|>>>|\+{1,3}\S|-{1,3}[^\s\-]|@@|\|\s|npm (?:ERR|WARN)|warning:|\w+\.go:\d+|\d+ \|)"
)
_CODE = re.compile(
    r"[;{}]\s*$|=>|[!=]==?\s|&&|\|\||->|\w::\w|\w\(\w*\)\s*[:{;]|^\s*(?:def|class|func|fn|const|let|var|import|from|return|public)\s.*[(:;{=]"
)


@dataclass(frozen=True, slots=True)
class Material:
    """`told` is what a person wrote, one text per message that says anything; `pasted` the logs between; `secrets` what no name holds."""

    told: tuple[str, ...]
    pasted: str
    secrets: str
    has_code: bool
    has_trace: bool


def material_of(messages: Sequence[str]) -> Material:
    """What of the messages is worth reading: the same one twice is read once."""
    told: list[str] = []
    pasted: list[str] = []
    secrets: set[str] = set()
    fenced: list[str] = []
    for message in dict.fromkeys(messages):
        text, found = _readable(message)
        secrets |= found
        fenced += (match["code"] for match in _FENCE.finditer(text))
        lines = _FENCE.sub("\n", text).splitlines()
        marks = [bool(_TRACE.match(line) or _LOG.match(line) or _CODE.search(line)) for line in lines]
        told.append(_plain("\n".join(line for line, mark in zip(lines, marks, strict=True) if not mark)))
        pasted += (line for line, mark in zip(lines, marks, strict=True) if mark)
    traced = any(_TRACE.match(line) for line in "\n".join([*pasted, *fenced]).splitlines())
    return Material(
        told=tuple(text for text in told if text.strip()),
        pasted=_plain("\n".join(pasted)),
        secrets=" ".join(sorted(secrets)),
        has_code=bool(fenced) and not traced,
        has_trace=traced,
    )


def _readable(message: str) -> tuple[str, set[str]]:
    """The part to read without its secrets, signs in their plain form; and the words of the secrets."""
    text = _looked_at(message)
    plain = unicodedata.normalize("NFKC", text)
    raw: frozenset[str] = frozenset()
    if plain != text:
        # The plain form has blanks and letters where there were none: a secret is sought in both.
        text, raw = without_secrets(text)
        plain = _looked_at(unicodedata.normalize("NFKC", text))  # one sign can become eighteen
    plain, found = without_secrets(plain)
    return plain, {unicodedata.normalize("NFKC", word).lower() for word in raw | found}


def _looked_at(message: str) -> str:
    """The start and the end of a long message, cut between words, so that half a secret is not taken for a word."""
    if len(message) <= HEAD + TAIL:
        return message
    head, tail = message[:HEAD], message[-TAIL:]
    blank = max(head.rfind(" ", HEAD // 2), head.rfind("\n", HEAD // 2))
    head = head[:blank] if blank >= 0 else head.rstrip(_VISIBLE)
    line = tail.find("\n")
    return f"{head}\n{tail[line + 1 :] if line >= 0 else ''}"


def _plain(text: str) -> str:
    """Without links, addresses and paths; names with signs in them spelled with letters."""
    text = _MAIL.sub(" ", _URL.sub(" ", text))
    for pattern, spelled in _SPELLED:
        text = pattern.sub(spelled, text)
    text = _INLINE.sub(lambda match: f" {match['code']} ", text)
    return _PATH.sub(" ", text)
