"""The steps of one pack: fetch, check, environment, switch. Until the switch all can be thrown away."""

import re
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import semver

from engine.content.folders import content_files, pack_folders
from engine.content.read_packs import pack_ref, read_pack
from engine.content.shape import WrongShape
from engine.errors import BadContent, BadInput, Conflict, EngineError, NotFound, nearest
from engine.installer.fetch import fetch
from engine.installer.index import Index
from engine.installer.plan import Plan
from engine.installer.switching import MARK, Note, State, discard, read_mark, remove, switch, write_mark
from engine.installer.wanted import Wanted, wanted_of
from engine.runners.environments import build_aside, is_complete, new_folder
from engine.specs.pack import SYSTEM_PACKS, PackSpec
from engine.yaml_reader import read_file

# What packs ask for with `stackstorm_version`.
STACKSTORM = "3.9.0"
_DEEPEST = 10
_RANGE = re.compile(r"(>=|<=|==|!=|>|<)?\s*([0-9]+(?:\.[0-9]+){0,2})[a-z0-9.-]*")

Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Report:
    """What StackStorm's clients read under `result.output`."""

    packs_list: list[str] = field(default_factory=list)
    conflict_list: list[str] = field(default_factory=list)
    warning_list: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Work:
    """One run of the installer. `say` is given one line per step."""

    def __init__(self, plan: Plan, index: Callable[[], Index], say: Say) -> None:
        self._plan = plan
        self._index = index
        self._say = say
        self._state = State(Path(plan.places.state))
        self.report = Report()

    def run(self) -> Report:
        """Every pack by itself: one that fails leaves the others alone."""
        self._state.recover()
        for text in dict.fromkeys(self._plan.packs or self._installed()):
            try:
                self._one(text)
            except (EngineError, OSError) as error:
                self.report.failures.append(f"{text}: {error}")
                self._say(f"{text}: failed: {error}")
        return self.report

    def _one(self, text: str) -> None:
        operation = self._plan.operation
        if operation == "uninstall":
            self._uninstall(text)
        elif operation == "setup_virtualenv":
            self._environment_of(text)
        elif operation == "update":
            self._update(text)
        else:
            self._install(wanted_of(text), depth=0)

    # install

    def _install(self, wanted: Wanted, *, depth: int) -> None:
        wanted = self._resolved(wanted)
        token = secrets.token_hex(6)
        target = self._plan.places.target
        target.mkdir(parents=True, exist_ok=True)
        fresh = target / f".{token}.installing"
        with ExitStack() as undo:
            # Until the pack's own ref is known it is noted under a name of its own.
            note = Note(
                ref=f"fetch-{token}",
                token=token,
                step="building",
                folder="",
                new_folder=str(fresh),
                environment="",
                new_environment="",
            )
            undo.callback(self._state.forget_lock, note.ref)
            # git and pip get the locks: when we are killed, nobody clears away under their hands.
            keep = [undo.enter_context(self._state.lock(note.ref))]
            undo.callback(self._undo, note)
            self._state.write(note)
            self._say(f"{wanted.text}: fetching {wanted.location}")
            commit = fetch(wanted, fresh, keep=keep)
            pack = self._checked(wanted, fresh)
            keep.append(undo.enter_context(self._state.lock(pack.ref)))
            self._state.settle(pack.ref)
            if self._is_there(pack, commit):
                self._say(f"{pack.ref}: {pack.version} is there already, at the same commit")
                self.report.packs_list.append(pack.ref)
                return
            note = self._moved(note, pack)
            undo.callback(self._undo, note)
            self._write_mark(fresh, wanted, pack, commit=commit, token=token)
            if not self._plan.skip_dependencies:
                self._dependencies(pack, depth=depth)
            if self._plan.operation != "download" and needs_environment(pack):
                self._say(f"{pack.ref}: building its environment")
                build_aside(
                    pack,
                    Path(note.new_environment),
                    interpreter=self._plan.interpreter,
                    base=self._plan.base,
                    on_output=lambda line: self._say(f"{pack.ref}: {line}"),
                    environment=self._plan.environment,
                    keep=keep,
                    origin=f"{wanted.location} {commit}",
                )
            self._say(f"{pack.ref}: switching to {pack.version}")
            note = replace(note, step="switching")
            self._state.write(note)
            switch(note)
            self._state.clear(note)
        self._told(pack)

    def _is_there(self, pack: PackSpec, commit: str) -> bool:
        """Whether this very commit is installed, and complete."""
        places = self._plan.places
        is_same = bool(commit) and read_mark(places.target / pack.ref).get("commit") == commit
        if not is_same or self._plan.force:
            return False
        return not needs_environment(pack) or is_complete(Path(places.virtualenvs) / pack.ref)

    def _undo(self, note: Note) -> None:
        """What is still noted as being built is thrown away."""
        known = self._state.read(note.ref)
        if known is not None and known.step == "building":
            discard(known)
            self._state.clear(known)

    def _moved(self, note: Note, pack: PackSpec) -> Note:
        """The note under the pack's own name."""
        places = self._plan.places
        virtualenvs = Path(places.virtualenvs)
        made = replace(
            note,
            ref=pack.ref,
            folder=str(places.target / pack.ref),
            environment=str(virtualenvs / pack.ref),
            new_environment=str(new_folder(virtualenvs, pack.ref)),
        )
        self._state.write(made)
        self._state.clear(note)
        return made

    def _told(self, pack: PackSpec) -> None:
        self.report.packs_list.append(pack.ref)
        if pack.python_versions and "3" not in pack.python_versions:
            self.report.warning_list.append(
                f'The pack "{pack.ref}" names Python {", ".join(pack.python_versions)} only; '
                "its actions may not run."
            )
        schema = self._plan.places.target / pack.ref / "config.schema.yaml"
        if schema.is_file():
            self._say(f"{pack.ref}: it can be configured: stormcrow pack config show {pack.ref}")
        self._say(f"{pack.ref}: {pack.version} is installed")

    def _resolved(self, wanted: Wanted) -> Wanted:
        """A name becomes the address that the index knows."""
        if wanted.kind != "index":
            return wanted
        index = self._index()
        entry = index.get(wanted.location)
        if entry is None:
            raise NotFound(
                f'No record of the "{wanted.location}" pack in the index.',
                hint=nearest(wanted.location, index.packs),
            )
        address = str(entry.get("repo_url") or "")
        found = wanted_of(address) if address else None
        if found is None or found.kind == "index":
            raise BadInput(f'No valid repo_url provided or could be inferred for "{wanted.location}".')
        revision = wanted.revision or str(entry.get("version") or "")
        return replace(found, text=wanted.text, revision=revision)

    def _checked(self, wanted: Wanted, folder: Path) -> PackSpec:
        """The pack in `folder`, when it may be installed. Raises BadInput, BadContent, Conflict."""
        manifest = folder / "pack.yaml"
        if not manifest.is_file():
            raise BadInput(f"{wanted.location} is no pack: it has no pack.yaml.")
        _, document = read_file(manifest, name="pack.yaml")
        try:
            ref = pack_ref(document.value, wanted.name)
            pack = read_pack(document.value, ref=ref, folder=folder, is_system=False)
        except WrongShape as error:
            raise BadContent(error.message, hint=error.hint, where="pack.yaml") from error
        if ref in SYSTEM_PACKS:
            raise Conflict(f'"{ref}" ships with Stormcrow, and is not replaced.')
        there = self._plan.places.target / ref
        if there.is_dir() and not read_mark(there) and not self._plan.force:
            raise Conflict(
                f"{there} was put there by hand.", hint="Remove it first, or use force to replace it."
            )
        if not self._plan.force:
            _check_versions(pack)
        return pack

    def _write_mark(self, folder: Path, wanted: Wanted, pack: PackSpec, *, commit: str, token: str) -> None:
        write_mark(
            folder,
            token=token,
            source=wanted.text,
            location=wanted.location,
            revision=wanted.revision,
            commit=commit,
            version=pack.version,
        )
        if (folder / ".git").is_dir():
            # Or git would say of every installed pack that somebody has changed it.
            (folder / ".git" / "info").mkdir(exist_ok=True)
            (folder / ".git" / "info" / "exclude").write_text(f"/{MARK}\n__pycache__/\n", encoding="utf-8")

    def _dependencies(self, pack: PackSpec, *, depth: int) -> None:
        for dependency in pack.dependencies:
            wanted = wanted_of(dependency)
            present = self._installed_version(wanted.name)
            if present is None:
                if depth >= _DEEPEST:
                    raise BadInput(f"Packs that need each other are nested more than {_DEEPEST} deep.")
                self._say(f"{pack.ref}: it needs {dependency}")
                self._install(wanted, depth=depth + 1)
            elif wanted.revision and present != wanted.revision.removeprefix("v"):
                self.report.conflict_list.append(
                    f"{pack.ref} needs {dependency}, and {present} is installed."
                )

    def _installed_version(self, ref: str) -> str | None:
        places = self._plan.places
        for _, folder in pack_folders([Path(base) for base in (*places.bases, places.shipped)]):
            try:
                _, document = read_file(folder / "pack.yaml", name="pack.yaml")
                if pack_ref(document.value, folder.name) == ref:
                    return read_pack(document.value, ref=ref, folder=folder, is_system=False).version
            except BadContent:
                continue
        return None

    # the others

    def _installed(self) -> list[str]:
        """What an update without names is about: all that an installer has put there.

        A pack that was imported may have been changed on the old box: it is updated when it is named.
        """
        folders = [folder for _, folder in pack_folders([self._plan.places.target])]
        marks = {folder.name: read_mark(folder) for folder in folders}
        return [name for name, mark in marks.items() if mark and not mark.get("is_imported")]

    def _update(self, ref: str) -> None:
        source = read_mark(self._folder_of(ref)).get("source")
        if not source:
            raise BadInput(
                f'The pack "{ref}" was put there by hand; nobody knows where it is from.',
                hint="Install it by its address, with --force; from then on it is known.",
            )
        self._install(wanted_of(str(source)), depth=0)

    def _uninstall(self, ref: str) -> None:
        folder = self._folder_of(ref)
        if not read_mark(folder) and not self._plan.force:
            raise Conflict(
                f"{folder} was put there by hand.",
                hint="Remove it yourself, then: stormcrow reload. Or use force.",
            )
        with self._state.lock(ref):
            self._state.settle(ref)
            self._say(f"{ref}: removing {folder}")
            note = Note(
                ref=ref,
                token=secrets.token_hex(6),
                step="removing",
                folder=str(folder),
                new_folder=str(folder.with_name(f".{ref}.removed")),
                environment=str(Path(self._plan.places.virtualenvs) / ref),
                new_environment="",
            )
            self._state.write(note)
            remove(note)
            self._state.clear(note)
        self.report.packs_list.append(ref)

    def _environment_of(self, ref: str) -> None:
        folder = self._folder_of(ref)
        pack = self._checked_there(ref, folder)
        virtualenvs = Path(self._plan.places.virtualenvs)
        with self._state.lock(ref) as lock:
            self._state.settle(ref)
            fresh = new_folder(virtualenvs, ref)
            mark = read_mark(folder)
            note = Note(
                ref=ref,
                token=str(mark.get("token", "")),
                step="building",
                folder=str(folder),
                new_folder="",
                environment=str(virtualenvs / ref),
                new_environment=str(fresh),
            )
            self._state.write(note)
            try:
                build_aside(
                    pack,
                    fresh,
                    interpreter=self._plan.interpreter,
                    base=self._plan.base,
                    on_output=lambda line: self._say(f"{ref}: {line}"),
                    environment=self._plan.environment,
                    keep=[lock],
                    origin=f"{mark.get('location', '')} {mark.get('commit', '')}",
                )
                note = replace(note, step="switching")
                self._state.write(note)
                switch(note)
                self._state.clear(note)
            finally:
                self._undo(note)
        self.report.packs_list.append(ref)
        self._say(f"{ref}: its environment is ready")

    def _checked_there(self, ref: str, folder: Path) -> PackSpec:
        _, document = read_file(folder / "pack.yaml", name="pack.yaml")
        try:
            return read_pack(document.value, ref=ref, folder=folder, is_system=False)
        except WrongShape as error:
            raise BadContent(error.message, hint=error.hint, where=f"{ref}/pack.yaml") from error

    def _folder_of(self, ref: str) -> Path:
        if ref in SYSTEM_PACKS:
            raise Conflict(f'"{ref}" ships with Stormcrow.')
        folder = self._plan.places.target / ref
        if not re.fullmatch(r"[a-z0-9_]+", ref) or not folder.is_dir():
            raise NotFound(
                f'There is no pack "{ref}" in {self._plan.places.target}.', hint="See: stormcrow pack list"
            )
        return folder


