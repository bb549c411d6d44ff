"""Connections that fail -> `ModelError` with a sentence: refused, DNS, TLS, time-outs, cuts, broken addresses.

Rule: before a part of the answer has come it is `Unreachable`, which may be repeated; after it `BadAnswer`, which may not.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from socket import gaierror

import httpx2

from plait.core.errors import BadAnswer, ModelError, RequestRefused, Unreachable
from plait.models.endpoint import Endpoint
from plait.models.faults import excerpt

Broken = (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, UnicodeError)
"""All that the HTTP library raises when a request cannot be made, sent or answered; the last for host names that no DNS takes."""


def broken(endpoint: Endpoint, error: BaseException, started: bool) -> ModelError:
    """What a failed request means; `started` says whether a part of the answer has come."""
    place = endpoint.place
    if isinstance(error, httpx2.DecodingError):
        return BadAnswer(f"The answer of {place} is garbled: it is not compressed as it says. Use /retry; if it stays so, check base_url.")
    if started:
        return BadAnswer(f"{place} broke the connection in the middle of its answer. What came is kept; use /retry to ask again.")
    if isinstance(error, (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError)):
        return RequestRefused(
            f"{endpoint.shown_url!r} is not an address that can be called. Correct base_url of {endpoint.name}; it begins with http:// or https://."
        )
    if isinstance(error, httpx2.LocalProtocolError):
        return RequestRefused(f"The request to {place} cannot be sent: a header of {endpoint.name} is malformed. Correct its headers.")
    return Unreachable(_unreachable(endpoint, error))


def stalled(endpoint: Endpoint, seconds: float, started: bool) -> ModelError:
    """Nothing came for so long."""
    if started:
        return BadAnswer(
            f"The answer of {endpoint.place} stalled: nothing came for {seconds:g} s. What came is kept; use /retry to ask again."
        )
    return Unreachable(f"{endpoint.place} took the request but sent no answer within {seconds:g} s. Use /retry, or check the server.")


def no_proxy(endpoint: Endpoint, error: Exception) -> ModelError:
    """The proxy settings of the environment cannot be used."""
    return Unreachable(
        f"The proxy for {endpoint.place} cannot be used: {excerpt(str(error), limit=80)}. Correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY."
    )


def _unreachable(endpoint: Endpoint, error: BaseException) -> str:
    place, causes = endpoint.place, list(reasons(error))
    if isinstance(error, httpx2.ProxyError):
        return f"The proxy did not let the request through to {place}. Check HTTPS_PROXY and NO_PROXY."
    if isinstance(error, httpx2.ConnectTimeout):
        return f"No connection to {place} in time. Check the network and base_url."
    if any(isinstance(reason, gaierror) for reason in causes):
        return f"The name {endpoint.host} was not found (DNS). Check base_url and the network."
    for reason in causes:
        if isinstance(reason, ssl.SSLCertVerificationError):
            why = excerpt(reason.verify_message, limit=100)
            return f"The certificate of {place} is not trusted: {why}. Check base_url, or set SSL_CERT_FILE."
        if isinstance(reason, ssl.SSLError):
            why = excerpt(reason.reason or str(reason), limit=100)
            return f"No TLS with {place}: {why}. If it speaks plain HTTP, use http:// in base_url."
    if any(isinstance(reason, (ConnectionRefusedError, FileNotFoundError)) for reason in causes):
        return f"Nothing listens at {place} (connection refused). Start the server, or check base_url."
    if isinstance(error, httpx2.ConnectError):
        return f"No connection to {place}: {excerpt(str(error), limit=100)}. Check the network and base_url."
    if isinstance(error, httpx2.RemoteProtocolError) and "without sending" not in str(error):
        return f"{place} does not answer in HTTP: {excerpt(str(error), limit=100)}. Check port and scheme of base_url."
    return f"{place} closed the connection before it answered. Use /retry, or check the server."


def reasons(error: BaseException | None, depth: int = 8) -> Iterator[BaseException]:
    """The error, what caused it, and what was in a group with that."""
    if error is None or depth == 0:
        return
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from reasons(one, depth - 1)
    yield from reasons(error.__cause__ or error.__context__, depth - 1)
