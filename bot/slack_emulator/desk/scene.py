"""The Slack that a newcomer finds: a small company with two workspaces, some channels and a user group."""

from bot.slack_emulator.emulator import Emulator

PEOPLE = ("ada", "ben", "cyd", "gus", "eve")


def furnish(slack: Emulator) -> None:
    slack.add_user("ada", real_name="Ada Lind", email="ada@crow.example", is_admin=True)
    slack.add_user("ben", real_name="Ben Okoro", email="ben@crow.example")
    slack.add_user("cyd", real_name="Cyd Marsh", email="cyd@crow.example")
    slack.add_channel("ops")
    slack.add_channel("deploys")
    slack.add_channel("random", with_bot=False)
    slack.add_group("sre", ["ada", "ben"])
    slack.add_user("gus", real_name="Gus (guest)", is_guest=True)
    slack.join("gus", "ops")
    partner = slack.add_team("Partner Inc", with_app=False)
    slack.add_user("eve", team=partner, real_name="Eve of Partner Inc", email="eve@partner.example")
    slack.add_channel("with-partner", members=["ada", "ben", "eve"], shared_with=[partner])
