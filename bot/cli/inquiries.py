"""`inquiry list|get|respond|approve|reject`: questions to people, and answers to them."""

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from bot.cli.given import parameters_from
from bot.cli.output import emit_json, fields, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Questions to people: approvals, and other things to answer.")

Id = Annotated[
    str, typer.Argument(metavar="ID", help="An id, or the last 4 characters or more of one that waits.")
]
Reason = Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why; everybody sees it.")]
_VIEW = ("inquiries", "views", "detail")


@app.command("list")
def list_inquiries(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; -1 for all.")] = 20,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """What waits for an answer, the newest first."""
    query = {"state": "all" if all_ else "pending", "limit": limit}
    found = connect(url, config, data).get(*_VIEW, query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("Nothing waits for an answer.")
    rows = [
        (one["id"], one["state"], _question(one), one["wanted"], _until(one), one["requested_by"]["name"])
        for one in found
    ]
    table(("id", "state", "question", "needs", "until", "for"), rows, whole=("id", "state", "until"))


@app.command("get")
def get_inquiry(
    inquiry_id: Id, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """Everything that one needs to decide, and who decided."""
    found = connect(url, config, data).get(*_VIEW, inquiry_id)
    if as_json:
        emit_json(found)
        return
    fields(_shown(found))


def _shown(one: Mapping[str, Any]) -> dict[str, Any]:
    subject, outcome, origin = one["subject"] or {}, one["outcome"] or {}, one["requested_by"]
    return {
        "id": one["id"],
        "state": one["state"],
        "question": one["text"],
        "approves": subject.get("action"),
        "parameters": subject.get("parameters"),
        "digest": subject.get("digest"),
        "for": f"{origin['name']}  {origin['action']}  {origin['execution']}",
        "task": origin["task"],
        "needs": one["wanted"],
        "so far": one["progress"],
        "trouble": one["nobody"],
        "reason": "required" if one["needs_reason"] else None,
        "until": f"{_until(one)}, then: {one['at_deadline']}" if one["deadline_at"] else "for ever",
        "answer": _asked(one["schema"]),
        "ended": f"{outcome['text']}  {local_time(outcome['at'])}" if outcome else None,
        "response": outcome.get("response"),
        "votes": [_vote(vote) for vote in one["votes"]],
    }


def _vote(vote: Mapping[str, Any]) -> str:
    word = {True: "yes", False: "no", None: "answered"}[vote["approves"]]
    return f"{vote['name']}: {word} {local_time(vote['at'])} {vote['reason']}".rstrip()


def _asked(schema: Mapping[str, Any]) -> str:
    """A line for each member of the answer."""
    return "\n".join(
        f"{name}  {part.get('type', 'any')}  {part.get('description', '')}".rstrip()
        for name, part in _properties(schema).items()
    )


@app.command("respond")
def respond(
    inquiry_id: Id,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="The answer's members.")
    ] = None,
    *,
    response: Annotated[
        str, typer.Option("--response", "-r", metavar="JSON", help="The whole answer as a JSON object.")
    ] = "",
    reason: Reason = "",
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Answer; without words it asks for each member, where somebody sits at the terminal."""
    client = connect(url, config, data)
    found = client.get(*_VIEW, inquiry_id)
    if response and words:
        raise CommandError(Code.WRONG, "Give the answer as words or as JSON, not both.")
    if response:
        answer = _object(response)
    elif words:
        answer = parameters_from(words, _properties(found["schema"]))
    elif sys.stdin.isatty():
        answer = _asked_for(_properties(found["schema"]))
    else:
        raise CommandError(Code.WRONG, "There is no answer.", hint="Write NAME=VALUE, or --response JSON.")
    _send(client, found["id"], {"id": found["id"], "response": answer, "reason": reason}, as_json=as_json)


@app.command("approve")
def approve(
    inquiry_id: Id,
    *,
    reason: Reason = "",
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Say yes."""
    body = {"decision": "approve", "reason": reason}
    _send(connect(url, config, data), inquiry_id, body, as_json=as_json)


@app.command("reject")
def reject(
    inquiry_id: Id,
    *,
    reason: Reason = "",
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Say no."""
    body = {"decision": "reject", "reason": reason}
    _send(connect(url, config, data), inquiry_id, body, as_json=as_json)


def _send(client: Client, inquiry_id: str, body: dict[str, Any], *, as_json: bool) -> None:
    said = client.put("inquiries", inquiry_id, body=body)
    found = client.get(*_VIEW, said["id"])
    if as_json:
        emit_json(found)
        return
    if found["outcome"]:
        say(f"{found['id']}  {found['outcome']['text']}")
    else:
        say(f"{found['id']}  {found['progress']}, needs {found['wanted']}")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CommandError(Code.WRONG, f"The response is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CommandError(Code.WRONG, "The response must be a JSON object.")
    return value


def _asked_for(properties: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Each member, asked at the terminal; an empty line leaves out what may be."""
    words = []
    for name, part in properties.items():
        is_needed = part.get("required") is True and "default" not in part
        label = part.get("description") or name
        text = ""
        while not text:
            text = typer.prompt(
                f"{label} ({name})", default="", show_default=False, hide_input=part.get("secret") is True
            )
            if not is_needed:
                break
        if text:
            words.append(f"{name}={text}")
    return parameters_from(words, properties)


def _properties(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _question(one: Mapping[str, Any]) -> str:
    subject = one["subject"]
    return str(one["text"] or (subject and f"{subject['action']}?") or one["requested_by"]["action"])


def _until(one: Mapping[str, Any]) -> str:
    return local_time(one["deadline_at"]) if one["deadline_at"] else "for ever"
