"""`trace list|get|show`, and `trace ID`."""

import re
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import typer
from typer.core import TyperGroup

from bot.cli.output import emit_json, local_time, note, say, screen_width, table
from bot.cli.site import Config, Data, Json, Url, connect
from bot.cli.story import story_lines

# https://team.slack.com/archives/C024BE91L/p1355517523000008
_SLACK = re.compile(r"p(?P<seconds>\d{10})(?P<rest>\d{6})")


class TraceCommands(TyperGroup):
    """`trace ID` is short for `trace show ID`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=TraceCommands,
    no_args_is_help=True,
    help="Traces: what followed from what. `trace ID` tells the whole story.",
)


@app.command("show")
def show(
    wanted: Annotated[
        str,
        typer.Argument(metavar="ID", help="An id, an end of one, a link to a message, a tag, or `last`."),
    ],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The whole story, from the chat message or event to action, approval and answer.

    By the id of an execution, question, event, alert, trace, chat message or request, or an act's number.
    """
    story = connect(url, config, data).get("stories", linked(wanted))
    if as_json:
        emit_json(story)
        return
    for line in story_lines(story, width=screen_width()):
        say(line)


def linked(given: str) -> str:
    """The id in a link to a message of Slack, or to something in the web chat or the API; else what it is."""
    if "://" not in given:
        return given
    link = urlsplit(given)
    place = (link.fragment or link.path).rstrip("/").rsplit("/", 1)[-1]
    slack = _SLACK.fullmatch(place)
    return f"{slack['seconds']}.{slack['rest']}" if slack else unquote(place)


@app.command("list")
def list_traces(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many; -1 for all.")] = 20,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    execution: Annotated[str | None, typer.Option(metavar="ID", help="Only with this execution.")] = None,
    rule: Annotated[str | None, typer.Option(metavar="PACK.RULE", help="Only with this rule.")] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """The newest traces."""
    query = {"limit": limit, "trace_tag": tag, "execution": execution, "rule": rule}
    found = connect(url, config, data).get("traces", query=query)
    if as_json:
        emit_json(found)
        return
    if not found:
        note("No traces.")
    rows = [
        (
            one["id"],
            one["trace_tag"],
            local_time(one["start_timestamp"]),
            str(len(one["trigger_instances"])),
            str(len(one["rules"])),
            str(len(one["action_executions"])),
        )
        for one in found
    ]
    table(("id", "tag", "start", "events", "rules", "executions"), rows, whole=("id", "start"))


@app.command("get")
def get_trace(
    trace: Annotated[str, typer.Argument(metavar="ID", help="Of a trace, an event or an execution.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """One trace, in the order of what happened."""
    found = connect(url, config, data).get("traces", trace)
    if as_json:
        emit_json(found)
        return
    say(f"{found['trace_tag']} ({found['id']})")
    kinds = (("event", "trigger_instances"), ("rule", "rules"), ("execution", "action_executions"))
    parts: list[tuple[str, str, dict[str, Any]]] = [
        (part["updated_at"], kind, part) for kind, name in kinds for part in found[name]
    ]
    parts.sort(key=lambda part: part[0])
    rows = [
        (local_time(at) or "", kind, part["ref"], part["object_id"], _cause(part)) for at, kind, part in parts
    ]
    table(("at", "what", "ref", "id", "because of"), rows, whole=("at", "what", "id"))


def _cause(part: dict[str, Any]) -> str:
    cause = part.get("caused_by") or {}
    return f"{cause['type']} {cause['id']}" if cause else ""
