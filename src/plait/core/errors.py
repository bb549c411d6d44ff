"""Every error that plait raises on purpose.

    PlaitError                     a text for a person: "[what happened]. [what to do]."
    ├── UsageError                 the command line or a command was wrong             exit 2
    │   ├── ConfigError            a settings file or variable was wrong               exit 2
    │   └── LimitReached           as many sessions are open as may be                 exit 2
    ├── IllegalTransition          an event that the session's state does not allow
    ├── StoreError                 the database could not do what was asked            exit 1
    │   ├── StoreBusy              another process owns the database                   exit 75
    │   ├── NotSaved               taken, and not on disk yet; what was not taken is a bare StoreError
    │   ├── SequenceConflict       somebody else appended to this session first
    │   └── NewerDatabase          written by a later plait; opened read-only
    ├── OwnerError                 the plait that owns the sessions cannot be asked    exit 75
    │   ├── NoOwner                nobody listens there, or nobody yet
    │   ├── OwnerLost              the connection ended; what was asked may have been done
    │   └── BadFrame               what came over the connection is not the protocol
    └── ModelError                 a model could not answer                            exit 1
        ├── NoModel                nothing to talk to is configured or installed       exit 5
        ├── Unreachable            refused, DNS, TLS, no first byte (retried)          exit 5
        ├── RateLimited            429; carries the wait it was told (retried)         exit 75
        ├── Overloaded             500, 502, 503, 529 (retried)                        exit 75
        ├── AccessRefused          401, 403, or no key                                 exit 5
        ├── ModelMissing           the server does not know this model                 exit 5
        ├── ContextTooLong         the conversation does not fit the model
        ├── RequestRefused         any other 4xx
        └── BadAnswer              garbled, cut or stalled stream; wrong content type

Foreign errors are translated at the adapter that met them. `retryable` says whether the same request may help later; only the gate
acts upon it, and only before the first byte of an answer.
"""

from __future__ import annotations


class PlaitError(Exception):
    """Base of all errors on purpose; `str(error)` is fit to be shown to a person."""

    exit_code = 1


class UsageError(PlaitError):
    """The command line, or a command at the prompt, cannot be understood."""

    exit_code = 2


class ConfigError(UsageError):
    """A settings file, variable or flag holds something that plait cannot use; the text names file, line and key."""


class LimitReached(UsageError):
    """As many sessions are open as `max_sessions` allows."""


class IllegalTransition(PlaitError):
    """An event that the table does not allow in the session's state; nothing was changed."""


class StoreError(PlaitError):
    """The database could not be opened, read or written."""


class StoreBusy(StoreError):
    """Another process owns the database; `pid` is that process where it is known."""

    exit_code = 75

    def __init__(self, text: str, pid: int | None = None) -> None:
        super().__init__(text)
        self.pid = pid


class NotSaved(StoreError):
    """What was said is taken, and is written as soon as the disk works again: to send it once more would say it twice."""


class SequenceConflict(StoreError):
    """The session's last sequence number, or the owner's epoch, is not the one that the writer expected."""


class NewerDatabase(StoreError):
    """A later version of plait wrote this database; it can be read, not written."""


class OwnerError(PlaitError):
    """The plait that owns the sessions could not be reached or understood."""

    exit_code = 75


class NoOwner(OwnerError):
    """No plait shares the sessions of this database now."""


class OwnerLost(OwnerError):
    """The connection to the owner ended; whether what was asked for was done is not known."""


class BadFrame(OwnerError):
    """What came over a connection is not the protocol; that connection ends, and nothing else."""


class ModelError(PlaitError):
    """A model could not answer. `retryable` means that the same request may succeed later."""

    retryable = False


class NoModel(ModelError):
    """No model is configured, reachable or installed."""

    exit_code = 5


class Unreachable(ModelError):
    """No connection, or no first byte in time."""

    exit_code = 5
    retryable = True


class RateLimited(ModelError):
    """The provider asked to wait; `retry_after` is in seconds, None where it named no usable time."""

    exit_code = 75
    retryable = True

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Overloaded(ModelError):
    """The provider failed on its side (500, 502, 503, 529)."""

    exit_code = 75
    retryable = True


class AccessRefused(ModelError):
    """The key is missing, wrong, or not allowed to do this."""

    exit_code = 5


class ModelMissing(ModelError):
    """The server does not offer this model."""

    exit_code = 5


class ContextTooLong(ModelError):
    """The conversation is longer than the model's context window."""


class RequestRefused(ModelError):
    """The provider refused the request for another reason."""


class BadAnswer(ModelError):
    """What came back could not be read to its end: garbled, cut, stalled, or not a stream at all."""


def error_named(name: str) -> type[PlaitError]:
    """The class of ours of this name; the base of all for any other name. Errors cross a socket, and are recorded, by their names."""
    kind = globals().get(name)
    return kind if isinstance(kind, type) and issubclass(kind, PlaitError) else PlaitError
