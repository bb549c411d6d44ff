"""What goes over a connection: one JSON object a line, each a frame of these, around the values of the core.

Rules:
1. A connection begins with `Hello` and `Welcome`. Both sides compare protocol and shape; on a difference nothing else is said. Of these two
   alone, fields that are not known are passed over: another version's must be understood as far as it says which version it is.
2. Every request has a number of the asker's; its answer bears it. Answers come in any order.
3. Events are sent as far as the follower's window reaches, and further once it has taken them.
4. A line longer than `FRAME_CAP`, or one that is no frame, ends that connection with a reason, and nothing else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from plait import __version__
from plait.core.codec import TYPES, CodecError, encode, object_of, parse
from plait.core.commands import Command, Reply, SessionInfo
from plait.core.errors import BadFrame
from plait.core.events import Cursor, Stamped
from plait.core.messages import SessionId

PROTOCOL = 1
"""The number of the frames' rules; the values inside are told by `shape`."""
FRAME_CAP = 100 * 1024 * 1024
"""Bytes of one line: more than the longest message, 16 million characters, can take in JSON."""
Role: TypeAlias = Literal["prompt", "script", "visitor"]
HELLO_CAP = 4096
"""Bytes of the first line: nobody is known by then."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first frame of who attaches, and what it is: a prompt, a script that runs one turn, or somebody who only asks something.

    A prompt or a script takes over when the owner leaves; only a prompt goes on with the sessions of others.
    """

    protocol: int
    shape: str
    version: str
    pid: int
    role: Role = "prompt"


@dataclass(frozen=True, slots=True)
class Welcome:
    """The owner's answer to it. `epoch` is the number of its ownership."""

    protocol: int
    shape: str
    version: str
    pid: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Submit:
    """Carry out a command. Answered with `Answered`."""

    id: int
    command: Command


@dataclass(frozen=True, slots=True)
class Follow:
    """Send the events of a session after the cursor (none: from now on), as `Happened`. The session is attended until `Unfollow`.

    At most `window` bytes of lines, and the one that passes it, are sent beyond what was `Taken`.
    """

    id: int
    session: SessionId
    after: Cursor | None = None
    window: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """The follower has taken lines of so many bytes."""

    id: int
    size: int


@dataclass(frozen=True, slots=True)
class Unfollow:
    """Send no more of it. What is asked for after this finds the session no longer attended."""

    id: int


@dataclass(frozen=True, slots=True)
class ListSessions:
    """Every session. Answered with `Listed`; with `Answered`, and why, where they cannot be read."""

    id: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? Answered with `Pong`, at once."""

    id: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The reply to a command."""

    id: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class Listed:
    """Every session, last used first."""

    id: int
    sessions: tuple[SessionInfo, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the session that is followed under this number."""

    id: int
    event: Stamped


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """Following under this number came to nothing: the class of the error, and its text."""

    id: int
    error: str
    text: str


@dataclass(frozen=True, slots=True)
class Pong:
    """Here."""

    id: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The last frame of the owner: why it ends this connection. `leaving` is whether it leaves altogether, so that another may own."""

    reason: str
    leaving: bool = False


Request: TypeAlias = Hello | Submit | Follow | Taken | Unfollow | ListSessions | Ping
Response: TypeAlias = Welcome | Answered | Listed | Happened | Unfollowed | Pong | Goodbye
Frame: TypeAlias = Request | Response
REQUESTS: tuple[type[Request], ...] = get_args(Request)
RESPONSES: tuple[type[Response], ...] = get_args(Response)
Expected = TypeVar("Expected", bound=Frame)


def encode_frame(frame: Frame) -> bytes:
    """A frame as its line, the line feed included. Raises `BadFrame` if it is longer than a line may be."""
    line = encode(frame).encode() + b"\n"
    if len(line) > FRAME_CAP:
        raise BadFrame(f"This takes {len(line):,} bytes on its way, more than the {FRAME_CAP:,} of one line. Ask for less at once.")
    return line


def decode_frame(line: bytes, expected: tuple[type[Expected], ...]) -> Expected:
    """The frame of a line, one of the `expected`. Raises `BadFrame`."""
    try:
        plain = parse(line)
        name = plain.get("type") if isinstance(plain, dict) else None
        kind = next((one for one in expected if one.__name__ == name), None)
        if kind is None:
            raise BadFrame(f"A line begins no frame that may come here: {str(name)[:40]!r}. Send one of: {_names(expected)}.")
        if kind in (Hello, Welcome):
            known = {one.name for one in fields(kind)}
            plain = {name: value for name, value in plain.items() if name in known}
        frame = object_of(kind, plain, "frame")
    except CodecError as error:
        raise BadFrame(str(error)[:500]) from error
    except RecursionError as error:
        raise BadFrame("A line is nested beyond reason. Send frames of the protocol.") from error
    assert isinstance(frame, kind)
    return frame


def _names(kinds: tuple[type, ...]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


@cache
def shape() -> str:
    """Eight letters that are others as soon as any value that crosses a connection has another field or type."""
    kinds: dict[str, Any] = {**TYPES, **{kind.__name__: kind for kind in (*REQUESTS, *RESPONSES)}}
    text = ";".join(f"{name}({','.join(f'{one.name}:{one.type}' for one in fields(kinds[name]))})" for name in sorted(kinds))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def mismatch(other: Hello | Welcome) -> str:
    """Why these two cannot talk; empty if they can."""
    if (other.protocol, other.shape) == (PROTOCOL, shape()):
        return ""
    versions = f"version {other.version}" + (" in another state" if other.version == __version__ else "")
    if isinstance(other, Welcome):
        return (
            f"The plait that owns the sessions (process {other.pid}) is {versions}; this one is {__version__}, and they do not understand "
            "each other. Leave that one first, or start its version."
        )
    return f"The plait that asks (process {other.pid}) is {versions}; this one is {__version__}. Start the same version."
