"""The Python environments of packs: which interpreter an action gets, and how one is built."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import RunnerFailure
from engine.settings import Settings
from engine.specs.pack import PackSpec

# What packs import without saying so in requirements.txt: StackStorm's own environment has it.
BASE = (
    "six",
    "requests",
    "urllib3",
    "pyyaml",
    "python-dateutil",
    "jinja2",
    "eventlet",
    # Without a lower bound the resolver goes back to versions that do not build any more.
    "st2client>=3.8",
)
# Written last: an environment without it is half built, and is not used.
_COMPLETE = "stormcrow-complete"
_BUILD_TIMEOUT_S = 1800


def interpreter_of(pack: PackSpec, settings: Settings) -> Path:
    """The interpreter that runs the pack's Python actions.

    Shipped packs use ours; every other pack has an environment of its own. Raises RunnerFailure,
    with the command that builds it, when it is missing or half built.
    """
    if pack.is_system:
        return Path(sys.executable)
    folder = settings.virtualenvs_folder / pack.ref
    if not is_complete(folder):
        raise RunnerFailure(
            f'The pack "{pack.ref}" has no Python environment.',
            hint=f"Build it: stormcrow pack setup {pack.ref}",
        )
    return folder / "bin" / "python"


def is_complete(folder: Path) -> bool:
    """Whether an environment can be used. One that StackStorm's tools built has no mark of ours."""
    if not (folder / "bin" / "python").exists():
        return False
    return (folder / _COMPLETE).exists() or not (folder / f"{_COMPLETE}.wanted").exists()


def stamp(interpreter: Path) -> str:
    """Changes when the environment of `interpreter` is built anew."""
    folder = interpreter.parent.parent
    for name in (_COMPLETE, "pyvenv.cfg"):
        try:
            return str((folder / name).stat().st_mtime_ns)
        except OSError:
            continue
    return ""


def build_environment(
    pack: PackSpec,
    *,
    virtualenvs: Path,
    interpreter: str,
    on_output: Callable[[str], None],
) -> Path:
    """Build the pack's environment anew, and return its folder.

    `interpreter` is used when the pack names none; empty: the one that runs us. `on_output` is
    given what the tools print, line by line. Versions that the pack asks for win over the base
    set. Environments do not survive being moved, so the new one is built at its place, and the
    old one is kept beside it until the new one is complete. Raises RunnerFailure.
    """
    folder = virtualenvs / pack.ref
    python = find_interpreter(pack.interpreter or interpreter)
    virtualenvs.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = _set_aside(folder)
    try:
        folder.mkdir()
        (folder / f"{_COMPLETE}.wanted").touch()
        on_output(f"{pack.ref}: {python} -m venv {folder}")
        _run([python, "-m", "venv", str(folder)], on_output, what="The environment could not be made")
        _install(folder, pack, on_output)
        (folder / _COMPLETE).touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if before is not None:
            before.rename(folder)
        raise
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)
    return folder


def _set_aside(folder: Path) -> Path | None:
    """Move an older environment out of the way; what a broken build left is put back first."""
    before = folder.with_name(f".{folder.name}.before")
    if before.exists() and not is_complete(folder):
        shutil.rmtree(folder, ignore_errors=True)
        return before
    shutil.rmtree(before, ignore_errors=True)
    if not folder.exists():
        return None
    return folder.rename(before)


def _install(folder: Path, pack: PackSpec, on_output: Callable[[str], None]) -> None:
    """One run of the resolver for the base set and the pack's requirements.

    Where they do not go together, the pack's are installed alone, and then each package of the
    base set as far as it fits beside them.
    """
    requirements = pack.folder / "requirements.txt"
    wanted = ["-r", str(requirements)] if requirements.is_file() else []
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    failure = f'The requirements of the pack "{pack.ref}" could not be installed'
    try:
        _run([*pip, *BASE, *wanted], on_output, what=failure, cwd=pack.folder)
        return
    except RunnerFailure:
        if not wanted:
            raise
    on_output(f"{pack.ref}: the base set does not go with the pack's versions; the pack's win")
    command = f"stormcrow pack setup {pack.ref} --python 3.10"
    hint = f"Where a package does not build, another Python may do: {command}"
    _run([*pip, *wanted], on_output, what=failure, hint=hint, cwd=pack.folder)
    frozen = folder / "pack-versions.txt"
    frozen.write_text(_freeze(folder))
    for package in BASE:
        try:
            _add(folder, [*pip, "-c", str(frozen)], package, on_output)
        except RunnerFailure:
            on_output(f"{pack.ref}: left out {package}, which does not go with the pack's versions")


