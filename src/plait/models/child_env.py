"""What a child process of an adapter may know of the environment: names that are listed here, nothing else (contract A42).

Rule: a list of what is let through, not of what is kept back; a secret with a name that nobody thought of stays here.
"""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = frozenset(
    {
        *("HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV"),
        *("DYLD_LIBRARY_PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUTF8"),
    }
)
_PREFIXES = ("LC_", "COVERAGE_")  # a coverage run measures the children too

_FETCH_NAMES = frozenset(
    {
        *("ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"),
        *("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
        *("NETRC", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME"),
    }
)
_FETCH_PREFIXES = ("PIP_",)


def plain(environ: Mapping[str, str]) -> dict[str, str]:
    """What any Python program needs to start: paths, language, time zone."""
    return {name: value for name, value in environ.items() if name in _NAMES or name.startswith(_PREFIXES)}


def for_fetching(environ: Mapping[str, str]) -> dict[str, str]:
    """`plain`, and what names the user's package index, proxies (in either case, as the world writes them) and certificates."""
    network = {name: value for name, value in environ.items() if name.upper() in _FETCH_NAMES or name.startswith(_FETCH_PREFIXES)}
    return {**plain(environ), **network}
