"""What came of files that were tried one after the other, for people and for CI: rehearsals, transcripts."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from bot.cli.exits import Code, CommandError
from bot.cli.output import emit_json, paint, say

# What XML cannot hold, not even escaped.
_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One file."""

    name: str
    differences: Sequence[str]
    """What was otherwise than expected; empty: nothing."""
    error: str = ""
    """Why it could not be tried at all."""
    took_s: float

    @property
    def has_failed(self) -> bool:
        return bool(self.differences or self.error)


def files_of(names: Iterable[str], *, suffixes: tuple[str, ...], kind: str) -> list[Path]:
    """Files as they are, and those of folders that end so. Raises CommandError."""
    found: list[Path] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.suffix in suffixes)
            if not inside:
                raise CommandError(Code.NOT_FOUND, f"There is no {kind} in {path}.")
            found.extend(inside)
        elif path.is_file():
            found.append(path)
        else:
            raise CommandError(Code.NOT_FOUND, f"There is no file {path}.")
    return found


def lines_of(one: Tried) -> Iterator[str]:
    yield from (one.error,) if one.error else one.differences


def tell(one: Tried) -> None:
    say(f"{paint('failed' if one.has_failed else 'ok')} {one.name}")
    for line in lines_of(one):
        say(f"    {line}")


def report(results: Sequence[Tried], *, suite: str, case: str, junit_file: Path | None, as_json: bool) -> int:
    """All of them, into the file for CI and as JSON, where that is wanted; how many have failed."""
    if junit_file is not None:
        junit_file.write_bytes(junit(results, suite=suite, case=case))
    if as_json:
        emit_json(
            [
                {"file": one.name, "ok": not one.has_failed, "differences": list(lines_of(one))}
                for one in results
            ]
        )
    return sum(one.has_failed for one in results)


def junit(results: Sequence[Tried], *, suite: str, case: str) -> bytes:
    """JUnit's XML: a difference is a failure, what could not be tried an error."""
    counts = {
        "tests": str(len(results)),
        "failures": str(sum(1 for one in results if one.differences)),
        "errors": str(sum(1 for one in results if one.error)),
        "time": f"{sum(one.took_s for one in results):.3f}",
    }
    suites = ET.Element("testsuites", counts)
    group = ET.SubElement(suites, "testsuite", {"name": suite, **counts})
    for one in results:
        made = ET.SubElement(
            group, "testcase", classname=case, name=xml_text(one.name), time=f"{one.took_s:.3f}"
        )
        lines = [xml_text(line) for line in lines_of(one)]
        if lines:
            kind = "error" if one.error else "failure"
            ET.SubElement(made, kind, message=lines[0]).text = "\n".join(lines)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True))


def xml_text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
