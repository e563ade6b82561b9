"""Errbot put together in memory: one backend, one plug-in (the bridge), nothing of its own.

No plug-in is looked for anywhere, neither Errbot's own nor what other packages register: its admin
commands, web server, backups and its look for new versions do not exist here. Nothing is written
to a disk. The command prefix is a secret, so that no text is a command of Errbot's (`!1` would be
its history), and every message reaches the bridge.
"""

import logging
import secrets
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

from errbot.backend_plugin_manager import BackendPluginManager, PluginNotFoundException
from errbot.bootstrap import CORE_BACKENDS, bot_config_defaults
from errbot.core import ErrBot
from errbot.plugin_info import PluginInfo
from errbot.plugin_manager import BotPluginManager
from errbot.storage.memory import MemoryStoragePlugin

from bot.adapters.errbot.bridge import Bridge
from bot.adapters.errbot.protocol import Start

_PLUGIN = "Stormcrow"


class NoBackend(RuntimeError):
    """The backend does not exist, or cannot be loaded; the text says why, and what to do."""


def configuration(start: Start) -> types.ModuleType:
    """What Errbot reads from config.py elsewhere. `start.options` may add to it and not weaken it."""
    config = types.ModuleType("config")
    values: dict[str, Any] = {
        "BACKEND": start.backend,
        "BOT_IDENTITY": {},
        "CHATROOM_PRESENCE": start.channels,
        "CHATROOM_FN": start.nickname,
    }
    values |= start.options
    values |= {
        "BOT_PREFIX": secrets.token_hex(16),
        "BOT_PREFIX_OPTIONAL_ON_CHAT": False,
        "BOT_ALT_PREFIXES": (),
        "BOT_ADMINS": (),
        "BOT_ADMINS_NOTIFICATIONS": (),
        "CORE_PLUGINS": (_PLUGIN,),
        "AUTOINSTALL_DEPS": False,
        "BOT_PLUGIN_INDEXES": (),
        "BOT_EXTRA_PLUGIN_DIR": None,
        "STORAGE": "Memory",
        "SUPPRESS_CMD_NOT_FOUND": True,
        "BOT_ASYNC": False,
        # A folder that is there and holds nothing: some backends want to know one.
        "BOT_DATA_DIR": tempfile.gettempdir(),
        "BOT_LOG_LEVEL": logging.WARNING,
    }
    vars(config).update(values)
    bot_config_defaults(config)
    return config


class _NoRepositories:
    """In the place of Errbot's installer of plug-ins."""

    plugin_dir = str(Path(__file__).parent)

    def shutdown(self) -> None:
        """Nothing to do."""


def make_bot(start: Start, bridge_to: Any) -> ErrBot:
    """A bot that has not connected yet. Raises NoBackend.

    `bridge_to`: the `Outlet` that the bridge gives what is heard.
    """
    config = configuration(start)
    bot = _backend(start, config)
    storage = MemoryStoragePlugin(config)
    plugins = BotPluginManager(storage, None, False, config.CORE_PLUGINS, None, (None,))
    bot.attach_storage_plugin(storage)
    bot.attach_repo_manager(_NoRepositories())
    bot.attach_plugin_manager(plugins)
    bot.initialize_backend_storage()
    # Not `update_plugin_places`: it would look through the disk and every package that is installed.
    bridge = Bridge(bot, _PLUGIN)
    bridge.lead_to(bridge_to, start)
    plugins.plugins[_PLUGIN] = bridge
    plugins.plugin_infos[_PLUGIN] = PluginInfo(
        name=_PLUGIN,
        module="bridge",
        doc="Carries messages to Stormcrow and back.",
        core=True,
        python_version=(3, 0, 0),
        errbot_minversion=None,
        errbot_maxversion=None,
        dependencies=[],
        location=Path(__file__),
    )
    return bot


def _backend(start: Start, config: types.ModuleType) -> ErrBot:
    if start.backend == "IRC":
        from bot.adapters.errbot.irc import Irc  # noqa: PLC0415 - each backend needs packages of its own

        return Irc(config, start)
    if start.backend == "XMPP":
        from bot.adapters.errbot.xmpp import Xmpp  # noqa: PLC0415 - as above

        return Xmpp(config, start)
    try:
        folder = getattr(config, "BOT_EXTRA_BACKEND_DIR", None)
        folders = folder if isinstance(folder, list | tuple) else [folder] if folder else []
        manager = BackendPluginManager(
            config, "errbot.backends", start.backend, ErrBot, CORE_BACKENDS, folders
        )
        found = manager.load_plugin()
    except PluginNotFoundException as error:
        raise NoBackend(
            f"No backend of Errbot is called {start.backend!r} here. "
            f"Install it into the environment of {sys.executable}."
        ) from error
    except SystemExit as error:
        # Backends of Errbot leave so when a package that they need is missing.
        raise NoBackend(f"The backend {start.backend} lacks a package; its log says which.") from error
    if not isinstance(found, ErrBot):
        raise NoBackend(f"{start.backend} is no backend.")
    return found
