"""What a server's refusal means: status, headers and body -> one `ModelError` with a sentence. Pure; shared by every adapter.

Rules:
1. Every sentence names the place and a way out. What the server said is quoted as a short excerpt, without control characters or the key.
2. Which error it is comes from the status; where servers disagree about the status (a conversation that is too long, a used-up quota,
   an unknown model), from the code and the words.
3. A wait is passed on as it was asked for, in seconds; what is no wait (nonsense, negative, endless) is None. Capping is the gate's job.

Sources: the error references of OpenAI, Anthropic, Google (google.rpc.Status) and OpenRouter; the error bodies of llama.cpp, vLLM, Ollama
and LM Studio.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from plait.core import errors
from plait.models.endpoint import Endpoint, Secret

EXCERPT = 300
"""Characters of a server's message that are shown."""

_SHORTEST_KEY = 6
"""What is shorter is a placeholder for local servers ("none", "x"), and hiding it would garble every sentence."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server said about its failure; `status` 0 is none."""

    status: int = 0
    message: str = ""
    code: str = ""
    """Code and type, as far as it gave them, in lower case, parted by spaces."""
    retry_after: float | None = None


def excerpt(text: str, key: Secret | None = None, limit: int = EXCERPT) -> str:
    """A server's words fit for a sentence: one line, printable, without the key, at most `limit` characters."""
    if key is not None and len(key.reveal()) >= _SHORTEST_KEY:
        text = text.replace(key.reveal(), "[key]")
    text = text[: limit * 20]  # more than that is spaces
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def read_body(status: int, body: bytes, headers: Mapping[str, str], now: float) -> Refusal:
    """What an answer with an error status says; `now` is seconds since the epoch, for a date in Retry-After."""
    text = body.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    found = read_error(data) if data is not None else None
    message, code = (found.message, found.code) if found else (text, "")
    wait = found.retry_after if found else None
    return Refusal(status, message, code, wait_of(headers, now) if wait is None else wait)


def read_error(data: Any) -> Refusal | None:
    """The error in a JSON value, in any of the shapes in use; None if there is none."""
    if isinstance(data, list):
        data = data[0] if data else None
    if not isinstance(data, dict):
        return None
    error: Any = data.get("error")
    if error is None and data.get("object") == "error":
        error = data
    if error is None:
        error = data.get("detail")
    if isinstance(error, str) and error:
        return Refusal(_status(data), error, _words(data.get("code"), data.get("type")))
    if isinstance(error, list) and error and isinstance(error[0], dict):
        error = error[0]
    if not isinstance(error, dict) or not error:
        return None
    message = error.get("message") or error.get("msg") or json.dumps(error, ensure_ascii=True)[:EXCERPT]
    code = _words(error.get("code"), error.get("type"), error.get("status"))
    return Refusal(_status(error), str(message), code, _retry_info(error.get("details")))


def _status(error: dict[str, Any]) -> int:
    for value in (error.get("code"), error.get("status"), error.get("status_code")):
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
            return value
        if isinstance(value, str) and re.fullmatch("[45][0-9]{2}", value):
            return int(value)
    return 0


def _words(*values: Any) -> str:
    return " ".join(value for value in values if isinstance(value, str)).lower()[:EXCERPT]


def _retry_info(details: Any) -> float | None:
    """Google's `RetryInfo` among the details of an error: `"retryDelay": "35s"`."""
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(delay := detail.get("retryDelay"), str):
            return duration(delay)
    return None


