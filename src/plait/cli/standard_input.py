"""What is piped into `plait run`, joined to its prompt.

Rules: a terminal, a closed stdin and a device are nothing; what is read is capped, decoded visibly and passed on as it is.
"""

from __future__ import annotations

import os
import stat

from plait.core.errors import UsageError

MAX_BYTES = 16 * 1024 * 1024  # more than any model's context holds


def read_piped(descriptor: int = 0) -> str:
    """The text waiting on a pipe, socket or file, to its end; empty for anything else. Raises `UsageError` beyond `MAX_BYTES`."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return ""  # closed
    if stat.S_ISDIR(mode):
        raise UsageError("Standard input is a directory. Pipe text into plait, or redirect a file.")
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISREG(mode)):
        return ""
    chunks, size = [], 0
    try:
        while chunk := os.read(descriptor, 1 << 16):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise UsageError(f"Standard input is larger than {MAX_BYTES // 1024 // 1024} MiB. Pipe less into plait.")
    except OSError as error:
        raise UsageError(f"Standard input cannot be read ({error.strerror}). Pipe text into plait, or close it.") from error
    return b"".join(chunks).decode("utf-8", "replace").replace("\0", "\ufffd")


def joined(prompt: str, piped: str) -> str:
    """What is said to the model: what was piped, then the prompt. Raises `UsageError` where there is neither."""
    whole = "\n\n".join(part for part in (piped.rstrip("\r\n"), prompt) if part.strip())
    if not whole:
        raise UsageError("There is no prompt. Give one, as in: plait run 'explain this', or pipe one in.")
    return whole
