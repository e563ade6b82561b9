"""`rule`: the commands of two files as one group."""

from bot.cli import rules_written
from bot.cli.rules import rules as app

rules_written.add_to(app)
