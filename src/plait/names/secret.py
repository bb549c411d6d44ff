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

_ANNOUNCED = (
    r"pass(?:word|wd|phrase|code)?s?|pwd|\bpw|\bpin\b|\botp\b|secrets?|tokens?|credentials?|keys?|mnemonic|(?:seed|recovery)\s+phrase"
    r"|passwort|kennwort|mot\s+de\s+passe|contraseñas?|clave|senha|wachtwoord|hasło|lösenord|passord|adgangskode|salasana|heslo|parola|şifre"
    r"|парол[ьяюе]м?|токен|секрет|ключ|κωδικός|كلمة\s+(?:السر|المرور)|סיסמה|รหัสผ่าน|密码|密碼|口令|密钥|令牌|パスワード|비밀번호"
)
_QUOTED = r"\"[^\"\n]{1,300}\"|'[^'\n]{1,300}'|`[^`\n]{1,300}`|„[^“\n]{1,300}“|«[^»\n]{1,300}»"
_BETWEEN = r"[\w.\-]{0,40}[\"'`\])]{0,3}\s{0,3}"
# A passphrase may hold spaces: after "password:" the rest of the line is not read.
_PHRASE = re.compile(
    rf"(?:pass(?:word|wd|phrase|code)?|phrase|mnemonic|passwort|kennwort|парол[ьюя]){_BETWEEN}:[ \t]+(?P<value>[^\n]{{1,300}})", re.I
)
_PHRASE_IS = re.compile(r"(?:pass|seed\s+|recovery\s+)phrase\s+is\s+(?P<value>[^\n]{1,300})", re.I)
# Without a sign between, only what no sentence goes on with: quotes, digits, signs.
_ASSIGNED = re.compile(
    rf"(?:{_ANNOUNCED}){_BETWEEN}(?:"
    r"(?:(?P<sign>=>|:=|==?|[:：＝])|\b(?:is|was|ist|lautet|war|est|es|era|è|é|это|είναι|är|er|jest|هي|هو)\b|是|为|は|는|은)"
    rf"\s{{0,3}}(?:(?:now|still|set\s+to|jetzt|noch)\s+)?(?P<value>{_QUOTED}|[!-~]*[,;!?](?=[\u3040-\u9fff])|[^\s。、]+)"
    rf"|(?P<beside>{_QUOTED}|(?=\S{{0,80}}(?:\d|[@#$%^&*!~+]\S))\S{{4,}}))",
    re.I,
)
_OPTION = re.compile(r"(?:^|\s)(?:-p\s?|-u\s|--(?:user|auth|login|pass\w*|pw|token|secret|(?:api-?)?key)[=\s])(?P<value>\S+)", re.I)
_HEADER = re.compile(r"\b(?:bearer|basic|digest|authorization:?\s+\w+)\s+(?P<value>[\w.~+/=\-]{6,})", re.I)
_LOGIN = re.compile(r"(?:credentials?|user(?:name)?\s?/\s?pass(?:word)?|zugangsdaten)\s?[:=]\s?(?P<value>[^\n]{1,200})", re.I)
_FORM = re.compile(
    r"(?P<value>-----BEGIN[^-\n]{0,60}-----(?:.*?-----END[^-\n]{0,60}-----|.*)"
    r"|\b(?:sk|pk|rk|pplx|xai|lin_api|dop_v1|doo_v1|shpat|shpss|whsec|npm|pypi|glpat|gldt|xox[abeprs]|gh[opsur]|github_pat|gsk|hf|r8|dapi"
    r"|nvapi|sntrys|figd|secret|vercel|key|AGE-SECRET-KEY)[-_][\w\-]{8,}"
    r"|\b(?:AKIA|ASIA|AROA|AIDA|AIza|ya29\.|SG\.|EAA|eyJ)[\w.\-]{10,}|\bssh-(?:rsa|ed25519|dss)\s+\S+"
    r"|[a-z][a-z0-9+.\-]{0,20}://[^/\s@:]{0,200}:[^\s@]+@\S*)",
    re.S,
)
_RUN = re.compile(r"[A-Za-z0-9_+/=~.\-]{6,}")
_PIECE = re.compile(r"[A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_HUMP = re.compile(r"[A-Z]+[a-z]*|[a-z]+")
_WORD = re.compile(r"[^\W_]+")
# What stands before the end of a key whose beginning was cut off.
_TAIL_OF_BLOCK = re.compile(r"\A(?:(?!-----BEGIN).)*?-----END[^-\n]{0,60}-----", re.S)


def without_secrets(text: str) -> tuple[str, frozenset[str]]:
    """The text with a blank for each secret, and the words that the secrets were made of, in lower case."""
    found: list[str] = []

    def blank(match: re.Match[str]) -> str:
        found.append(match["value"])
        return " "

    def unassigned(match: re.Match[str]) -> str:
        value = match["value"] or match["beside"]
        found.append(value)
        # "The token is expired" is about a token; with a sign, or a value that is no word, nothing is told.
        return f"{match[0][: -len(value)]} " if not match["sign"] and value.isalpha() else " "

    text = _TAIL_OF_BLOCK.sub(" ", text)
    for pattern in (_FORM, _HEADER, _PHRASE, _PHRASE_IS, _LOGIN, _OPTION):
        text = pattern.sub(blank, text)
    text = _ASSIGNED.sub(unassigned, text)

    def judged(match: re.Match[str]) -> str:
        if not any(is_random(piece) for piece in _PIECE.findall(match[0])):
            return match[0]
        found.append(match[0])
        return " "

    text = _RUN.sub(judged, text)
    return text, frozenset(word.lower() for value in found for word in _WORD.findall(value))


def is_random(piece: str) -> bool:
    """Whether letters and digits look shuffled rather than written, as in keys, hashes and ids."""
    size = len(piece)
    digits = _DIGITS.findall(piece)
    if size >= 32 or (digits and (size >= 16 or sum(map(len, digits)) >= 9)):
        return True
    if len(digits) >= 2 and size >= 6:
        return True
    if digits and size >= 8 and not piece[0].isdigit() and not piece.rstrip("0123456789").isalpha():
        return True
    humps = _HUMP.findall(piece)
    return size >= 8 and len(humps) >= 3 and size / len(humps) < 2.5
