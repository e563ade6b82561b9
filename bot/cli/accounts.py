"""`account`: which accounts in chats are you, and the code that makes one yours."""

from typing import Annotated

import typer

from bot.cli.output import emit_json, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect

app = typer.Typer(no_args_is_help=True, help="Accounts in chats that are one person.")

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="As settings spell it: slack.T1.U7.")]


@app.command("code")
def code(
    account: Annotated[
        str | None, typer.Option(help="The only account that may say it, for example slack.T1.U7.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """A code to say in a direct message, once, within ten minutes: the account that says it is you."""
    made = connect(url, config, data).post("accounts", "codes", body={"account": account or ""})
    if as_json:
        emit_json(made)
        return
    say(made["code"])
    note(f"Say in a direct message to the bot: link {made['code']}")
    note(f"That account is then {made['user']}. Give the code to nobody.")


@app.command("list")
def list_accounts(
    with_ended: Annotated[bool, typer.Option("--all", help="Also links that are over.")] = False,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Your accounts; the administrator sees everybody's."""
    found = connect(url, config, data).get("accounts", query={"limit": -1, "all": str(with_ended).lower()})
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            one["account"],
            one["user"],
            one["how"],
            one["name"],
            local_time(one["at"]),
            local_time(one["ended_at"]),
        )
        for one in found
    ]
    table(("ACCOUNT", "USER", "HOW", "CALLED", "SINCE", "ENDED"), rows)


@app.command("link")
def link(
    account: Account,
    user: Annotated[str, typer.Argument(metavar="USER", help="The user that it is from now on.")],
    *,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Link an account by hand; for the administrator."""
    made = connect(url, config, data).post("accounts", body={"account": account, "user": user})
    emit_json(made) if as_json else say(f"{account}  is {user}")


@app.command("unlink")
def unlink(
    account: Account, as_json: Json = False, url: Url = None, config: Config = None, data: Data = None
) -> None:
    """End a link; the account is a user of its own again."""
    connect(url, config, data).delete("accounts", account)
    emit_json({"account": account, "linked": False}) if as_json else say(f"{account}  is linked to nobody")
