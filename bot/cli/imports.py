"""`import stackstorm`: take over an old StackStorm, and tell what of it runs here. Needs no server."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.output import emit_json
from bot.cli.site import Config, Data, Json, operator, settings_of

if TYPE_CHECKING:
    from engine.migration.carrying import Outcome
    from engine.migration.survey import Survey, Wanted
    from engine.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Moving here from elsewhere.")


@app.callback()
def group() -> None:
    """Moving here from elsewhere."""


@app.command("stackstorm")
def import_stackstorm(
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="A copy of /opt/stackstorm, or a tar of one.")
    ],
    *,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="FILE", help="What `st2 key list -n -1 -j` printed.")
    ] = None,
    keyczar: Annotated[
        Path | None, typer.Option("--keyczar", metavar="FILE", help="StackStorm's datastore_key.json.")
    ] = None,
    st2_conf: Annotated[
        Path | None, typer.Option("--st2-conf", metavar="FILE", help="st2.conf, if it is not in DIR.")
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option("--rules", metavar="FILE", help="Rules, policies ... as the API printed them."),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            "--only", metavar="PARTS", help="packs,configs,overrides,keys,rules,rbac,users,settings"
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also write over what is here and different.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell; nothing is written.")] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--output", "-o", help="text for people, json for programs.")
    ] = "text",
    as_json: Json = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Take over packs, configurations, keys, rules and roles; the server must not run meanwhile.

    Exit code 0: all of it runs here. 1: something does not, the report says what.
    """
    from bot.cli.import_report import document, told  # noqa: PLC0415 - heavy
    from engine.migration.finding import Verdict  # noqa: PLC0415 - heavy

    given = _wanted(keys, keyczar, st2_conf, rules or (), only)
    settings = settings_of(config, data)
    survey, outcomes = _work(source, given, settings, is_dry=dry_run, replaces=replace)
    if as_json or output == "json":
        emit_json(document(source, survey, outcomes, is_dry=dry_run))
    else:
        told(source, survey, outcomes, is_dry=dry_run)
    is_bad = any(item.verdict is Verdict.FAILS for item in survey.items)
    failed = is_bad or any(outcome.error for outcome in outcomes)
    raise typer.Exit(Code.FAILED if failed else Code.OK)


def _wanted(
    keys: Path | None, keyczar: Path | None, st2_conf: Path | None, rules: Sequence[Path], only: str | None
) -> "Wanted":
    from engine.migration.survey import PARTS, Wanted  # noqa: PLC0415 - heavy

    names = frozenset(part.strip() for part in only.split(",")) if only is not None else frozenset(PARTS)
    if unknown := sorted(names - set(PARTS)):
        raise CommandError(
            Code.WRONG, f"--only: there is no {unknown[0]!r}.", hint=f"Parts: {', '.join(PARTS)}."
        )
    return Wanted(
        keys=keys,
        crypto_key=keyczar,
        st2_conf=st2_conf,
        exports=tuple(rules),
        only=names,
        is_all=only is None,
    )


def _work(
    source: Path, wanted: "Wanted", settings: "Settings", *, is_dry: bool, replaces: bool
) -> "tuple[Survey, list[Outcome]]":
    from engine.foundation import shipped_packs  # noqa: PLC0415 - heavy
    from engine.migration.box import opened  # noqa: PLC0415 - heavy
    from engine.migration.carrying import carry, compared  # noqa: PLC0415 - heavy
    from engine.migration.stage import staged  # noqa: PLC0415 - heavy
    from engine.migration.survey import survey_of  # noqa: PLC0415 - heavy

    with opened(source) as box, staged(box) as stage:
        survey = survey_of(box, stage, wanted, settings, shipped=shipped_packs())
        if is_dry:
            return survey, compared(survey)
        return survey, carry(
            survey, settings, environment=os.environ, replaces=replaces, actor=operator("import")
        )
