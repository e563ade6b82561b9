"""A real sshd on loopback, with keys and settings of its own in a temporary folder."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {authorized_keys}
PidFile {folder}/sshd.pid
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
Subsystem sftp internal-sftp
MaxStartups 100
SetEnv HOME={folder}
{more}
"""


def need_sshd() -> str:
    """The path of sshd; skips the test without one, except in CI."""
    found = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("sshd is missing; install openssh-server")
        pytest.skip("sshd is missing; install openssh-server")
    return found


def make_key(path: Path, *, type: str = "ed25519", passphrase: str = "") -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", type, "-N", passphrase, "-f", str(path)], check=True, timeout=60
    )
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sshd:
    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def known_hosts_line(self) -> str:
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {key}\n"


def user() -> str:
    return getpass.getuser()


@contextmanager
def running_sshd(
    folder: Path, *, authorized_keys: Path, port: int = 0, host_key_type: str = "ed25519", more: str = ""
) -> Iterator[Sshd]:
    """Listens until the block ends."""
    program = need_sshd()
    folder.mkdir(parents=True, exist_ok=True)
    make_key(folder / "host_key", type=host_key_type)
    port = port or free_port()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    config = folder / "sshd_config"
    config.write_text(_CONFIG.format(port=port, folder=folder, authorized_keys=authorized_keys, more=more))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(config)], stdout=log, stderr=log)
    try:
        _await_port(port, process, folder / "log")
        yield Sshd(port=port, folder=folder, process=process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _await_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        if process.poll() is not None:
            break
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"sshd did not start: {log.read_text()}")
