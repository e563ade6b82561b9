"""`doctor`: what is wrong with this installation, and how to put it right."""

import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from bot.cli.finding import Finding
from bot.cli.local import read_registry
from bot.cli.output import emit_json, paint, say
from bot.cli.site import Config, Data, Json, config_file, running_url, settings_of
from engine.errors import EngineError
from engine.settings import Settings

OLDEST_PYTHON = (3, 11)
SPAWN_TIME_S = 10
ANSWER_TIME_S = 2
STATUS_TIME_S = 15
SMALLEST_FREE_BYTES = 200 * 1024 * 1024


About = Annotated[
    str,
    typer.Argument(
        metavar="[slack|logins|NETWORK]",
        help="Ask Slack too (tokens, scopes, sockets, channels), the ways to log in (LDAP, issuers, proxy), "
        "or a network of the section errbot.",
    ),
]


def doctor(about: About = "", as_json: Json = False, config: Config = None, data: Data = None) -> None:
    """Look for what is wrong here, and say how to fix it; exit code 1 when something is."""
    findings = list(_about(about, config, data) if about else examine(config, data))
    if as_json:
        emit_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            word = paint("ok" if finding.is_ok else "problem")
            say(f"{word:<9}{finding.what}: {finding.text}")
            if finding.fix:
                say(f"         fix: {finding.fix}")
    raise typer.Exit(Code.OK if all(finding.is_ok for finding in findings) else Code.FAILED)


def _about(about: str, config: Path | None, data: Path | None) -> Iterator[Finding]:
    settings = settings_of(config, data)
    if about in settings.errbot.networks:
        from bot.cli.doctor_network import examine_network  # noqa: PLC0415 - as below

        return examine_network(settings, about)
    if about == "logins":
        from bot.cli.doctor_logins import examine_logins  # noqa: PLC0415 - as below

        return examine_logins(settings)
    if about != "slack":
        known = ", ".join(["slack", "logins", *settings.errbot.networks])
        raise CommandError(Code.WRONG, f"Nothing is known of {about!r}.", hint=f"Say one of: {known}.")
    from bot.cli.doctor_slack import examine_slack  # noqa: PLC0415 - slow to import

    return examine_slack(settings)


def examine(config: Path | None, data: Path | None) -> Iterator[Finding]:
    """Every check; without settings that can be read, only what needs none."""
    yield python_version()
    try:
        settings = settings_of(config, data)
    except EngineError as error:
        yield Finding(what="settings", is_ok=False, text=str(error), fix="Correct it: stormcrow config check")
        return
    file = config_file(config)
    yield Finding(what="settings", is_ok=True, text=str(file) if file else "no config.yaml: defaults")
    for check in (data_folder, database, admin_key, port, spool, free_space, processes):
        yield check(settings)
    yield from server(settings)
    yield from content(settings)
    yield known_hosts(settings)
    yield sudo(settings)


def python_version() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info >= OLDEST_PYTHON:
        return Finding(what="python", is_ok=True, text=version)
    return Finding(
        what="python", is_ok=False, text=f"{version} is too old", fix="Install Python 3.11 or newer."
    )