def _add(folder: Path, pip: Sequence[str], package: str, on_output: Callable[[str], None]) -> None:
    """Add one package beside what is there.

    st2client asks for exact versions of common packages; where those are taken, it gets the
    versions that the pack chose, which work as well.
    """
    failure = f"{package} could not be added"
    try:
        _run([*pip, package], on_output, what=failure)
        return
    except RunnerFailure:
        on_output(f"{package}: the versions it asks for are taken; trying it with those that are there")
    _run([*pip, "--no-deps", package], on_output, what=failure)
    needed = _needs(folder, re.split(r"[<>=]", package)[0])
    if needed:
        _run([*pip, *needed], on_output, what=failure)


def _needs(folder: Path, package: str) -> list[str]:
    """The names of what an installed package requires, without versions and extras."""
    code = "import importlib.metadata, sys; print('\\n'.join(importlib.metadata.requires(sys.argv[1]) or []))"
    argv = [str(folder / "bin" / "python"), "-c", code, package]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=True)
    lines = [line for line in done.stdout.splitlines() if "extra ==" not in line]
    return [found.group() for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))]


def _freeze(folder: Path) -> str:
    """`name==version` lines; what came from an address cannot be a constraint and is left out."""
    argv = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "freeze"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=True)
    return "".join(f"{line}\n" for line in done.stdout.splitlines() if "==" in line and " @ " not in line)


def find_interpreter(wanted: str) -> str:
    """The path of an interpreter: given as a path, as a name, or as a version such as "3.10".

    A version is looked for on PATH and among pyenv's. Empty: the one that runs us.
    """
    if not wanted:
        return sys.executable
    if "/" in wanted:
        return _checked(Path(wanted).expanduser(), wanted)
    name = wanted if wanted.startswith("py") else f"python{wanted}"
    for folder in _pyenv_folders(name.removeprefix("python")):
        if (folder / "bin" / name).exists():
            return str(folder / "bin" / name)
    found = shutil.which(name)
    if found is None:
        raise RunnerFailure(
            f"There is no {name} on this machine.",
            hint="Install it, or name the path of another interpreter with x-python in pack.yaml.",
        )
    return found


def _pyenv_folders(version: str) -> Sequence[Path]:
    """Newest first, versions of pyenv that begin with `version`."""
    versions = Path.home() / ".pyenv" / "versions"
    found = [path for path in versions.glob(f"{version}*") if _has_prefix(path.name, version)]
    return sorted(found, key=lambda path: [int(n) for n in path.name.split(".") if n.isdigit()], reverse=True)


def _has_prefix(name: str, version: str) -> bool:
    return bool(version) and name.split(".")[: len(version.split("."))] == version.split(".")


def _checked(path: Path, wanted: str) -> str:
    if not os.access(path, os.X_OK):
        raise RunnerFailure(f"There is no interpreter at {wanted}.")
    return str(path)


def _run(
    argv: Sequence[str],
    on_output: Callable[[str], None],
    *,
    what: str,
    hint: str = "",
    cwd: Path | None = None,
) -> None:
    """Raises RunnerFailure with the last lines that the command printed, and `hint`."""
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except OSError as error:
        raise RunnerFailure(f"{what}: {error}.") from error
    with process:
        if process.stdout is not None:
            for line in process.stdout:
                lines.append(line.rstrip())
                on_output(lines[-1])
        code = process.wait(_BUILD_TIMEOUT_S)
    if code != 0:
        raise RunnerFailure("\n".join([f"{what} (exit code {code}):", *lines[-15:]]), hint=hint)
