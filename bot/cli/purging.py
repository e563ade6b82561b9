"""`purge`: removes what is old, at once, whatever the settings keep."""

from typing import Annotated, Any

import typer

from bot.cli.audit import stamp
from bot.cli.output import emit_json, note, say
from bot.cli.site import Config, Data, Json, Url, connect


def purge(
    kind: Annotated[
        str,
        typer.Argument(
            help="executions, events, enforcements, messages, alerts, pipelines, callbacks or schedules."
        ),
    ],
    *,
    timestamp: Annotated[
        str, typer.Option("--timestamp", metavar="TIME", help="What ended before: 90d, or 2026-01-31.")
    ],
    action: Annotated[
        str | None, typer.Option("--action-ref", metavar="PACK.ACTION", help="Executions of this one only.")
    ] = None,
    really: Annotated[bool, typer.Option("--yes", help="Do it; else it is only counted.")] = False,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Remove what ended before a moment; without --yes only say how much that is."""
    client = connect(url, config, data)
    query = {"before": stamp(timestamp), "action": action}
    found: dict[str, Any] = client.get("history", kind, query=query)
    if not really:
        _say_count(found, as_json=as_json)
        return
    count, is_done = 0, False
    while not is_done:
        done = client.delete("history", kind, query=query)
        count, is_done = count + done["count"], done["is_done"]
    if as_json:
        emit_json({"kind": kind, "count": count})
    else:
        say(f"{count} {kind} removed")


def _say_count(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit_json(found)
        return
    more = ", and their children" if found["kind"] == "executions" else ""
    say(f"{found['count']} {found['kind']}{more} would be removed")
    note("Nothing was removed. Do it: add --yes")
