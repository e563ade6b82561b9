"""`doctor slack`: whether the bot may do in Slack what it does, and how to put right what it may not."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bot.adapters.slack import troubles
from bot.adapters.slack.manifest import SCOPES
from bot.cli.client import Client
from bot.cli.exits import CommandError
from bot.cli.finding import Finding
from bot.cli.site import running_url
from engine.chat_routes import ChatRoutes
from engine.errors import BadSettings
from engine.settings import Settings
from engine.workspaces import Workspace, workspaces

if TYPE_CHECKING:
    from slack_sdk import WebClient

CALL_S = 10
_REINSTALL = "Apply `stormcrow slack manifest` again at api.slack.com, reinstall the app, and restart."


def examine_slack(settings: Settings) -> Iterator[Finding]:
    """Asks Slack; nothing is said there, and no socket is opened: deliveries are for the server alone."""
    try:
        found = workspaces(settings)
    except BadSettings as error:
        yield Finding(what="slack", is_ok=False, text=error.message, fix=error.hint or "Correct config.yaml.")
        return
    if not found:
        yield Finding(
            what="slack",
            is_ok=False,
            text="no token: the bot is in no workspace",
            fix="Make the app: docs/how-to/connect-slack.md. To try it without one: stormcrow dev slack.",
        )
        return
    for workspace in found:
        yield from _workspace(settings, workspace)
    yield from _server(settings, {workspace.chat for workspace in found})


def _workspace(settings: Settings, workspace: Workspace) -> Iterator[Finding]:
    from slack_sdk import WebClient  # noqa: PLC0415 - slow to import
    from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415

    base_url = f"{(settings.slack.base_url or WebClient.BASE_URL).rstrip('/')}/"
    web = WebClient(workspace.bot_token, base_url=base_url, timeout=CALL_S)
    chat = workspace.chat
    try:
        answer = web.auth_test()
    except SlackApiError as error:
        code = troubles.code_of(error)
        fix = troubles.WRONG_TOKEN.get(code, "").capitalize() or "Look at status.slack.com."
        yield Finding(
            what=f"{chat} bot token", is_ok=False, text=f"Slack says {code}", fix=f"{fix.rstrip('.')}."
        )
        return
    except (SlackClientError, OSError) as error:
        fix = "Is there a way from here to slack.com? A proxy is taken from HTTPS_PROXY."
        yield Finding(what=chat, is_ok=False, text=f"Slack cannot be reached: {error}", fix=fix)
        return
    yield Finding(
        what=f"{chat} bot token",
        is_ok=True,
        text=f"{answer['user']} in {answer['team']} ({answer['team_id']})",
    )
    yield _scopes(chat, answer.headers)
    yield _way_in(settings, workspace, web)
    yield from _channels(settings, chat, web)


def _scopes(chat: str, headers: Mapping[str, str]) -> Finding:
    given = {name.lower(): value for name, value in headers.items()}.get("x-oauth-scopes", "")
    has = {scope.strip() for scope in given.split(",")}
    lacking = [scope for scope in SCOPES if scope not in has]
    if not lacking:
        return Finding(what=f"{chat} scopes", is_ok=True, text=f"all {len(SCOPES)}")
    text = "; ".join(f"{scope} is missing ({SCOPES[scope]})" for scope in lacking)
    return Finding(what=f"{chat} scopes", is_ok=False, text=text, fix=_REINSTALL)


def _way_in(settings: Settings, workspace: Workspace, web: "WebClient") -> Finding:
    """How deliveries come to us."""
    from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415 - slow to import

    if settings.slack.mode == "http":
        url = f"{settings.public_url.rstrip('/')}/slack/events"
        is_ok = url.startswith("https://")
        fix = "" if is_ok else "Set server.public_url to the https address that Slack reaches."
        return Finding(what=f"{workspace.chat} requests", is_ok=is_ok, text=url, fix=fix)
    what = f"{workspace.chat} sockets"
    try:
        web.apps_connections_open(app_token=workspace.app_token)
    except SlackApiError as error:
        code = troubles.code_of(error)
        fix = "The app-level token (xapp-...) needs the scope connections:write, and the app Socket Mode."
        return Finding(what=what, is_ok=False, text=f"Slack says {code}", fix=fix)
    except (SlackClientError, OSError) as error:
        return Finding(what=what, is_ok=False, text=str(error), fix="Try again.")
    return Finding(what=what, is_ok=True, text="the app-level token opens them")


def _channels(settings: Settings, chat: str, web: "WebClient") -> Iterator[Finding]:
    """Those that the settings name."""
    from slack_sdk.errors import SlackClientError  # noqa: PLC0415 - slow to import

    wanted = _named(settings, chat)
    try:
        known = _all_channels(web)
    except (SlackClientError, OSError) as error:
        yield Finding(what=f"{chat} channels", is_ok=False, text=f"{error}", fix=_REINSTALL)
        return
    inside = [f"#{one['name']}" for one in known if one.get("is_member")]
    text = f"in {len(inside)}: {', '.join(sorted(inside)[:10])}" if inside else "in none"
    fix = "" if inside else "Invite the bot where it is to work: /invite @stormcrow"
    yield Finding(what=f"{chat} channels", is_ok=bool(inside), text=text, fix=fix)
    for name, where in wanted.items():
        found = next((one for one in known if name in (one["name"], one["id"])), None)
        if found is None:
            fix = f"Make it, invite the bot, or correct {where}."
            yield Finding(
                what=f"{chat} #{name}", is_ok=False, text=f"{where} names it; it is not there", fix=fix
            )
        elif not found.get("is_member"):
            fix = f"In #{found['name']}: /invite @stormcrow"
            yield Finding(what=f"{chat} #{name}", is_ok=False, text="the bot is not in it", fix=fix)


def _named(settings: Settings, chat: str) -> dict[str, str]:
    """Channel -> the setting that names it."""
    found = {}
    routes = ChatRoutes(settings.chat)
    for route in settings.chat.routes:
        target = routes.notified(route)
        if target is not None and target.adapter == chat and target.channel:
            found[target.channel] = f"chat.routes.{route}"
    adapter, _, channel = settings.events.channel.rpartition("#")
    if channel and adapter in ("", chat):
        found[channel] = "events.channel"
    return found


def _all_channels(web: "WebClient") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = web.conversations_list(
            types="public_channel,private_channel", exclude_archived=True, limit=1000, cursor=cursor
        )
        found += page["channels"]
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return found


def _server(settings: Settings, chats: set[str]) -> Iterator[Finding]:
    """What the running server says of its sockets."""
    key = settings.data_folder / "admin.key"
    try:
        client = Client(running_url(settings), key.read_text().strip() if key.exists() else "")
        states = client.get("chats", timeout_s=CALL_S)
    except (CommandError, OSError):
        yield Finding(what="server", is_ok=True, text="not running here; start it: stormcrow up")
        return
    running = {state["name"]: state for state in states}
    for chat in sorted(chats):
        state = running.get(chat)
        if state is None:
            fix = "Restart the server: it was started without these tokens."
            yield Finding(what=f"{chat} server", is_ok=False, text="the server is not in it", fix=fix)
        else:
            text = state["trouble"] or state["about"]
            fix = "" if state["is_up"] else "See above, and the server's log."
            yield Finding(what=f"{chat} server", is_ok=state["is_up"], text=text, fix=fix)
