"""`pack install|update|remove|search`: executions of the pack `packs`, followed to their end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.output import emit_json, note, say, table
from bot.cli.running import finish
from bot.cli.site import Config, Data, Json, Url, connect

Names = Annotated[
    list[str],
    typer.Argument(
        metavar="PACK...", help="NAME, NAME=VERSION, ORG/REPOSITORY, https://...[=REVISION], or a folder."
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Although it says that it does not fit, or is in the way.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end.")]


def install_packs(
    names: Names,
    *,
    force: Force = False,
    skip_dependencies: Annotated[
        bool, typer.Option("--skip-dependencies", help="Leave out the packs that they need.")
    ] = False,
    wait: Wait = True,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Install packs, and the packs that they need."""
    parameters = {
        "packs": [_address(name) for name in names],
        "force": force,
        "skip_dependencies": skip_dependencies,
    }
    _run("packs.install", parameters, wait=wait, as_json=as_json, site=(url, config, data))


def update_packs(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PACK]...")] = None,
    *,
    force: Force = False,
    wait: Wait = True,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Bring packs to their newest version, from where they were installed; all, when none is named."""
    parameters = {"packs": names or [], "force": force}
    _run("packs.update", parameters, wait=wait, as_json=as_json, site=(url, config, data))


def remove_packs(
    names: Annotated[list[str], typer.Argument(metavar="PACK...")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Also a folder that somebody put there by hand.")
    ] = False,
    wait: Wait = True,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Remove packs, with their environments."""
    parameters = {"packs": names, "force": force}
    _run("packs.uninstall", parameters, wait=wait, as_json=as_json, site=(url, config, data))


def search_packs(
    words: Annotated[list[str], typer.Argument(metavar="WORD...")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """What the index has with all these words."""
    client = connect(url, config, data)
    found = client.post("packs", "index", "search", body={"query": " ".join(words)})
    if as_json:
        emit_json(found)
        return
    if not found:
        _tell_health(client.get("packs", "index", "health"))
    rows = [
        (one.get("ref") or one.get("name", ""), str(one.get("version", "")), one.get("description", ""))
        for one in found
    ]
    table(("pack", "version", "description"), rows, whole=("pack", "version"))


def _tell_health(health: Mapping[str, Any]) -> None:
    """Nothing found may mean that there is no index to look in."""
    note("Nothing fits.")
    for one in health["indexes"]["status"]:
        if one["error"]:
            note(f"{one['url']}: {one['error']}: {one['message']}")


def _run(
    action: str,
    parameters: Mapping[str, Any],
    *,
    wait: bool,
    as_json: bool,
    site: tuple[str | None, Path | None, Path | None],
) -> None:
    """Its steps are shown while they come; the exit code is the execution's."""
    client = connect(*site)
    execution = client.post("executions", body={"action": action, "parameters": parameters})
    if as_json or not wait:
        finish(client, execution, wait=wait, follow=False, timeout=None, as_json=as_json)
    try:
        finish(client, execution, wait=True, follow=True, timeout=None, as_json=False)
    except typer.Exit:
        ended = client.get("executions", execution["id"])
        _summary(ended.get("result") or {})
        raise


def _summary(result: Mapping[str, Any]) -> None:
    output = result.get("output") or {}
    lines: Sequence[str] = [
        str(output.get("message", "")),
        *(f"conflict: {one}" for one in output.get("conflict_list", ())),
        *(f"warning: {one}" for one in output.get("warning_list", ())),
    ]
    for line in lines:
        if line:
            say(line)
    if result.get("error"):
        note(str(result["error"]))


def _address(name: str) -> str:
    """A folder of this machine, which the server must reach too, as an address."""
    path = Path(name.partition("=")[0]).expanduser()
    looks_like_one = name.startswith(("/", "./", "../", "~"))
    if looks_like_one and path.is_dir():
        revision = name.partition("=")[2]
        return f"file://{path.resolve()}" + (f"={revision}" if revision else "")
    return name


def add_to(app: typer.Typer) -> None:
    """The commands of this file among those of `pack`."""
    app.command("install")(install_packs)
    app.command("update")(update_packs)
    app.command("remove")(remove_packs)
    app.command("search")(search_packs)