def needs_environment(pack: PackSpec) -> bool:
    """Whether anything in it is Python: a pack of shell commands needs no environment."""
    if (pack.folder / "requirements.txt").is_file():
        return True
    if content_files(pack.folder / "sensors", root=pack.folder.resolve()):
        return True
    files = content_files(pack.folder / "actions", root=pack.folder.resolve())
    texts = (file.path.read_text(encoding="utf-8", errors="replace") for file in files)
    return any("python-script" in text or "run-python" in text for text in texts)


def _check_versions(pack: PackSpec) -> None:
    if pack.stackstorm_version and not _fits(pack.stackstorm_version):
        raise BadInput(
            f'Pack "{pack.ref}" requires StackStorm "{pack.stackstorm_version}", but current version is '
            f'"{STACKSTORM}".',
            hint="Use force to install it all the same.",
        )
    if pack.python_versions and "3" not in pack.python_versions:
        raise BadInput(
            f'Pack "{pack.ref}" requires Python {", ".join(pack.python_versions)}, and this is Python 3.',
            hint="Use force to install it all the same.",
        )


def _fits(wanted: str) -> bool:
    """Whether STACKSTORM is within `>=1.6.0, <4.0.0`; what cannot be read does not keep a pack out."""
    for sign, version in _RANGE.findall(wanted):
        whole = ".".join([*version.split("."), "0", "0"][:3])
        if not semver.Version.parse(STACKSTORM).match(f"{sign or '=='}{whole}"):
            return False
    return True
