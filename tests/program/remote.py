"""An sshd of the test's own on loopback, with keys and settings in a directory of the test, and the way to it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pytest

from tests.timing import LIMIT, until

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
needs_ssh = pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="sshd or ssh is not installed")

SERVER = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {root}/host
AuthorizedKeysFile {root}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
"""
CLIENT = """\
Host plait-test
HostName 127.0.0.1
Port {port}
User {user}
IdentityFile {root}/user
IdentitiesOnly yes
UserKnownHostsFile {root}/known
StrictHostKeyChecking yes
LogLevel ERROR
"""


class Remote:
    """A server while it is entered; it is ended by its process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._server: subprocess.Popen[bytes]

    @property
    def command(self) -> Sequence[str]:
        """What runs a command line at the far end, on a terminal there."""
        return ["ssh", "-tt", "-F", str(self._root / "client"), "plait-test"]

    def __enter__(self) -> Remote:
        self._root.mkdir(mode=0o700)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._root / name)], check=True, timeout=LIMIT)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = int(taken.getsockname()[1])
        user = pwd.getpwuid(os.geteuid()).pw_name
        (self._root / "server").write_text(SERVER.format(root=self._root, port=port))
        (self._root / "client").write_text(CLIENT.format(root=self._root, port=port, user=user))
        (self._root / "known").write_text(f"[127.0.0.1]:{port} {(self._root / 'host.pub').read_text()}")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # an sshd of root does not start without it
        log = (self._root / "log").open("wb")
        with log:
            assert SSHD is not None
            self._server = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(self._root / "server")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._wait_listening(port)
        return self

    def _wait_listening(self, port: int) -> None:
        def listening() -> bool:
            assert self._server.poll() is None, (self._root / "log").read_text()
            return f"Server listening on 127.0.0.1 port {port}" in (self._root / "log").read_text()

        until(listening)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.terminate()
        self._server.wait(LIMIT)
