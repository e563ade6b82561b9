"""linux.wait_for_ssh: wait until a host takes SSH connections."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from st2common.runners.base_action import Action

ASKPASS = Path(__file__).resolve().parent / "lib" / "askpass.sh"


class WaitForSshAction(Action):
    def run(
        self,
        *,
        hostname,
        port=22,
        username="stanley",
        password=None,
        keyfile=None,
        ssh_timeout=5,
        sleep_delay=20,
        retries=10,
    ):
        """True as soon as an attempt works. Raises ValueError when none of `retries` attempts did.

        Without key and password an attempt works when an SSH server greets us; with one of them when it lets
        us in, which is tried with this machine's ssh program. A host key that has changed is refused.
        """
        if hostname.startswith("-") or username.startswith("-"):
            raise ValueError("Neither host nor account may begin with a dash.")
        last = "no attempt was made"
        for attempt in range(1, retries + 1):
            last = greeting_fault(hostname, port, ssh_timeout)
            if last is None and (password or keyfile):
                last = login_fault(
                    hostname,
                    port,
                    username=username,
                    password=password,
                    keyfile=keyfile,
                    timeout_s=ssh_timeout,
                )
            if last is None:
                self.logger.info("%s is ready after %d attempts", hostname, attempt)
                return True
            self.logger.info("attempt %d of %d: %s", attempt, retries, last)
            if attempt < retries:
                time.sleep(sleep_delay)
        raise ValueError(f"{hostname} was not ready after {retries} attempts: {last}")


def greeting_fault(hostname, port, timeout_s):
    """None when an SSH server greets us there, else what is wrong."""
    try:
        with socket.create_connection((hostname, port), timeout=timeout_s) as connection:
            greeting = connection.recv(255)
    except OSError as error:
        return str(error)
    return None if greeting.startswith(b"SSH-") else "what answers there is no SSH server"


def login_fault(hostname, port, *, username, password, keyfile, timeout_s):
    """None when the account may log in, else what ssh says."""
    ssh = shutil.which("ssh")
    if ssh is None:
        raise ValueError(
            "There is no ssh program on this machine: install openssh-client, or give no key and password."
        )
    command = [ssh, "-n", "-p", str(port), "-l", username, "-o", f"ConnectTimeout={timeout_s}"]
    command += ["-o", "StrictHostKeyChecking=accept-new", "-o", "NumberOfPasswordPrompts=1"]
    environment = dict(os.environ)
    if keyfile:
        command += ["-i", keyfile, "-o", "IdentitiesOnly=yes"]
    if password:
        # The password goes through the environment of ssh and its helper, never through the command line.
        environment.update(SSH_ASKPASS=str(ASKPASS), SSH_ASKPASS_REQUIRE="force", SSH_ANSWER=password)
    else:
        command += ["-o", "BatchMode=yes"]
    try:
        done = subprocess.run(
            [*command, "--", hostname, "true"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s + 10,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "the login did not end in time"
    if done.returncode == 0:
        return None
    return (
        done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        or f"ssh ended with {done.returncode}"
    )