def data_folder(settings: Settings) -> Finding:
    folder = settings.data_folder
    if not folder.exists():
        return Finding(what="data folder", is_ok=True, text=f"{folder} will be made at the first start")
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        text = f"{folder} is open to others (mode {mode:04o})"
        return Finding(what="data folder", is_ok=False, text=text, fix=f"chmod 700 {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        text = f"{folder} cannot be written"
        return Finding(what="data folder", is_ok=False, text=text, fix="Run as its owner, or use --data.")
    return Finding(what="data folder", is_ok=True, text=f"{folder} (mode {mode:04o})")


def database(settings: Settings) -> Finding:
    """Opens it to read; a server may be using it."""
    if settings.store.url:
        return _database_by_url(settings.store.url)
    import sqlite3  # noqa: PLC0415 - a part of Python that may be missing

    path = settings.data_folder / "stormcrow.db"
    if not path.exists():
        return Finding(what="database", is_ok=True, text="SQLite; made at the first start")
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        answer = str(error)
    size = f"{path.stat().st_size / 1_048_576:.1f} MB"
    if answer == "ok":
        return Finding(what="database", is_ok=True, text=f"{path} ({size})")
    return Finding(what="database", is_ok=False, text=f"{path}: {answer}", fix="Put it back from a backup.")


def _database_by_url(url: str) -> Finding:
    from sqlalchemy import create_engine, make_url  # noqa: PLC0415 - heavy
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - heavy

    shown = "the URL in store.url"
    try:
        shown = make_url(url).render_as_string(hide_password=True)
        engine = create_engine(url)
        engine.connect().close()
        engine.dispose()
    except (SQLAlchemyError, ImportError) as error:
        first = str(error).splitlines()[0]
        return Finding(
            what="database", is_ok=False, text=f"{shown}: {first}", fix="Check store.url and the server."
        )
    return Finding(what="database", is_ok=True, text=shown)


def admin_key(settings: Settings) -> Finding:
    path = settings.data_folder / "admin.key"
    if not path.exists():
        return Finding(what="admin key", is_ok=True, text="made at the first start")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        text = f"{path} can be read by others (mode {mode:04o})"
        return Finding(what="admin key", is_ok=False, text=text, fix=f"chmod 600 {path}")
    return Finding(what="admin key", is_ok=True, text=f"{path} (mode {mode:04o})")


def port(settings: Settings) -> Finding:
    """Free, or used by the server of these settings."""
    host, number = settings.server.host, settings.server.port
    where = f"{host}:{number}"
    if number == 0:
        return Finding(what="port", is_ok=True, text="a free one is taken at the start")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, number))
    except OSError as error:
        return _used_port(settings, where, error)
    return Finding(what="port", is_ok=True, text=f"{where} is free; the server is not running")


def _used_port(settings: Settings, where: str, error: OSError) -> Finding:
    key = settings.data_folder / "admin.key"
    try:
        client = Client(running_url(settings), key.read_text().strip() if key.exists() else "")
        user = client.get("user", timeout_s=ANSWER_TIME_S)["username"]
    except (CommandError, OSError, KeyError, TypeError):
        text = f"{where} cannot be used: {error.strerror}, and what answers there is not this server"
        fix = "Stop the other program, or take another port: server.port, --port."
        return Finding(what="port", is_ok=False, text=text, fix=fix)
    return Finding(what="port", is_ok=True, text=f"{where}; the server is running, and knows us as {user}")


def server(settings: Settings) -> Iterator[Finding]:
    """How the server of these settings is, where it runs: what `stormcrow status` says."""
    key = settings.data_folder / "admin.key"
    if not (settings.data_folder / "server.url").exists() or not os.access(key, os.R_OK):
        return
    try:
        client = Client(running_url(settings), key.read_text(encoding="utf-8").strip())
        _status, found = client.answer("readyz", timeout_s=STATUS_TIME_S)
    except CommandError:
        # A server that was killed leaves its address behind; `port` says what is there.
        return
    for check in found.get("checks", ()) if isinstance(found, dict) else ():
        is_ok = check["ok"] or not check["decides"]
        fix = "" if is_ok else check["hint"]
        yield Finding(what=f"server: {check['name']}", is_ok=is_ok, text=check["text"], fix=fix)


def spool(settings: Settings) -> Finding:
    folder = settings.data_folder / "spool"
    if not folder.exists():
        return Finding(what="spool", is_ok=True, text="made at the first start")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(what="spool", is_ok=False, text=f"{folder} cannot be used", fix=f"chown it: {folder}")
    entries = sum(1 for entry in folder.iterdir() if entry.is_dir())
    return Finding(what="spool", is_ok=True, text=f"{folder} ({entries} entries)")


def free_space(settings: Settings) -> Finding:
    folder = settings.data_folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1_073_741_824:.1f} GB free for the data folder"
    fix = "" if free >= SMALLEST_FREE_BYTES else f"Make room on the disk of {folder}."
    return Finding(what="disk", is_ok=not fix, text=text, fix=fix)