def wait_of(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, out of the headers of a 429; keys in lower case."""
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    if value := headers.get("retry-after", "").strip():
        return _seconds_or_date(value, now)
    waits = [duration(headers.get(f"x-ratelimit-reset-{kind}", "")) for kind in ("requests", "tokens")]
    known = [wait for wait in waits if wait is not None]
    if known:
        return max(known)
    return _reset(headers.get("x-ratelimit-reset", ""), now)


def _seconds_or_date(value: str, now: float) -> float | None:
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return max(0.0, moment - now)


def _number(value: str) -> float | None:
    try:
        number = float(value.strip())
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None


_DURATION = re.compile(r"(?:([\d.]+)h)?(?:([\d.]+)m)?(?:([\d.]+)s)?(?:([\d.]+)ms)?")


def duration(text: str) -> float | None:
    """Seconds of `1s`, `6m0s`, `120ms`, `1h2m` or a plain number; None for anything else."""
    text = text.strip()
    match = _DURATION.fullmatch(text)
    if not text or not match:
        return _number(text)
    parts = [_number(part or "0") for part in match.groups()]
    if None in parts:
        return None
    return sum((part or 0) * factor for part, factor in zip(parts, (3600, 60, 1, 0.001), strict=True))


def _reset(text: str, now: float) -> float | None:
    """`x-ratelimit-reset` is seconds to go, seconds since the epoch, or milliseconds since then, depending on the server."""
    value = duration(text)
    if value is None or value < 10_000_000:
        return value
    return max(0.0, (value / 1000 if value > 100_000_000_000 else value) - now)


_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|model_context_window_exceeded|string_above_max_length|request_too_large"
    r"|(maximum|model'?s?|available|the) context (length|size|window)|context (length|size|window) (exceeded|of)"
    r"|exceeds? (the )?(maximum )?context|prompt is too long|input (is )?too long|prompt too long|too many (input |prompt )?tokens"
    r"|input token count.{0,40}exceeds|longer than the maximum model length|reduce the length of the (messages|prompt|input)"
    r"|tokens to keep from the initial prompt",
    re.IGNORECASE,
)
_USED_UP = re.compile(
    r"insufficient_quota|insufficient.{0,9}(credit|balance|fund)|billing_hard_limit|credit balance is too low|payment required",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(r"api[ _]key[ _](is )?(not valid|invalid|expired)|(invalid|incorrect)[ _]api[ _]key", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"model_not_found|model_not_available|not a valid model|(no such|unknown|invalid) model|models/\S+ is not found"
    r"|no models? (is )?loaded|model\b.{0,200}\b(not found|does not exist|not exist|not available|not supported for)",
    re.IGNORECASE | re.DOTALL,
)

# In a stream there is no status: the types that servers use instead.
_STATUS_OF_TYPE = (
    ("rate_limit", 429),
    ("ratelimit", 429),
    ("resource_exhausted", 429),
    ("overloaded", 529),
    ("unavailable", 503),
    ("server_error", 500),
    ("internal", 500),
    ("api_error", 500),
    ("timeout", 504),
    ("deadline_exceeded", 504),
    ("authentication", 401),
    ("unauthenticated", 401),
    ("invalid_api_key", 401),
    ("permission", 403),
    ("not_found", 404),
    ("request_too_large", 413),
    ("invalid_request", 400),
    ("invalid_argument", 400),
    ("badrequest", 400),
)


def to_error(endpoint: Endpoint, model: str, refusal: Refusal) -> errors.ModelError:
    """The error that a refusal means."""
    status = refusal.status or next((status for mark, status in _STATUS_OF_TYPE if mark in refusal.code), 0)
    words = f"{refusal.code} {refusal.message[:4000]}"
    said = "" if refusal.message.lstrip()[:1] == "<" else excerpt(refusal.message, endpoint.api_key)  # a gateway's web page says nothing
    said = f": {said.rstrip('.')}" if said else ""
    place, number = endpoint.place, f" ({status})" if status else ""
    if status == 413 or (status in (0, 400, 422, 500) and _TOO_LONG.search(words)):
        return errors.ContextTooLong(
            f"The conversation is too long for {model} at {place}{number}{said}. "
            "Shorten it with /compact, attach less, or use a model with more context."
        )
    if status == 402 or (status in (0, 400, 403, 429) and _USED_UP.search(words)):
        return errors.AccessRefused(
            f"The account at {place} has no credit or quota left{number}{said}. Add credit there, or use another model."
        )
    if status == 429:
        return errors.RateLimited(f"{place} asks for fewer requests{number}{said}. Wait and use /retry.", refusal.retry_after)
    if status == 401 or (status == 400 and _BAD_KEY.search(words)):
        return errors.AccessRefused(f"{place} did not accept the key{number}{said}. {_set_key(endpoint)}")
    if status == 403:
        return errors.AccessRefused(f"{place} does not allow this key to use {model}{number}{said}. {_set_key(endpoint)}")
    if status in (0, 400, 404) and _NO_MODEL.search(words):
        return errors.ModelMissing(f"{place} does not offer the model '{model}'{number}{said}. See `plait models`, or choose with /model.")
    if status == 404:
        return errors.ModelMissing(
            f"{place} has no model '{model}', or nothing at this address{number}{said}. See `plait models`; base_url usually ends in /v1."
        )
    if status == 408 or status >= 500:
        return errors.Overloaded(f"{place} failed to answer{number}{said}. Wait and use /retry.")
    if 300 <= status < 400:
        return errors.RequestRefused(
            f"{place} sent a redirect{number}{said}, which is not followed with a key. Set base_url to the final address."
        )
    if status:
        return errors.RequestRefused(f"{place} refused the request{number}{said}. Change what it names, or use another model.")
    return errors.BadAnswer(f"{place} broke off with an error{said}. Use /retry, or another model.")


def _set_key(endpoint: Endpoint) -> str:
    if not endpoint.api_key:
        return f"Set {endpoint.key_env or f'the key of {endpoint.name}'} to a key of that server."
    return f"Check {endpoint.key_env or f'the key of {endpoint.name}'}."
