"""`doctor NETWORK`: whether the bot gets into a network of the section `errbot`, and why not."""

import asyncio
from collections.abc import Iterator

from bot.adapters.errbot.adapter import interpreter, start_of
from bot.adapters.errbot.process import Child
from bot.adapters.errbot.protocol import State
from bot.cli.client import Client
from bot.cli.exits import CommandError
from bot.cli.finding import Finding
from bot.cli.site import running_url
from engine.errors import BadSettings
from engine.networks import Network, networks
from engine.settings import Settings

CALL_S = 10
TRY_S = 25.0
_FIX = "Compare server, port, tls, account and login with what the network says; docs/how-to/connect-irc.md."


def examine_network(settings: Settings, name: str) -> Iterator[Finding]:
    """Asks the server that runs; without one the network itself, as that server would."""
    try:
        network = next(one for one in networks(settings) if one.chat == name)
    except BadSettings as error:
        fix = error.hint or "Correct the file."
        yield Finding(what=f"{name} settings", is_ok=False, text=str(error), fix=fix)
        return
    yield Finding(what=f"{name} settings", is_ok=True, text=network.where)
    running = _running(settings)
    if running is not None:
        yield _of_server(name, running.get(name))
        return
    yield Finding(what="server", is_ok=True, text="not running here; start it: stormcrow up")
    yield from _of_network(network, asyncio.run(_tried(settings, network)))


def _running(settings: Settings) -> dict[str, dict[str, str]] | None:
    """What the server says of its chats; None: it does not run."""
    key = settings.data_folder / "admin.key"
    try:
        client = Client(running_url(settings), key.read_text().strip() if key.exists() else "")
        return {state["name"]: state for state in client.get("chats", timeout_s=CALL_S)}
    except (CommandError, OSError):
        return None


def _of_server(name: str, state: dict[str, str] | None) -> Finding:
    if state is None:
        fix = "Restart the server: it was started without this network."
        return Finding(what=f"{name} server", is_ok=False, text="the server is not in it", fix=fix)
    is_ok = bool(state["is_up"]) and not state["trouble"]
    return Finding(
        what=f"{name} server",
        is_ok=is_ok,
        text=state["trouble"] or state["about"],
        fix="" if is_ok else _FIX,
    )


async def _tried(settings: Settings, network: Network) -> State:
    """What there is to say after a short visit."""
    is_known = asyncio.Event()
    wanted = {one.strip().partition(" ")[0].lower() for one in network.channels}

    def changed(state: State) -> None:
        if state.problem or (state.is_connected and wanted <= set(state.channels)):
            is_known.set()

    start = start_of(network, names=(), prefix=settings.chat.prefix)
    child = Child(start, python=interpreter(settings), heard=lambda _heard: None, changed=changed)
    visit = asyncio.create_task(child.run())
    try:
        await asyncio.wait_for(is_known.wait(), TRY_S)
    except TimeoutError:
        is_known.set()
    state = child.state
    visit.cancel()
    await asyncio.gather(visit, return_exceptions=True)
    return state


def _of_network(network: Network, state: State) -> Iterator[Finding]:
    name = network.chat
    if not state.is_connected:
        problem = state.problem or f"no answer within {TRY_S:.0f} s"
        yield Finding(what=name, is_ok=False, text=problem, fix=_FIX)
        return
    yield Finding(what=name, is_ok=True, text=f"connected as {state.nickname}")
    missing = [one for one in network.channels if one.partition(" ")[0].lower() not in state.channels]
    if missing:
        text = state.problem or f"not in {', '.join(missing)}"
        fix = "Invite the bot, or correct the name or the key of the channel."
        yield Finding(what=f"{name} channels", is_ok=False, text=text, fix=fix)
    else:
        yield Finding(what=f"{name} channels", is_ok=True, text=", ".join(state.channels) or "none wanted")
