"""The Python environments of packs: which interpreter an action gets, and how one is built."""

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from engine.errors import RunnerFailure
from engine.replacing import point
from engine.settings import Settings
from engine.specs.pack import PackSpec

# Written last: an environment without it is half built, and is not used.
_COMPLETE = "stormcrow-complete"
LOCK = "stormcrow-lock.txt"
"""In an environment: all that is installed in it, with versions."""
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


def read_lock(folder: Path) -> list[str]:
    """The lines of an environment's lock; none where it has none of ours."""
    try:
        return (folder / LOCK).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


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
    base: Sequence[str],
    on_output: Callable[[str], None],
) -> Path:
    """Build the pack's environment anew, and return its folder; until it is complete the old one is used.

    The folder is a link to the environment of this build. Parameters as in `build_aside`. Raises
    RunnerFailure.
    """
    folder = virtualenvs / pack.ref
    fresh = new_folder(virtualenvs, pack.ref)
    build_aside(pack, fresh, interpreter=interpreter, base=base, on_output=on_output)
    point(folder, fresh)
    return folder


def new_folder(virtualenvs: Path, ref: str) -> Path:
    """Where the next environment of a pack is built: environments do not survive being moved."""
    return virtualenvs / f".{ref}.{secrets.token_hex(4)}"


def build_aside(
    pack: PackSpec,
    folder: Path,
    *,
    interpreter: str,
    base: Sequence[str],
    on_output: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
    keep: Collection[int] = (),
    origin: str = "",
) -> None:
    """Build an environment in `folder`, which is not there yet, and is gone when it fails.

    `interpreter` is used when the pack names none; empty: the one that runs us. `base`: what it
    gets besides the pack's own requirements, whose versions win. `on_output` is given what the tools
    print, line by line; `environment` is added to theirs, `keep` are descriptors that they inherit.
    uv does it where it is installed, else venv and pip. `origin`, where the pack is from, stands at
    the top of the lock. Raises RunnerFailure.
    """
    python = find_interpreter(pack.interpreter or interpreter)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    tool = _Tool(folder, python, on_output, environment or {}, keep)
    try:
        folder.mkdir()
        (folder / f"{_COMPLETE}.wanted").touch()
        tool.make()
        _install(tool, pack, base)
        head = f"# {pack.ref} {pack.version} {origin}".rstrip()
        (folder / LOCK).write_text(f"{head}\n{tool.freeze()}", encoding="utf-8")
        (folder / _COMPLETE).touch()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


