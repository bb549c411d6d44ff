"""A place that answers model calls, its key, and how long to wait for it: plain values, cheap to import.

Rule: a key shows itself in no repr, no error and no log. Whoever needs it calls `reveal`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

OLLAMA_PORT = 11434


class Secret:
    """A text that does not show itself; empty is no secret at all."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value.strip()

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret()"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to the first byte of the answer after that, and between two signs of life within it."""

    connect: float = 10.0
    first_byte: float = 60.0
    idle: float = 60.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server with an interface of the OpenAI kind.

    `base_url` is what `/chat/completions` is put behind. `uds` is the path of a unix socket to use instead of a network connection.
    `key_env` names the environment variable that the key came from, for sentences. `connection_close` asks for a fresh connection
    each time.
    """

    name: str
    base_url: str
    api_key: Secret = field(default_factory=Secret)
    uds: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    connection_close: bool = False
    key_env: str = ""

    @property
    def place(self) -> str:
        """How sentences name the server: host and port, or the provider's name where there is no network between."""
        return self.name if self.uds else _split(self.base_url)[0].rpartition("@")[2] or self.name

    @property
    def shown_url(self) -> str:
        """`base_url` without user and password, for sentences."""
        scheme, found, rest = self.base_url.partition("://")
        authority, slash, path = rest.partition("/")
        return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"[:200] if found else self.base_url[:200]

    @property
    def host(self) -> str:
        """The host alone, in lower case."""
        return _split(self.base_url)[1]

    @property
    def local(self) -> bool:
        """Whether it is on this machine; proxies are for the others."""
        if self.uds or self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def _split(url: str) -> tuple[str, str]:
    """Authority and host of an address; both empty where it is none."""
    try:
        parts = urlsplit(url)
        return parts.netloc, parts.hostname or ""
    except ValueError:
        return "", ""


def ollama_base_url(host: str = "") -> str:
    """The OpenAI-compatible address of an Ollama server; `host` is the value of OLLAMA_HOST, which may lack scheme, host or port.

    An address to listen on (0.0.0.0, ::) means this machine.
    """
    text = host.strip().strip("\"'").rstrip("/") or "127.0.0.1"
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "http", text
    authority, slash, path = rest.partition("/")
    if authority.count(":") > 1 and not authority.startswith("["):
        authority = f"[{authority}]"
    name, colon, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    if not colon:
        name, port = authority, ""
    if name in ("", "0.0.0.0", "[::]"):
        name = "127.0.0.1"
    if not port.isdigit():
        port = str({"http": 80, "https": 443}.get(scheme, OLLAMA_PORT) if found else OLLAMA_PORT)
    return f"{scheme}://{name}:{port}{slash}{path}/v1"
