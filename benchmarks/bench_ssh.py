"""`true` on another host over a pooled connection, and the same by a new connection and by OpenSSH."""

import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.serving import percentile, report
from engine.runners.base import RunControl, RunRequest
from engine.runners.remote import RemoteRunner
from engine.settings import Settings
from engine.settings.actions import SshSettings
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.status import Status
from tests.engine.runners.sshd import make_key, running_sshd, user

RUNS = 200
FRESH_RUNS = 10


def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        key = make_key(folder / "id")
        with running_sshd(folder / "sshd", authorized_keys=key.with_suffix(".pub")) as sshd:
            known = folder / "known_hosts"
            known.write_text(sshd.known_hosts_line, encoding="utf-8")
            settings = Settings(root=folder, ssh=SshSettings(known_hosts=str(known), key_file=str(key)))
            wanted = request(f"127.0.0.1:{sshd.port}")
            runner = RemoteRunner(settings)
            run_ms(runner, wanted)
            pooled = [run_ms(runner, wanted) for _ in range(RUNS)]
            runner.close()
            report("SSH: true on a pooled connection, p50", percentile(pooled, 50), "ms", "< 6")
            report("SSH: true on a pooled connection, p99", percentile(pooled, 99), "ms", "")
            fresh = []
            for _ in range(FRESH_RUNS):
                alone = RemoteRunner(settings)
                fresh.append(run_ms(alone, wanted))
                alone.close()
            report("SSH: true with a new connection, p50", percentile(fresh, 50), "ms", "")
            command = [
                "ssh",
                "-F",
                "none",
                "-i",
                str(key),
                "-p",
                str(sshd.port),
                "-o",
                f"UserKnownHostsFile={known}",
            ]
            openssh = []
            for _ in range(FRESH_RUNS):
                started = time.perf_counter()
                subprocess.run([*command, "127.0.0.1", "true"], check=True, capture_output=True)
                openssh.append((time.perf_counter() - started) * 1000)
            report("SSH: true by the ssh command, p50", percentile(openssh, 50), "ms", "")


def request(hosts: str) -> RunRequest:
    return RunRequest(
        execution_id="5f00000000000000000000aa",
        action=ActionSpec(pack="bench", name="true", runner_type="remote-shell-cmd"),
        pack=PackSpec(ref="bench", name="bench"),
        runner_parameters={"hosts": hosts, "cmd": "true", "cwd": "/tmp", "username": user(), "timeout": 60},
        action_parameters={},
    )


def run_ms(runner: RemoteRunner, wanted: RunRequest) -> float:
    started = time.perf_counter()
    done = runner.run(wanted, RunControl())
    if done.status is not Status.SUCCEEDED:
        raise RuntimeError(str(done.result))
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