def processes(_settings: Settings) -> Finding:
    """Whether actions can be started the way the shim is: an isolated interpreter that runs a shell."""
    program = "import subprocess; print(subprocess.check_output(['/bin/sh', '-c', 'echo started']).decode())"
    command = [sys.executable, "-I", "-S", "-c", program]
    try:
        found = subprocess.run(command, capture_output=True, timeout=SPAWN_TIME_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(
            what="processes", is_ok=False, text=f"{error}", fix="Check limits (ulimit -u) and /bin/sh."
        )
    is_ok = b"started" in found.stdout
    fix = "" if is_ok else "Check /bin/sh."
    return Finding(what="processes", is_ok=is_ok, text="actions can be started", fix=fix)


def content(settings: Settings) -> Iterator[Finding]:
    """What could not be loaded, and packs whose Python actions have no environment."""
    from engine.runners.environments import is_complete  # noqa: PLC0415 - heavy
    from engine.workflow_files import WorkflowFiles  # noqa: PLC0415 - heavy

    registry = read_registry(settings)
    for broken in (*registry.unavailable, *WorkflowFiles().broken(registry)):
        fix = broken.hint or "Correct the file: stormcrow pack check"
        yield Finding(
            what=f"{broken.kind} {broken.name}", is_ok=False, text=f"{broken.where}: {broken.reason}", fix=fix
        )
    with_python = {one.pack for one in registry.actions.values() if one.runner_type == "python-script"}
    for ref in sorted(with_python):
        pack = registry.packs.get(ref)
        if pack is not None and not pack.is_system and not is_complete(settings.virtualenvs_folder / ref):
            text = "its Python actions have no virtual environment"
            yield Finding(what=f"pack {ref}", is_ok=False, text=text, fix=f"stormcrow pack setup {ref}")
    text = f"{len(registry.packs)} packs, {len(registry.actions)} actions, {len(registry.aliases)} aliases"
    yield Finding(what="content", is_ok=True, text=text)


def known_hosts(settings: Settings) -> Finding:
    path = settings.path(settings.ssh.known_hosts)
    if path.is_file() and os.access(path, os.R_OK):
        return Finding(what="ssh known hosts", is_ok=True, text=str(path))
    if settings.ssh.accept_new:
        return Finding(what="ssh known hosts", is_ok=True, text=f"{path} is made when a first host is seen")
    text = f"{path} cannot be read, so that every remote host is refused"
    fix = f"ssh-keyscan HOST >> {path}, after checking the key"
    # Who runs nothing remotely has nothing to fix.
    return Finding(what="ssh known hosts", is_ok=True, text=f"{text} ({fix})")


def sudo(settings: Settings) -> Finding:
    if not settings.actions.sudo and not settings.actions.user:
        return Finding(what="sudo", is_ok=True, text="switched off")
    program = shutil.which("sudo")
    if program is None and not settings.actions.user:
        return Finding(what="sudo", is_ok=True, text="not installed; actions with sudo: true will fail")
    if program is None:
        return Finding(
            what="sudo", is_ok=False, text="not installed, and actions.user needs it", fix="Install sudo."
        )
    target = ["-u", settings.actions.user] if settings.actions.user else []
    answer = _sudo_answer([program, "-n", *target, "true"])
    if answer is None:
        return Finding(what="sudo", is_ok=True, text=f"{program} asks for no password")
    if not settings.actions.user:
        text = f"{program} asks for a password; actions with sudo: true need sudo_password"
        return Finding(what="sudo", is_ok=True, text=text)
    fix = f"Let this account run commands as {settings.actions.user} without a password (visudo)."
    return Finding(what="sudo", is_ok=False, text=f"{program}: {answer}", fix=fix)


def _sudo_answer(command: list[str]) -> str | None:
    """None when it works, else what it says."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=SPAWN_TIME_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.decode(errors="replace").strip()
