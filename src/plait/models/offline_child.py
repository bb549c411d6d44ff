"""The process that runs the bundled model: llama.cpp's server on a unix socket in a private directory.

Run by its path; imports nothing of plait.

Rules:
1. stdin brings one line of JSON (`model`, `socket`, `api_key`, `threads`, `context`, `slots`), then nothing; its end is our end. The key
   is on no command line and in no environment.
2. The end of stdin ends this process at any moment, whatever happens to plait. Loading holds Python's lock for a second, so meanwhile the
   kernel does it: the pipe sends SIGIO, and nobody here handles that.
3. stdout, as it was at the start, gets one line: `{"ready": true}` or `{"error": "..."}`. After that, what any code prints goes to stderr,
   the log, which the kernel cuts at `MAX_LOG` bytes.
4. Below normal priority: a prompt that someone types at goes first.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import json
import os
import resource
import select
import signal
import sys
from typing import Any

MAX_LOG = 1024 * 1024
NICE = 10
MAX_TOKENS = 1024
"""The length of an answer that asked for no other; a model this small sometimes does not find its end."""


def main() -> None:
    """Serve until stdin ends."""
    os.umask(0o077)
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold conversations
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_LOG, MAX_LOG))
    settings = json.loads(sys.stdin.buffer.readline() or b"null")
    if settings is None:
        return
    answer = os.dup(1)
    os.dup2(2, 1)
    _end_with_stdin(True)
    try:
        server = _serve(settings)
        os.chmod(settings["socket"], 0o600)
    except Exception as error:  # whatever the library raises becomes plait's sentence
        _say(answer, {"error": f"{type(error).__name__}: {error}"})
        raise SystemExit(1) from error
    _end_with_stdin(False)
    _say(answer, {"ready": True})
    while os.read(0, 4096):
        pass
    with contextlib.suppress(OSError):
        os.unlink(settings["socket"])
        os.rmdir(os.path.dirname(settings["socket"]))
    del server  # kept alive until here; it ends its threads
    os._exit(0)


def _serve(settings: dict[str, Any]) -> Any:
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it has no types
    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {"smollm2"}
    params.hostnames = [settings["socket"]]
    params.api_keys = [settings["api_key"]]
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["context"]
    params.kv_unified = True  # apart, a slot would get a fifth
    params.cpuparams.n_threads = settings["threads"]
    params.cache_ram_mib = 0  # by default it keeps up to 8 GiB of old prompts
    params.n_predict = MAX_TOKENS
    params.sse_ping_interval = 5
    params.ui = params.endpoint_slots = False
    params.offline = True
    params.verbosity = 1
    # By trial on questions with one answer and on stories: a penalty on single tokens (1.1) costs right answers, none at all lets half of
    # the long answers run in circles; one on repeated phrases does neither.
    params.sampling.temp, params.sampling.top_p, params.sampling.dry_multiplier = 0.2, 0.9, 0.8
    return xllamacpp.Server(params)


def _end_with_stdin(by_signal: bool) -> None:
    """Have the kernel end this process when stdin ends, or leave that to the reader again."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(0, fcntl.F_GETFL)
    fcntl.fcntl(0, fcntl.F_SETFL, flags | os.O_ASYNC if by_signal else flags & ~os.O_ASYNC)
    if by_signal and select.select([0], [], [], 0)[0]:
        os._exit(0)  # it ended before the kernel was asked


def _say(descriptor: int, answer: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, json.dumps(answer).encode() + b"\n")
    os.close(descriptor)


if __name__ == "__main__":
    main()