class _Tool:
    """uv where it is installed, else venv and pip; both know the same words."""

    def __init__(
        self,
        folder: Path,
        python: str,
        on_output: Callable[[str], None],
        environment: Mapping[str, str],
        keep: Collection[int],
    ) -> None:
        self.folder = folder
        self.on_output = on_output
        self._python = python
        self._environment = {**_without_keys(os.environ), **environment}
        self._keep = tuple(keep)
        self._own = str(folder / "bin" / "python")
        self._uv = shutil.which("uv")

    def make(self) -> None:
        """The empty environment, with pip in it: some packs call it."""
        if self._uv is None:
            self._make(self._python, "-m", "venv", str(self.folder))
            return
        # uv wants to make the folder itself, and is told that it may use this one.
        words = ("venv", "--quiet", "--allow-existing", "--python", self._python, str(self.folder))
        try:
            self._make(self._uv, *words, "--seed")
        except RunnerFailure:
            # uv fetches pip, where venv has it: without a registry it is done without.
            self.on_output("pip could not be fetched, and is left out of the environment")
            self._make(self._uv, *words)

    def _make(self, *argv: str) -> None:
        self.on_output(" ".join(argv))
        self.run(argv, what="The environment could not be made")

    def install(self, *words: str, what: str, hint: str = "", cwd: Path | None = None) -> None:
        argv = [self._own, "-m", "pip", "--disable-pip-version-check", "install"]
        if self._uv:
            argv = [self._uv, "pip", "install", "--python", self._own]
        self.run([*argv, *words], what=what, hint=hint, cwd=cwd)

    def run(self, argv: Sequence[str], *, what: str, hint: str = "", cwd: Path | None = None) -> None:
        _run(
            argv,
            self.on_output,
            what=what,
            hint=hint,
            cwd=cwd,
            environment=self._environment,
            keep=self._keep,
        )

    def freeze(self) -> str:
        """`name==version` lines of all that is installed. Raises RunnerFailure."""
        argv = [self._own, "-m", "pip", "--disable-pip-version-check", "freeze"]
        if self._uv:
            argv = [self._uv, "pip", "freeze", "--quiet", "--python", self._own]
        try:
            done = subprocess.run(
                argv,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=_BUILD_TIMEOUT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise RunnerFailure(f"What is in the environment could not be read: {error}.") from error
        return done.stdout


def _without_keys(variables: Mapping[str, str]) -> dict[str, str]:
    """The build of a package runs code of strangers: it gets no token of a run, and no key of a person."""
    known = "ST2_ACTION_EXECUTION_ID"
    return {
        name: value
        for name, value in variables.items()
        # By this one a cancel finds what it has to end.
        if name == known or not name.startswith(("ST2_", "STORMCROW_"))
    }


def _install(tool: _Tool, pack: PackSpec, base: Sequence[str]) -> None:
    """One run of the resolver for the base set and the pack's requirements.

    Where they do not go together, the pack's are installed alone, and then each package of the
    base set as far as it fits beside them.
    """
    requirements = pack.folder / "requirements.txt"
    wanted = ["-r", str(requirements)] if requirements.is_file() else []
    if not base and not wanted:
        return
    failure = f'The requirements of the pack "{pack.ref}" could not be installed'
    try:
        tool.install(*base, *wanted, what=failure, cwd=pack.folder)
        return
    except RunnerFailure:
        if not wanted or not base:
            raise
    tool.on_output(f"{pack.ref}: the base set does not go with the pack's versions; the pack's win")
    command = f"stormcrow pack setup {pack.ref} --python 3.10"
    hint = f"Where a package does not build, another Python may do: {command}"
    tool.install(*wanted, what=failure, hint=hint, cwd=pack.folder)
    frozen = tool.folder / "pack-versions.txt"
    # What came from an address cannot be a constraint.
    lines = [line for line in tool.freeze().splitlines() if "==" in line and " @ " not in line]
    frozen.write_text("".join(f"{line}\n" for line in lines))
    for package in base:
        try:
            _add(tool, frozen, package)
        except RunnerFailure:
            tool.on_output(f"{pack.ref}: left out {package}, which does not go with the pack's versions")


def _add(tool: _Tool, frozen: Path, package: str) -> None:
    """Add one package beside what is there.

    st2client asks for exact versions of common packages; where those are taken, it gets the
    versions that the pack chose, which work as well.
    """
    failure = f"{package} could not be added"
    try:
        tool.install("-c", str(frozen), package, what=failure)
        return
    except RunnerFailure:
        tool.on_output(f"{package}: the versions it asks for are taken; trying it with those that are there")
    tool.install("-c", str(frozen), "--no-deps", package, what=failure)
    needed = _needs(tool.folder, re.split(r"[<>=]", package)[0])
    if needed:
        tool.install("-c", str(frozen), *needed, what=failure)


def _needs(folder: Path, package: str) -> list[str]:
    """The names of what an installed package requires, without versions and extras."""
    code = "import importlib.metadata, sys; print('\\n'.join(importlib.metadata.requires(sys.argv[1]) or []))"
    argv = [str(folder / "bin" / "python"), "-c", code, package]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=True)
    lines = [line for line in done.stdout.splitlines() if "extra ==" not in line]
    return [found.group() for line in lines if (found := re.match(r"[A-Za-z0-9._-]+", line))]


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
    environment: Mapping[str, str],
    keep: Sequence[int],
) -> None:
    """Raises RunnerFailure with the last lines that the command printed, and `hint`."""
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=keep,
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
