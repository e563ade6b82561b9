"""`status`: how the running server is, in words."""

from typing import Any

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.output import emit_json, paint, say
from bot.cli.site import Config, Data, Json, Url, connect


def status(as_json: Json = False, url: Url = None, config: Config = None, data: Data = None) -> None:
    """How the running server is; exit code 1 when it cannot take work, 8 when there is none."""
    client = connect(url, config, data)
    code, found = client.answer("readyz")
    checks = found.get("checks") if isinstance(found, dict) else None
    if code not in (200, 503) or checks is None:
        raise CommandError(
            Code.NO_SERVER,
            f"{client.url} does not say how it is (HTTP status {code}).",
            hint="It takes a key with the right metrics_view; see docs/reference/metrics.md.",
        )
    if as_json:
        emit_json({"url": client.url, **found})
    else:
        for check in checks:
            _say(check)
        say(f"{client.url} {'takes work' if code == 200 else 'does not take work'}")
    raise typer.Exit(Code.OK if code == 200 else Code.FAILED)


def _say(check: dict[str, Any]) -> None:
    word = paint("ok" if check["ok"] else "problem" if check["decides"] else "warning")
    say(f"{word:<9}{check['name']}: {check['text']}")
    if check["hint"]:
        say(f"         fix: {check['hint']}")
