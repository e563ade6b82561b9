"""`python -m bot.cli` is the `stormcrow` command."""

from bot.cli.main import main

main()
