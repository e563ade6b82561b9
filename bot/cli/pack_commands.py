"""`pack`: the commands of three files as one group."""

from bot.cli import pack_configs, packs_installed
from bot.cli.content import packs as app

app.add_typer(pack_configs.app, name="config")
packs_installed.add_to(app)
