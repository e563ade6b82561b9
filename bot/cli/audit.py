"""`audit list|show|export|verify|head`: who did what; and whether that is still as it was written."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.given import seconds
from bot.cli.output import emit_json, fields, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Who did what, in a chain that shows any change.")

# So much of a parameter stands in the list.
_SHORT = 40
_SHOWN = (
    "kind", "object", "user", "via", "key_id", "account", "address", "request_id", "reason", "approved_by",
    "execution_id", "trace_id", "details", "before", "hash",
)  # fmt: skip
User = Annotated[str | None, typer.Option(help="By this user.")]
Kind = Annotated[str | None, typer.Option(help="Of these kinds, with commas: key,login.failed")]
What = Annotated[str | None, typer.Option("--object", help="Done to this: an action, a key, an id.")]
Trace = Annotated[str | None, typer.Option(metavar="ID", help="In this trace.")]
Request = Annotated[str | None, typer.Option(metavar="ID", help="By this request: its X-Request-ID.")]
Since = Annotated[str | None, typer.Option(metavar="TIME", help="7d, 12h before now, or 2026-01-31.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="As --since; that moment is not included.")]


@app.command("list")
def list_acts(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="How many.")] = 30,
    user: User = None,
    kind: Kind = None,
    what: What = None,
    trace: Trace = None,
    request: Request = None,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The newest acts."""
    query = {
        **_query(user=user, kind=kind, what=what, trace=trace, request=request, since=since, until=until),
        "limit": limit,
    }
    found = connect(url, config, data).get("audit", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("No acts that fit.")
    rows = [
        (str(one["number"]), local_time(one["at"]) or "", one["user"] or "-", one["kind"], _what(one))
        for one in found
    ]
    table(("no", "at", "user", "did", "to"), rows, whole=("no", "at", "did"))


@app.command("show")
def show(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Of the act, as `audit list` shows it.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """One act with all that is known of it."""
    found = connect(url, config, data).get("audit", number.removeprefix("#"))
    if as_json:
        emit_json(found)
        return
    shown = {name.replace("_", " "): found[name] for name in _SHOWN}
    fields({"act": str(found["number"]), "at": local_time(found["at"]), **shown})


def _what(one: dict[str, Any]) -> str:
    """To what, with the command or the parameters, and why."""
    details = one["details"]
    given = details.get("parameters")
    said = details.get("command") or ""
    if not said and isinstance(given, dict):
        said = " ".join(f"{name}={_short(value)}" for name, value in given.items())
    reason = f" ({one['reason']})" if one["reason"] else ""
    return f"{one['object']}{f' {said}' if said else ''}{reason}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"


@app.command("export")
def export(
    *,
    file_format: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    file: Annotated[
        Path | None, typer.Option("--file", "-o", help="Into this file, not to the screen.")
    ] = None,
    user: User = None,
    kind: Kind = None,
    what: What = None,
    trace: Trace = None,
    request: Request = None,
    since: Since = None,
    until: Until = None,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """All acts that fit, the oldest first, as a file that `audit verify` can check anywhere."""
    query = {
        **_query(user=user, kind=kind, what=what, trace=trace, request=request, since=since, until=until),
        "format": file_format,
    }
    pieces = connect(url, config, data).text("audit", "export", query=query)
    if file is None:
        for piece in pieces:
            sys.stdout.write(piece)
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            out.writelines(pieces)
    except OSError as error:
        raise CommandError(Code.WRONG, f"{file} cannot be written: {error.strerror}.") from error
    note(f"Written to {file}. Check it anywhere: stormcrow audit verify {file}")


@app.command("verify")
def verify(
    file: Annotated[Path | None, typer.Argument(help="An export; left out: the server's database.")] = None,
    *,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="HASH@N", help="A head that was noted must be part of the chain; @N may be left out."
        ),
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Whether anything was changed, taken out or put in; then exit code 1. A file needs no server."""
    if file is None:
        found = connect(url, config, data).get("audit", "verify", query={"head": head}, timeout_s=600)
    else:
        found = _file(file, head)
    flaws: list[dict[str, Any]] = found["flaws"]
    if as_json:
        emit_json({**found, "is_sound": not flaws})
    else:
        _say_verdict(found, flaws, noted=head or "")
    if flaws:
        raise typer.Exit(Code.FAILED)


@app.command("head")
def head(as_json: Json = False, url: Url = None, config: Config = None, data: Data = None) -> None:
    """The newest act's hash, to be noted where nobody can rewrite it; `audit verify --head` takes it."""
    found = connect(url, config, data).get("audit", "head")
    if as_json:
        emit_json(found)
    else:
        say(_shown(found))


def _shown(found: dict[str, Any]) -> str:
    return f"{found['hash']}@{found['number']}"


def _file(file: Path, noted: str | None) -> dict[str, Any]:
    # Offline: nothing of the settings or of a server is read.
    from engine.audit_chain import NotedHead  # noqa: PLC0415 - orjson is for this command alone
    from engine.audit_files import verify as verify_file  # noqa: PLC0415 - as above

    expected = NotedHead.parse(noted) if noted else None
    try:
        with file.open(encoding="utf-8", newline="") as text:
            verdict = verify_file(text, expected)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(Code.WRONG, f"{file} cannot be read: {error}.") from error
    return {
        "count": verdict.count,
        "first": verdict.first,
        "last": verdict.last,
        "head": {"number": verdict.head.number, "hash": verdict.head.hash},
        "filter": dict(verdict.filter),
        "flaws": [{"number": flaw.number, "problem": flaw.problem} for flaw in verdict.flaws],
    }


def _say_verdict(found: dict[str, Any], flaws: list[dict[str, Any]], *, noted: str) -> None:
    for flaw in flaws:
        say(f"act {flaw['number']}: {flaw['problem']}")
    acts = f"{found['count']} act{'' if found['count'] == 1 else 's'}"
    say(f"{acts}, {'all as they were written' if not flaws else f'{len(flaws)} flaws'}")
    if found.get("removed_up_to"):
        say(f"acts 1 to {found['removed_up_to']} were removed when they were old enough")
    if found.get("filter"):
        say("Only some acts were exported: a missing one cannot be told from those left out.")
    if noted and not flaws:
        say(f"the head that was noted is part of the chain: {noted}")
    say(f"head of the chain: {_shown(found['head'])}")


def _query(*, since: str | None, until: str | None, what: str | None, **given: str | None) -> dict[str, Any]:
    return {**given, "object": what, "since": stamp(since), "until": stamp(until)}


def stamp(text: str | None) -> str | None:
    """A moment as the API reads it, from `7d` before now or a date or time (local without a zone)."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone()
    except ValueError:
        moment = datetime.now(UTC) - timedelta(seconds=seconds(text))
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
