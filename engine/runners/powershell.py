"""PowerShell text: values, arguments, scripts, and what its error stream means."""

import base64
import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import RunnerFailure
from engine.specs.action import ActionSpec

# cmd.exe takes 8191 characters; the rest is room for what stands before the text.
LINE_LIMIT = 8_000
# Base64 of UTF-16 of base64: 1,500 bytes become 5,300 characters.
CHUNK_BYTES = 1_500
_START = "powershell -NonInteractive -EncodedCommand "

_ESCAPES = {
    "`": "``",
    '"': '`"',
    "$": "`$",
    "\0": "`0",
    "\a": "`a",
    "\b": "`b",
    "\f": "`f",
    "\n": "`n",
    "\r": "`r",
    "\t": "`t",
    "\v": "`v",
    # PowerShell takes typographic quotes for plain ones.
    "\u201c": "`\u201c",
    "\u201d": "`\u201d",
    "\u201e": "`\u201e",
}
_ESCAPE = str.maketrans(_ESCAPES)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_ERROR_TEXT = re.compile(r'<S S="Error">(.*?)</S>', re.DOTALL)
_HEX_CHARACTER = re.compile(r"_x([0-9A-Fa-f]{4})_")


def literal(value: Any) -> str:
    """A JSON-like value as PowerShell writes it: $true, @("a", 1), @{"k" = "v"}, "a`nb"."""
    if value is None:
        return "$null"
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, list | tuple):
        return f"@({', '.join(literal(item) for item in value)})"
    if isinstance(value, Mapping):
        pairs = "; ".join(f"{literal(str(key))} = {literal(inner)}" for key, inner in value.items())
        return f"@{{{pairs}}}"
    if isinstance(value, int | float):
        return str(value)
    return f'"{str(value).translate(_ESCAPE)}"'


def arguments(action: ActionSpec, parameters: Mapping[str, Any], kwarg_op: str) -> str:
    """Positional ones first, null as $null; then `-Name value`, null and "" left out.

    A boolean is `-Name:$true`, which fits a switch and a [bool] alike. Raises RunnerFailure.
    """
    positions = {
        name: spec.position
        for name, spec in action.parameters.items()
        if spec.position is not None and (name in parameters or spec.has_default)
    }
    words = [literal(parameters.get(name)) for name in sorted(positions, key=lambda name: positions[name])]
    for name, value in parameters.items():
        if name in positions or value is None or value == "":
            continue
        if not _NAME.match(name):
            raise RunnerFailure(f"{name!r} cannot be the name of a PowerShell parameter.")
        between = ":" if isinstance(value, bool) else " "
        words.append(f"{kwarg_op}{name}{between}{literal(value)}")
    return " ".join(words)


def with_arguments(script: str, words: str) -> str:
    return f"& {{{script}\n}} {words}".rstrip() if words else script


def encoded_line(text: str) -> str:
    """The command line that runs `text`, whatever characters it has."""
    return _START + base64.b64encode(text.encode("utf-16-le", "replace")).decode("ascii")


def upload_lines(text: str, name: str) -> Iterator[str]:
    """Command lines that write `text` to the file `name` in the host's temporary folder."""
    # Windows PowerShell reads a file as UTF-8 only with a mark in front.
    data = text.encode("utf-8-sig", "replace")
    for start in range(0, len(data), CHUNK_BYTES):
        chunk = base64.b64encode(data[start : start + CHUNK_BYTES]).decode("ascii")
        mode = "Create" if start == 0 else "Append"
        yield encoded_line(
            f"$f = [IO.File]::Open({_path(name)}, '{mode}'); $b = [Convert]::FromBase64String('{chunk}'); "
            "$f.Write($b, 0, $b.Length); $f.Close()"
        )


def uploaded_line(name: str, words: str) -> str:
    """Runs an uploaded file. As a block, since the execution policy may forbid files."""
    return encoded_line(f"& ([ScriptBlock]::Create([IO.File]::ReadAllText({_path(name)}))) {words}".rstrip())


def removal_line(name: str) -> str:
    return encoded_line(f"Remove-Item -Force -ErrorAction SilentlyContinue -LiteralPath {_path(name)}")


def _path(name: str) -> str:
    return f"(Join-Path $env:TEMP '{name}')"


def readable_errors(text: str) -> str:
    """The error stream of an encoded command is XML (`#< CLIXML`); this is what it says."""
    if not text.startswith("#< CLIXML"):
        return text
    parts = (html.unescape(part) for part in _ERROR_TEXT.findall(text))
    return _HEX_CHARACTER.sub(lambda found: chr(int(found[1], 16)), "".join(parts)).replace("\r\n", "\n")
