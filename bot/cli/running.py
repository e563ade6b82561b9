"""`run`: start an action, follow it, wait for its end, tell how it went; at a terminal and in CI jobs."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import typer

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from bot.cli.following import pause_s
from bot.cli.github import GitHubReporter
from bot.cli.given import parameters_from, seconds
from bot.cli.job_token import token_source
from bot.cli.junit import JUnitReporter
from bot.cli.reporting import JsonReporter, OutputKind, Reporter
from bot.cli.site import Config, Data, Json, Url, connect, server_url
from bot.cli.verdicts import passed_through
from bot.cli.watching import Interrupted, OnInterrupt, Watch, interruptible

# So long a request is repeated that the server may have got: it has a key, so it is stored once.
_REPEAT_S = 60.0

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Parameters; @NAME=FILE reads a file.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show output while it comes.")]
Timeout = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stop waiting after 90s, 15m, 2h; the action goes on.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a command waits, and what it makes of the end."""

    wait: bool = True
    follow: bool = False
    timeout_s: float | None = None
    waits_for_approval: bool = True
    on_interrupt: OnInterrupt = OnInterrupt.DETACH
    exit_code_from: str = ""


def run(
    action: Annotated[str, typer.Argument(metavar="PACK.ACTION")],
    words: Words = None,
    *,
    wait: Wait = True,
    follow: Follow = False,
    timeout: Timeout = None,
    output: Annotated[
        OutputKind, typer.Option("--output", "-o", help="How it is told; github: for GitHub Actions.")
    ] = OutputKind.TEXT,
    wait_approval: Annotated[
        bool, typer.Option("--wait-approval/--no-wait-approval", help="Wait while people are asked; else 7.")
    ] = True,
    on_interrupt: Annotated[
        OnInterrupt, typer.Option(help="What SIGINT (Ctrl-C) and SIGTERM do to the action.")
    ] = OnInterrupt.CANCEL,
    exit_code_from: Annotated[
        str, typer.Option(metavar="PATH", help="End with this number of the execution: result.return_code.")
    ] = "",
    delay: Annotated[str | None, typer.Option(metavar="TIME", help="Start so much later.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key within 24 hours is the same execution.")
    ] = None,
    trace_tag: Annotated[str | None, typer.Option(metavar="TAG", help="Tag to find it by.")] = None,
    notify: Annotated[
        list[str] | None, typer.Option(metavar="ROUTE", help="Who is told of the end, for example chat.")
    ] = None,
    oidc: Annotated[
        bool, typer.Option("--oidc", help="Prove who this job is with its own token; no stored key.")
    ] = False,
    oidc_file: Annotated[Path | None, typer.Option(metavar="FILE", help="File with that token.")] = None,
    oidc_variable: Annotated[
        str, typer.Option(metavar="NAME", help="Variable with that token; STORMCROW_ID_TOKEN.")
    ] = "",
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Run an action, and print what it printed."""
    reporter = reporter_for(OutputKind.JSON if as_json else output)
    try:
        ending = Ending(
            wait=wait,
            follow=follow,
            timeout_s=seconds(timeout) if timeout else None,
            waits_for_approval=wait_approval,
            on_interrupt=on_interrupt,
            exit_code_from=exit_code_from,
        )
        if oidc or oidc_file or oidc_variable:
            base = server_url(url, config, data)
            client = Client(base, token=token_source(base, file=oidc_file, name=oidc_variable))
        else:
            client = connect(url, config, data)
        with interruptible():
            known = _known(client, action, reporter, patience_s=ending.timeout_s or 0.0)
            body = _body(known, words or [], delay=delay, trace_tag=trace_tag, notify=notify or [])
            execution = _posted(client, body, idempotency_key)
        _finish(client, execution, reporter, ending)
    except Interrupted:
        reporter.failure(
            CommandError(
                Code.INTERRUPTED,
                "Interrupted before the server had answered: it may have been started.",
                hint=f"See: stormcrow execution list --action {action}",
            )
        )
    except CommandError as error:
        reporter.failure(_plain(error))
    finally:
        reporter.close()


def _known(client: Client, action: str, reporter: Reporter, *, patience_s: float) -> Mapping[str, Any]:
    """The action, from a server that may just be starting: who set a limit to the waiting can wait.

    Raises CommandError.
    """
    give_up_at = time.monotonic() + min(patience_s, _REPEAT_S)
    failures = 0
    while True:
        try:
            known: Mapping[str, Any] = client.get("actions", "views", "overview", action)
        except CommandError as error:
            is_away = error.code is Code.NO_SERVER and not 400 <= error.status < 500
            if not is_away or time.monotonic() >= give_up_at:
                raise
            if not failures:
                reporter.remark("The server does not answer; trying again.")
            failures += 1
            time.sleep(min(pause_s(failures), max(0.1, give_up_at - time.monotonic())))
        else:
            return known


def _body(
    known: Mapping[str, Any], words: list[str], *, delay: str | None, trace_tag: str | None, notify: list[str]
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "action": known["ref"],
        "parameters": parameters_from(words, known["parameters"]),
    }
    if delay:
        body["delay"] = round(seconds(delay) * 1000)
    if trace_tag:
        body["context"] = {"trace_context": {"trace_tag": trace_tag}}
    if notify:
        body["notify"] = {"on-complete": {"routes": notify}}
    return body


def _posted(client: Client, body: Mapping[str, Any], idempotency_key: str | None) -> Mapping[str, Any]:
    """Sent again where no answer came: with a key, if need be of our own, that starts nothing twice."""
    key = f"run-{uuid.uuid4()}" if idempotency_key is None else idempotency_key
    # A header holds no line break, and only Latin letters.
    headers = {"Idempotency-Key": quote(key, safe=" !#$&'()*+,/:;=?@[]")}
    give_up_at = time.monotonic() + _REPEAT_S
    failures = 0
    while True:
        try:
            execution: Mapping[str, Any] = client.post("executions", body=body, headers=headers)
        except CommandError as error:
            may_have_come = error.code is Code.NO_SERVER and (error.status == 0 or error.status >= 500)
            if not (may_have_come or error.status == 409) or time.monotonic() > give_up_at:
                raise
            failures += 1
            time.sleep(pause_s(failures))
        else:
            return execution


def reporter_for(kind: OutputKind) -> Reporter:
    made: dict[OutputKind, type[Reporter]] = {
        OutputKind.TEXT: Reporter,
        OutputKind.JSON: JsonReporter,
        OutputKind.GITHUB: GitHubReporter,
        OutputKind.JUNIT: JUnitReporter,
    }
    return made[kind]()


def finish(
    client: Client,
    execution: Mapping[str, Any],
    *,
    wait: bool,
    follow: bool,
    timeout: str | None,
    as_json: bool,
) -> None:
    """Ends the command: with the code of the execution's end, or with 0 without waiting."""
    ending = Ending(wait=wait, follow=follow, timeout_s=seconds(timeout) if timeout else None)
    try:
        _finish(client, execution, JsonReporter() if as_json else Reporter(), ending)
    except CommandError as error:
        raise _plain(error) from error


def _finish(client: Client, execution: Mapping[str, Any], reporter: Reporter, ending: Ending) -> NoReturn:
    waits = ending.wait or ending.follow
    reporter.begin(execution, waits=waits)
    if not waits:
        raise typer.Exit(Code.OK)
    deadline = None if ending.timeout_s is None else time.monotonic() + ending.timeout_s
    watch = Watch(
        client=client,
        reporter=reporter,
        deadline=deadline,
        follows=ending.follow,
        waits_for_approval=ending.waits_for_approval,
        on_interrupt=ending.on_interrupt,
    )
    verdict = watch.verdict(execution)
    reporter.end(verdict)
    if ending.exit_code_from:
        raise typer.Exit(passed_through(verdict, ending.exit_code_from))
    raise typer.Exit(verdict.code)


def _plain(error: CommandError) -> CommandError:
    """Whoever waits for an execution knows one code for everything that is not about it."""
    if error.code in (Code.NO_SERVER, Code.NOT_FOUND):
        return CommandError(Code.WRONG, error.message, hint=error.hint, status=error.status)
    return error
