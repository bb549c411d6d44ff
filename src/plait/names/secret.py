"""Secrets in what a user wrote: found before anything else is looked at, so that no part of one can become a name.

A name is shown in lists, titles and notices, and it is kept. So when in doubt it is a secret: losing a keyword costs little. Three ways
to find one:

* it stands where a secret is announced (`password=…`, `my token is …`, `--api-key …`, `Bearer …`, in several languages);
* it has a known form (prefixes of vendors, JWTs, PEM blocks, the user part of a URL);
* it looks random: hex, base64, letters and digits shuffled.

What was found once is also known by its words, for it may be repeated later without the announcement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from plait.core.secrets import VENDOR_KEYS
from plait.names.terms import CHATTER, TERMS, VERBS, WEAK, words_in

_ANNOUNCED = (
    r"pass(?:word|wd|phrase|code)?s?|pwd|\bpw|\bpin\b|\botp\b|secrets?|tokens?|credentials?|keys?|mnemonic|(?:seed|recovery)\s+phrase"
    r"|passwort|kennwort|mot\s+de\s+passe|contraseñas?|clave|senha|wachtwoord|hasło|lösenord|passord|adgangskode|salasana|heslo|parola|şifre"
    r"|парол[ьяюе]м?|токен|секрет|ключ|κωδικός|كلمة\s+(?:السر|المرور)|סיסמה|รหัสผ่าน|密码|密碼|口令|密钥|令牌|パスワード|비밀번호"
)
_QUOTED = r"\"[^\"\n]{1,300}\"|'[^'\n]{1,300}'|`[^`\n]{1,300}`|„[^“\n]{1,300}“|«[^»\n]{1,300}»"
_BETWEEN = r"[\w.\-]{0,40}[\"'`\])]{0,3}\s{0,3}(?:(?:for|to|of|für|zum|pour|de|para|по|для)(?:[ \t]+[\w.@\-]{1,30}){1,4}?\s{0,3})?"
# A passphrase may hold spaces: after "password:" the rest of the line is not read.
_PHRASE = re.compile(
    rf"(?:pass(?:word|wd|phrase|code)?|phrase|mnemonic|passwort|kennwort|парол[ьюя]){_BETWEEN}:[ \t]+(?P<value>[^\n]{{1,300}})", re.I
)
_PHRASE_IS = re.compile(r"(?:pass|seed\s+|recovery\s+)phrase\s+is\s+(?P<value>[^\n]{1,300})", re.I)
# Without a sign between, only what no sentence goes on with: quotes, digits, signs.
_ASSIGNED = re.compile(
    rf"(?:{_ANNOUNCED}){_BETWEEN}(?:"
    r"(?:(?P<sign>=>|:=|==?|[:：＝>→]|->|(?:is|ist|est|es|é)\s?:)|\b(?:is|was|ist|lautet|war|est|es|era|è|é|это|είναι|är|er|jest|هي|هو)\b|是|为|は|는|은)"
    rf"\s{{0,3}}(?:(?:now|still|set\s+to|jetzt|noch)\s+)?(?P<value>{_QUOTED}|[!-~]*[,;!?](?=[\u3040-\u9fff])|[^\s。、]+)"
    rf"|(?P<beside>{_QUOTED}|(?=\S{{0,80}}(?:\d|[@#$%^&*!~+]\S))\S{{4,}}))",
    re.I,
)
_OPTION = re.compile(r"(?:^|\s)(?:-p\s?|-[au]\s|--(?:user|auth|login|pass\w*|pw|token|secret|(?:api-?)?key)[=\s])(?P<value>\S+)", re.I)
_SET_TO = re.compile(r"\b(?:set|chang\w+|reset)\s[^\n]{0,20}?(?:password|pw|pin|token|key)\b[^\n]{0,40}?\sto\s+(?P<value>\S+)", re.I)
_HEADER = re.compile(r"\b(?:bearer|basic|digest|authorization:?\s+\w+)\s+(?P<value>[\w.~+/=\-]{6,})", re.I)
# A word beside "password" is one too, but for those that go with it in a sentence.
_WORD_BESIDE = re.compile(
    r"(?<![^\W_])(?:password|passwd|passphrase|passcode|pwd|pw|(?:(?<=_)|(?<=my )|(?<=with ))pass|passwort|kennwort|contraseña|senha"
    r"|wachtwoord|hasło|passord|lösenord|mot\s+de\s+passe|пароль)\W{1,4}(?P<value>[^\W_]\S*)",
    re.I,
)
_GO_WITH_PASSWORD = words_in(
    """
    and are as at by doesn fails field fields for from hash hashes hashing in input isn leak manager managers not of on or page policies
    policy prompt protected protection recovery rejected reset resets rule rules screen
    storage strength to when which with without
    der die das für im in ist nicht oder und wird zurücksetzen vergessen de del do est et la le no para pas pour y в для и на не
    """
)
_HARMLESS = _GO_WITH_PASSWORD | TERMS | VERBS | WEAK | CHATTER
_KEPT = re.compile(
    r"\b(?:(?:x-)?auth(?:orization)?|sid|session(?:_?id)?|(?:set-)?cookie|sig(?:nature)?|salt|nonce)\s?[=:]\s?(?P<value>[^\s;]+)", re.I
)
_LOGIN = re.compile(r"(?:credentials?|user(?:name)?\s?/\s?pass(?:word)?|zugangsdaten)\s?[:=]\s?(?P<value>[^\n]{1,200})", re.I)
# Wider than the vendors' forms: what only begins like a key, or stands where a URL has a password, makes no name either.
_FORM = re.compile(
    rf"(?P<value>-----BEGIN[^-\n]{{0,60}}-----(?:.*?-----END[^-\n]{{0,60}}-----|.*)|{VENDOR_KEYS}"
    r"|\b(?:sk|pk|rk|github_pat)[-_][\w\-]{8,}|\b(?:AKIA|ASIA|AROA|AIDA|AIza|EAA|eyJ)[\w.\-]{10,}|\bssh-(?:rsa|ed25519|dss)\s+\S+"
    r"|[a-z][a-z0-9+.\-]{0,20}://[^/\s@:]{0,200}:[^\s@]+@\S*)",
    re.S,
)
_REVERSED = re.compile(
    rf"(?<!\S)(?P<value>{_QUOTED}|\S+)\s+(?:is|was|ist|war|est|es)\s+(?:my|the|our|his|her|their|mein|das|unser|mon|le|mi|la)\s+(?:\w+\s+)?(?:{_ANNOUNCED})",
    re.I,
)
_ALONE = (_FORM, _HEADER, _PHRASE, _PHRASE_IS, _LOGIN, _KEPT, _OPTION, _SET_TO, _REVERSED)
_RUN = re.compile(r"[A-Za-z0-9_+/=~.\-]{6,}")
_PIECE = re.compile(r"[A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_HUMP = re.compile(r"[A-Z]+[a-z]*|[a-z]+")
_WORD = re.compile(r"[^\W_]+")
_STUTTER = re.compile(r"(.)\1\1\1")
_MAY_JOIN = re.compile(r"[A-Za-z0-9_.~\-]+")  # signs that stand between words too
# What stands before the end of a key whose beginning was cut off.
_TAIL_OF_BLOCK = re.compile(r"\A(?:(?!-----BEGIN).)*?-----END[^-\n]{0,60}-----", re.S)


def without_secrets(text: str) -> tuple[str, frozenset[str]]:
    """The text with a blank for each secret and its announcement, and the words that the secrets were made of, in lower case."""
    text = _TAIL_OF_BLOCK.sub(" ", text)
    kept: list[str] = []
    values: list[str] = []
    read = 0
    for begin, end, value in sorted(_found(text)):
        values.append(value)
        kept += (text[read:begin], " ") if begin >= read else ()
        read = max(read, end)
    return "".join([*kept, text[read:]]), frozenset(word.lower() for value in values for word in _WORD.findall(value))


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """From where to where, and the secret in it. All are sought in the same text: a key may hold what looks like an announcement."""
    for pattern in _ALONE:
        yield from ((*match.span(), match["value"]) for match in pattern.finditer(text))
    yield from ((*match.span(), match[0]) for match in _RUN.finditer(text) if _is_key(match[0]))
    for match in _ASSIGNED.finditer(text):
        value = match["value"] or match["beside"]
        told = not match["sign"] and value.isalpha()  # "the token is expired" is about a token, "token=" is not
        yield match.end() - len(value) if told else match.start(), match.end(), value
    for match in _WORD_BESIDE.finditer(text):
        word = _WORD.match(match["value"])
        if not word or word[0].lower() not in _HARMLESS:
            yield *match.span("value"), match["value"]


def _is_key(run: str) -> bool:
    """Whether a run of letters, digits and the signs of base64 is a key, as a whole or in a part."""
    pieces = _PIECE.findall(run)
    whole = "".join(pieces)
    if any(map(is_random, pieces)) or (is_random(whole) and not _MAY_JOIN.fullmatch(run)):
        return True
    # In the form that URLs can hold, `-` and `_` are signs of base64 too, and of plain names; few capitals and digits speak for a name.
    if len(whole) < 24 or not is_random(whole):
        return False
    return (_capitals(whole) > 0.25 and whole != whole.upper()) or len(_DIGITS.findall(run)) >= 3


def is_random(piece: str) -> bool:
    """Whether letters and digits look shuffled rather than written, as in keys, hashes and ids."""
    size = len(piece)
    digits = _DIGITS.findall(piece)
    humps = len(_HUMP.findall(piece))
    if size >= 40 or _STUTTER.search(piece) or (digits and (size >= 16 or sum(map(len, digits)) >= 9)):
        return True
    if len(digits) >= 2 and size >= 6:
        return True
    if digits and size >= 8 and not piece[0].isdigit() and not piece.rstrip("0123456789").isalpha():
        return True
    if size >= 24 and (humps < 3 or _capitals(piece) > 0.25):
        return True
    return size >= 8 and humps >= 3 and (size < humps * 2.5 or _capitals(piece) >= 0.35)


def _capitals(piece: str) -> float:
    return sum(map(str.isupper, piece)) / len(piece)
