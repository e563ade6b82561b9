"""`workflow`: definitions looked at and drawn, and rehearsed without running anything."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.exits import Code
from bot.cli.output import emit_json, note, paint, say
from bot.cli.site import Config, Data, Json, Url, connect, settings_of
from engine.errors import sentences

app = typer.Typer(no_args_is_help=True, help="Workflows: inspected, drawn, rehearsed.")

Wanted = Annotated[str, typer.Argument(metavar="FILE|PACK.ACTION", help="A definition, or its action.")]
Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="Of a workflow that has ended.")]


class Drawing(StrEnum):
    TERMINAL = "terminal"
    MERMAID = "mermaid"
    DOT = "dot"


@app.command()
def inspect(wanted: Wanted, as_json: Json = False, config: Config = None, data: Data = None) -> None:
    """What is wrong with a workflow; exit code 1 when anything is."""
    from bot.cli import workflow_files  # noqa: PLC0415 - heavy

    settings = settings_of(config, data)
    found = workflow_files.inspected(workflow_files.definition_from(wanted, settings), settings)
    if as_json:
        emit_json([workflow_files.as_document(finding) for finding in found])
    else:
        for finding in found:
            say(f"{paint(finding.severity)} {finding.where}: {sentences(finding.text, finding.hint)}")
        if not found:
            say("Nothing is wrong with it.")
    if any(finding.severity == "error" for finding in found):
        raise typer.Exit(Code.FAILED)


@app.command()
def graph(
    wanted: Wanted,
    format: Annotated[Drawing, typer.Option("--format", "-f", help="How it is drawn.")] = Drawing.TERMINAL,
    as_json: Json = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Its tasks, and what leads from one to the other."""
    from bot.cli import workflow_files  # noqa: PLC0415 - heavy

    definition = workflow_files.definition_from(wanted, settings_of(config, data))
    drawn = workflow_files.drawn(definition, format.value)
    if as_json:
        emit_json({"format": format.value, "drawing": drawn})
    else:
        say(drawn.rstrip("\n"))


@app.command()
def rehearse(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Rehearsal files, or their folders.")],
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit's XML.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Conduct workflows with made-up results; exit code 1 when one goes otherwise than expected."""
    from bot.cli import outcomes, rehearsals  # noqa: PLC0415 - heavy

    results = []
    for path in outcomes.files_of(files, suffixes=(".yaml", ".yml"), kind="YAML file"):
        one = rehearsals.tried(path)
        results.append(one)
        if not as_json:
            outcomes.tell(one)
    failed = outcomes.report(
        results, suite="stormcrow workflow rehearse", case="rehearsal", junit_file=junit, as_json=as_json
    )
    if len(results) > 1 and not as_json:
        note(f"{len(results)} rehearsals, {failed} failed.")
    if failed:
        raise typer.Exit(Code.FAILED)


@app.command()
def record(
    execution: Execution,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Else it is printed.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a rehearsal file of a run. Secrets in it are masked."""
    from bot.cli import recordings, workflow_files  # noqa: PLC0415 - heavy

    found = recordings.recording_of(connect(url, config, data), execution)
    action = found.run["action"]
    path = workflow_files.path_of(action["ref"], settings_of(config, data))
    # A server elsewhere: the file is where people have it, and they write that themselves.
    named = recordings.path_to(path, output) if path else f"{action['pack']}/actions/{action['entry_point']}"
    document = recordings.document_of(found, workflow=named)
    if as_json:
        emit_json(document)
    elif output is None:
        say(recordings.as_yaml(document).rstrip("\n"))
    else:
        output.write_text(recordings.as_yaml(document), encoding="utf-8")
        note(f"Run it: stormcrow workflow rehearse {output}")
    if differing := recordings.otherwise(document, found):
        note("Its rehearsal does not go as the run did:")
        for line in differing:
            note(f"    {line}")


@app.command()
def replay(
    wanted: Annotated[
        str, typer.Argument(metavar="EXECUTION|FILE", help="A workflow that has ended, or its record.")
    ],
    *,
    definition: Annotated[
        Path | None, typer.Option("--definition", metavar="FILE", help="In place of the workflow's own.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Conduct a run again with what its actions gave, and today's definition; exit code 1 when it differs."""
    from bot.cli import outcomes, recordings, rehearsals, workflow_files  # noqa: PLC0415 - heavy

    if Path(wanted).is_file():
        found = list(outcomes.lines_of(rehearsals.tried(Path(wanted), definition=definition)))
    else:
        other = workflow_files.text_of(definition) if definition is not None else None
        run = recordings.recording_of(connect(url, config, data), wanted, definition=other)
        found = recordings.replayed(run)
    if as_json:
        emit_json(found)
    else:
        say("\n".join(found) or "It goes the same way.")
    if found:
        raise typer.Exit(Code.FAILED)
