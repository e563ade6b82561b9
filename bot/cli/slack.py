"""`slack manifest`: the app to make at api.slack.com."""

import typer

from bot.cli.output import emit_json, say
from bot.cli.site import Config, Json, settings_of

app = typer.Typer(no_args_is_help=True, help="Our app in a workspace of Slack.")


@app.callback()
def whole() -> None:
    """A group also while it has one command."""


@app.command("manifest")
def print_manifest(as_json: Json = False, config: Config = None) -> None:
    """Print the manifest of the app, for the mode in the settings: paste it at api.slack.com/apps."""
    from bot.adapters.slack.manifest import manifest  # noqa: PLC0415 - only here

    made = manifest(settings_of(config))
    if as_json:
        emit_json(made)
        return
    import yaml  # noqa: PLC0415 - heavy

    say(yaml.safe_dump(made, sort_keys=False).rstrip())
