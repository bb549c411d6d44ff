"""`docs/protocol.md`, made from the types that cross a connection, and from an example that was recorded; a test compares it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any, get_args

from plait.core import commands, events
from plait.core.codec import TYPES
from plait.remote import frames as f

_INTRODUCTION = """# The protocol between two plaits

The plait that was started first owns the database: it holds a lock on `plait.db.lock` beside it, and opens a socket. Every further one
finds that socket and is attached to it: the same sessions, at a prompt of its own. This page says what goes over the socket. It is for
who wants to understand or to debug it; the values change with plait, and both ends have to be of the same state (see `shape` below).

## The place

- A unix socket in `$XDG_RUNTIME_DIR/plait/` if that directory is yours and closed to others, else in `plait-UID/` below `$TMPDIR` or
  `/tmp`. The folder has mode 0700, the socket 0600. A folder that is a symbolic link, another user's, or open to others is refused.
- Its name is the database's device and inode in hexadecimal, `DEVICE-INODE.sock`. The second line of `plait.db.lock` has the whole
  path, the first the process that owns the database, so that it is found from any environment.
- Each side asks the kernel for the user at the other end (`SO_PEERCRED`) and tells another user nothing.
- Nothing of the environment, and no setting, crosses the socket. What a flag of the second plait chose for its session (`--model`,
  `--system`, `--temperature`, `--top-p`, `--max-tokens`) is asked for as a change of that session.

## The rules

1. A line is one JSON object in UTF-8 that ends with a line feed. Each object has a `type`, which is the name of one of the types below;
   each field without a default has to be there, and no other may be.
2. The first line is `Hello`, at most {hello:,} bytes; it is answered with `Welcome`. Both sides compare `protocol` and `shape` (eight
   letters made from all the types on this page). Where they differ, a `Goodbye` says so, and the connection ends. In these two alone,
   fields that are not known are passed over, so that another version can say which it is.
3. A later line has at most {cap:,} bytes, which is more than the longest message takes. A longer line, or one that is no frame, ends
   its connection with a `Goodbye` that says why, and no other connection.
4. Each request has an `id`, a number of the asker's choice; what answers it has the same. Answers come in any order. Commands are begun
   in the order in which they came, and carried out even if nobody waits for the answer any more.
5. `Follow` sends the events of a session after a cursor, first those on disk, then as they happen. While it lasts the session counts as
   shown. At most `window` bytes are on their way beyond what the follower has `Taken`. A follower that falls behind is given the
   durable events it lacks, and `InProgress` with the whole text of the answer under way instead of each piece.
6. The only way to go on after a connection has ended is to follow again after the last durable event that was seen. A command whose
   answer was lost is looked for in the history before it is sent once more.
7. An owner that leaves says `Goodbye` with `leaving`. Whoever takes the lock next is the owner, opens the socket again, and goes on
   with what was queued, and with the model calls that were cut. The others attach to it.
8. One that asked for something and hears nothing for half a second sends `Ping`; half a second later its user is told which process
   does not answer.
"""

_EXAMPLE = """
## An example

Recorded between two plaits with a scripted model: `→` is said by the one that attaches, `←` by the owner.

```
{example}
```
"""


def page(example: str) -> str:
    """The page, with an example: lines that begin with an arrow."""
    members = {name: get_args(union) for name, union in (("commands", commands.Command), ("replies", commands.Reply))}
    durable, ephemeral = get_args(events.Durable), get_args(events.Ephemeral)
    known = {*members["commands"], *members["replies"], *durable, *ephemeral}
    rest = [kind for kind in TYPES.values() if kind not in known]
    parts = [
        _INTRODUCTION.format(hello=f.HELLO_CAP, cap=f.FRAME_CAP),
        _EXAMPLE.format(example=example),
        _section("Frames of the one that attaches", f.REQUESTS),
        _section("Frames of the owner", f.RESPONSES),
        _section("Commands, in `Submit`", members["commands"]),
        _section("Replies, in `Answered`", members["replies"]),
        _section("Durable events, in `Happened`", durable),
        _section("Ephemeral events, in `Happened`", ephemeral),
        _section("Values in all of these", rest),
    ]
    return "".join(parts)


def _section(title: str, kinds: Iterable[type[Any]]) -> str:
    rows = [f"| `{kind.__name__}` | {_fields(kind)} | {_meaning(kind)} |" for kind in kinds]
    return f"\n## {title}\n\n| type | fields | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _fields(kind: type[Any]) -> str:
    return ", ".join(f"`{one.name}: {one.type}{'' if _required(one) else ' = …'}`".replace("|", "\\|") for one in fields(kind))


def _required(one: Any) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _meaning(kind: type[Any]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split()).replace("|", "\\|")
