"""`run` and `execution rerun`: start an action, follow it, wait for its end, tell how it went."""

import time
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from bot.cli.client import Client
from bot.cli.exits import CODE_OF, Code
from bot.cli.given import parameters_from, seconds
from bot.cli.output import duration, emit_json, note, paint, result_text, say
from bot.cli.site import Config, Data, Json, Url, connect
from engine.policies.notes import policy_note

# How long one question to the server waits for the end; the next one follows at once.
ASK_S = 20

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Parameters; @NAME=FILE reads a file.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show output while it comes.")]
Timeout = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stop waiting after 90s, 15m, 2h; the action goes on.")
]


def run(
    action: Annotated[str, typer.Argument(metavar="PACK.ACTION")],
    words: Words = None,
    *,
    wait: Wait = True,
    follow: Follow = False,
    timeout: Timeout = None,
    delay: Annotated[str | None, typer.Option(metavar="TIME", help="Start so much later.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key within 24 hours is the same execution.")
    ] = None,
    trace_tag: Annotated[str | None, typer.Option(metavar="TAG", help="Tag to find it by.")] = None,
    notify: Annotated[
        list[str] | None, typer.Option(metavar="ROUTE", help="Who is told of the end, for example chat.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Run an action, and print what it printed."""
    client = connect(url, config, data)
    known = client.get("actions", "views", "overview", action)
    body: dict[str, Any] = {
        "action": known["ref"],
        "parameters": parameters_from(words or [], known["parameters"]),
    }
    if delay:
        body["delay"] = round(seconds(delay) * 1000)
    if trace_tag:
        body["context"] = {"trace_context": {"trace_tag": trace_tag}}
    if notify:
        body["notify"] = {"on-complete": {"routes": notify}}
    # A header holds no line break, and only Latin letters.
    headers = (
        {"Idempotency-Key": quote(idempotency_key, safe=" !#$&'()*+,/:;=?@[]")} if idempotency_key else {}
    )
    execution = client.post("executions", body=body, headers=headers)
    finish(client, execution, wait=wait, follow=follow, timeout=timeout, as_json=as_json)


def finish(
    client: Client,
    execution: Mapping[str, Any],
    *,
    wait: bool,
    follow: bool,
    timeout: str | None,
    as_json: bool,
) -> None:
    """Ends the command: with the code of the execution's status, or with 0 without waiting."""
    deadline = time.monotonic() + seconds(timeout) if timeout else None
    if not wait and not follow:
        emit_json(execution) if as_json else say(execution["id"])
        raise typer.Exit(Code.OK)
    try:
        execution = _to_its_end(client, execution, deadline, follow=follow)
        while (again := policy_note(execution.get("context", {}), "retried")) is not None:
            wait_s = f"in {again['delay']:g} s" if again["delay"] else "now"
            count = f"{again['retry_count']} of {again['max_retry_count']}"
            note(f"{execution['status']}, trying again {wait_s} ({count})  {again['execution_id']}")
            execution = client.get("executions", str(again["execution_id"]))
            execution = _to_its_end(client, execution, deadline, follow=follow)
    except KeyboardInterrupt:
        note(f"It goes on. To stop it: stormcrow execution cancel {execution['id']}")
        raise typer.Exit(Code.INTERRUPTED) from None
    tell(execution, as_json=as_json, with_result=not follow)
    raise typer.Exit(CODE_OF.get(execution["status"], Code.STILL_WAITING))


def _to_its_end(
    client: Client, execution: Mapping[str, Any], deadline: float | None, *, follow: bool
) -> Mapping[str, Any]:
    """Or as it is at the deadline."""
    if follow:
        _follow(client, execution["id"])
    return _at_end(client, execution, deadline)


def _follow(client: Client, execution_id: str) -> None:
    for piece in client.text("executions", execution_id, "output", query={"follow": "true"}):
        typer.echo(piece, nl=False)


def _at_end(client: Client, execution: Mapping[str, Any], deadline: float | None) -> Mapping[str, Any]:
    is_told = False
    while execution["status"] not in CODE_OF:
        if execution["status"] == "pending" and not is_told:
            is_told = True
            note(f"It waits for an answer: stormcrow inquiry get {execution['id']}")
        left = ASK_S if deadline is None else min(ASK_S, deadline - time.monotonic())
        if left <= 0:
            break
        execution = client.get(
            "executions", execution["id"], query={"wait": max(1, round(left))}, timeout_s=ASK_S + 10
        )
    return execution


def tell(execution: Mapping[str, Any], *, as_json: bool, with_result: bool = True) -> None:
    """The result on standard output, how it went on standard error."""
    if as_json:
        emit_json(execution)
        return
    text = result_text(execution.get("result")) if with_result else ""
    if text:
        say(text.rstrip("\n"))
    status = execution["status"]
    took = duration(execution.get("elapsed_seconds"))
    after = f" after {took}" if took else ""
    note(f"{paint(status, err=True)}{after}  {execution['action']['ref']}  {execution['id']}")
