"""Secrets in text that leaves plait: cut out by the values of the environment's secret variables, and by the forms that keys have.

It is for what people will read, so a sentence about keys stays as it is; `names.secret`, which suspects everything, is for names. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MARK = "<secret>"
"""What stands in the place of a secret."""
SHORTEST = 6
"""Characters of a variable's value that is looked for; a shorter one would be found in ordinary words."""

VENDOR_KEYS = (
    r"\b(?:sk|pk|rk)-[\w-]{8,}|\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bgithub_pat_\w{20,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|\b(?:gsk|hf|gh[opsur]|xai|glpat|gldt|xox[abeprs]|pplx|lin_api|dop_v1|doo_v1|shpat|shpss|whsec|dapi|nvapi|sntrys|figd|GOCSPX"
    r"|AGE-SECRET-KEY)[_-][\w-]{8,}|\b(?:npm|pypi|r8)_\w{8,}|\bAIza[\w-]{20,}|\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}"
    r"|\b(?:ya29|hvs|SG)\.[\w.-]{10,}|\bEAA[A-Za-z0-9]{20,}"
)
"""The forms that vendors give their keys: nobody writes one of these by chance."""

_SECRET_NAME = re.compile(r"key(?!map|board|ring)|token|secret|passw|credential|auth(?!or)", re.IGNORECASE)
_BLOCK = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
# A block whose end was cut off goes as far as its lines of base64 do. Every repetition that could be tried again and again has an end.
_SECRET_FORM = re.compile(
    rf"-----BEGIN {_BLOCK}(?s:.{{0,8000}}?)-----END {_BLOCK}|-----BEGIN {_BLOCK}(?:(?:\s|\\n){{1,9}}[A-Za-z0-9+/=]{{16,}})*"
    rf"|{VENDOR_KEYS}"
    r"|(?i:\bauthorization\W{1,4}(?:basic|bearer|token)\s{1,9})[\w.~+/=-]{6,}"
    r"|(?i:\bbearer\s{1,9})(?=[A-Za-z]*(?:[\d_~+/=]|[.-]\w))[\w.~+/=-]{8,}|(?i:\bbasic\s{1,9})(?=[A-Za-z+/]*[\d=])[A-Za-z0-9+/]{8,}={0,2}"
    r"|(?<=://)[^/\s@]{1,200}:[^/\s@]{1,200}(?=@)"
)


class Secrets:
    """What is to be cut out of texts, known from one environment; `found` counts what was."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        values = {value for name, value in environ.items() if _SECRET_NAME.search(name) and len(value) >= SHORTEST}
        longest_first = sorted(values, key=lambda value: (-len(value), value))
        self._values = re.compile("|".join(map(re.escape, longest_first))) if values else None
        self.found = 0

    def __repr__(self) -> str:
        return f"<Secrets [{self.found} found]>"

    def cut(self, text: str) -> str:
        """The text with `MARK` for each secret."""
        count = 0
        if self._values is not None:
            text, count = self._values.subn(MARK, text)
        text, more = _SECRET_FORM.subn(MARK, text)
        self.found += count + more
        return text


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """The text without the values of secret-sounding variables, and without what has the form of a key."""
    return Secrets(environ).cut(text)
