"""st2.conf and st2chatops.env in our words: what to write into config.yaml, and what has no place there.

Nothing of it is written by us: the administrator reads it, and puts in what is meant.
"""

import configparser
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.errors import BadInput
from engine.settings import Settings

_MOST_BYTES = 1_048_576
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One setting of the old box, and what becomes of it. Secrets are never in it."""

    was: str
    """section.key of st2.conf, or a variable of st2chatops.env."""
    value: str
    """What it was set to; empty for what may be a secret."""
    key: str = ""
    """Our setting, section.key; empty: there is none."""
    ours: Any = None
    """The value to write there; None: see `about`."""
    about: str = ""
    is_set: bool = False
    """Our setting has that value already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """How one key of st2.conf is read."""

    key: str = ""
    about: str = ""
    make: Callable[[str], Any] = str
    unless: tuple[str, ...] = ()
    """Values that are StackStorm's own defaults, of which nothing need be said."""
    is_secret: bool = False


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _origins(text: str) -> list[str]:
    found = [origin for origin in _words(text) if origin != "*"]
    if not found:
        raise ValueError("no origin")
    return found


def _is_true(text: str) -> bool:
    return text.strip().lower() in ("true", "1", "yes", "on")


_GONE = "There is one process on one database: nothing to set."
_NO_RETENTION = "There is no such time here; ours are under retention in the reference of settings."
# StackStorm's garbage collector -> days to keep here.
_RETENTION: Mapping[str, str] = MappingProxyType(
    {
        "action_executions_ttl": "executions_days",
        "action_executions_output_ttl": "output_days",
        "workflow_executions_ttl": "workflows_days",
        "task_executions_ttl": "workflows_days",
        "trigger_instances_ttl": "events_days",
        "rule_enforcements_ttl": "enforcements_days",
    }
)
_CONF: Mapping[str, _Rule] = MappingProxyType(
    {
        "api.host": _Rule(key="server.host", unless=("127.0.0.1",)),
        "api.port": _Rule(key="server.port", make=int, unless=("9101",)),
        "api.allow_origin": _Rule(
            key="server.allow_origins",
            about="Exactly these; `*` is refused.",
            make=_origins,
            unless=("http://127.0.0.1:3000",),
        ),
        "auth.api_url": _Rule(key="server.public_url", unless=("",)),
        "auth.token_ttl": _Rule(key="auth.token_life_s", make=int, unless=("86400",)),
        "auth.mode": _Rule(
            key="auth.proxy_user_header",
            about="Name the proxy, too: auth.proxy_addresses.",
            make=lambda _: "X-Forwarded-User",
            unless=("standalone",),
        ),
        "auth.sso": _Rule(about="SAML is not there; OpenID Connect is: docs/reference/settings.md, auth."),
        "rbac.enable": _Rule(
            about="Roles count as soon as there are files of them.", unless=("False", "false")
        ),
        "system.validate_output_schema": _Rule(
            key="actions.validate_output_schema", make=_is_true, unless=("False", "false")
        ),
        "system_user.user": _Rule(
            key="actions.user",
            about="Local commands run as this account through sudo; leave it out to run them as the server.",
        ),
        "system_user.ssh_key_file": _Rule(key="ssh.key_file", about="Copy the key too, mode 0600."),
        "ssh_runner.max_parallel_actions": _Rule(key="ssh.parallel", make=int, unless=("50",)),
        "ssh_runner.ssh_connect_timeout": _Rule(key="ssh.connect_timeout_s", make=float, unless=("60",)),
        "ssh_runner.allow_partial_failure": _Rule(
            key="ssh.allow_partial_failure", make=_is_true, unless=("False", "false")
        ),
        "ssh_runner.use_ssh_config": _Rule(
            about="ssh_config is not read: name user, port and bastion_host in actions.",
            unless=("False", "false"),
        ),
        "webui.webui_base_url": _Rule(key="server.public_url"),
        "log.mask_secrets": _Rule(about="Secrets are always masked.", unless=("True", "true")),
        "keyvalue.encryption_key_path": _Rule(
            about="Give that file to --keyczar; our own key is secret.key in the data folder."
        ),
        "content.packs_base_paths": _Rule(about="More folders of packs: add them to content.packs."),
        "content.index_url": _Rule(key="packs.index_urls", make=_words),
        "actionrunner.workflows_pool_size": _Rule(about=_GONE),
        "actionrunner.actions_pool_size": _Rule(key="actions.workers", make=int, unless=("60",)),
        "timersengine.local_timezone": _Rule(
            key="chat.timezone", about="For `schedule`; rules name their timezone themselves."
        ),
        "database.host": _Rule(about=_GONE, unless=("127.0.0.1", "localhost")),
        "messaging.url": _Rule(about=_GONE, is_secret=True),
        "coordination.url": _Rule(about=_GONE, is_secret=True),
        "metrics.driver": _Rule(about="/metrics is there for Prometheus.", unless=("noop",)),
    }
)
_CHATOPS: Mapping[str, _Rule] = MappingProxyType(
    {
        "HUBOT_NAME": _Rule(key="chat.names", make=lambda text: [text], unless=("hubot",)),
        "HUBOT_ALIAS": _Rule(key="chat.prefix", unless=("!",)),
        "HUBOT_SLACK_TOKEN": _Rule(
            about="Our bot is an app of its own: docs/how-to/connect-slack.md.", is_secret=True
        ),
        "HUBOT_SLACK_APP_TOKEN": _Rule(
            key="slack.app_token", about="Of a new app: docs/how-to/connect-slack.md.", is_secret=True
        ),
        "HUBOT_SLACK_BOT_TOKEN": _Rule(
            key="slack.bot_token", about="Of a new app: docs/how-to/connect-slack.md.", is_secret=True
        ),
        "HUBOT_IRC_SERVER": _Rule(key="errbot.networks", about="docs/how-to/connect-irc.md"),
        "HUBOT_IRC_ROOMS": _Rule(about="Channels of the network: docs/how-to/connect-irc.md"),
        "HUBOT_IRC_PASSWORD": _Rule(
            about="Of the network's file: docs/how-to/connect-irc.md", is_secret=True
        ),
        "HUBOT_XMPP_USERNAME": _Rule(key="errbot.networks", about="docs/how-to/connect-xmpp.md"),
        "HUBOT_XMPP_PASSWORD": _Rule(
            about="Of the network's file: docs/how-to/connect-xmpp.md", is_secret=True
        ),
        "ST2_API_KEY": _Rule(
            about="Hubot left in place needs a key of ours: stormcrow apikey create --user hubot",
            is_secret=True,
        ),
        "ST2_AUTH_PASSWORD": _Rule(
            about="Hubot left in place needs a key of ours: stormcrow apikey create --user hubot",
            is_secret=True,
        ),
        "ST2_WEBUI_URL": _Rule(key="server.public_url"),
    }
)
_ADAPTERS: Mapping[str, str] = MappingProxyType(
    {
        "slack": "Slack: docs/how-to/connect-slack.md",
        "irc": "IRC: docs/how-to/connect-irc.md",
        "xmpp": "XMPP: docs/how-to/connect-xmpp.md",
        "shell": "The terminal: stormcrow chat",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class St2Conf:
    """What the old box said of itself, as far as it is used."""

    values: Mapping[str, str]
    """section.key -> value"""

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    @property
    def has_rights(self) -> bool:
        """Whether roles were in force; where nothing is said of it they are taken as meant."""
        return _is_true(self.values.get("rbac.enable", "True"))


def read_conf(path: Path | None) -> St2Conf:
    """Raises BadInput for a file that is no st2.conf."""
    if path is None:
        return St2Conf(values={})
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(_text(path), source=str(path))
    except configparser.Error as error:
        raise BadInput(f"{path} cannot be read as st2.conf: {error.message}") from error
    return St2Conf(
        values={
            f"{section}.{key}": value.strip()
            for section in parser.sections()
            for key, value in parser.items(section)
        }
    )


def read_variables(path: Path | None) -> Mapping[str, str]:
    """The variables that st2chatops.env exports; nothing of it is run."""
    found = {}
    for line in _text(path).splitlines() if path else ():
        match = _ASSIGNMENT.match(line)
        if match:
            found[match[1]] = match[2].strip().strip("\"'")
    return found


def proposals(conf: St2Conf, variables: Mapping[str, str], settings: Settings) -> list[Proposal]:
    made = [
        proposal
        for values, rules in ((conf.values, _CONF), (variables, _CHATOPS))
        for proposal in _of(values, rules, settings)
    ]
    made += _backend(conf, settings)
    made += _retention(conf, settings)
    adapter = variables.get("HUBOT_ADAPTER")
    if adapter:
        about = _ADAPTERS.get(adapter, "Chats of Errbot: docs/reference/other-chats.md")
        made.append(Proposal(was="HUBOT_ADAPTER", value=adapter, about=about))
    return made


def _of(values: Mapping[str, str], rules: Mapping[str, _Rule], settings: Settings) -> Iterator[Proposal]:
    for name, rule in rules.items():
        value = values.get(name)
        if value is None or value in rule.unless or not value or not (rule.key or rule.about):
            continue
        if rule.is_secret or not rule.key:
            yield Proposal(was=name, value="" if rule.is_secret else value, key=rule.key, about=rule.about)
            continue
        try:
            ours = rule.make(value)
        except ValueError:
            yield Proposal(was=name, value=value, key=rule.key, about="Not a value that we take.")
            continue
        section, _, key = rule.key.partition(".")
        if rule.key == "errbot.networks":
            yield Proposal(was=name, value=value, key=rule.key, about=rule.about)
            continue
        is_set = getattr(getattr(settings, section), key) == ours
        yield Proposal(was=name, value=value, key=rule.key, ours=ours, about=rule.about, is_set=is_set)


def _backend(conf: St2Conf, settings: Settings) -> Iterator[Proposal]:
    """backend_kwargs may hold a password, so only keys that are none are shown."""
    backend = conf.get("auth.backend")
    if backend == "ldap":
        yield Proposal(was="auth.backend", value=backend, about="Install the extra: stormcrow[ldap].")
        yield from _ldap(conf.get("auth.backend_kwargs") or "", settings)
    elif backend not in (None, "", "flat_file"):
        about = f"The backend {backend} is not there: passwords of our own, LDAP or OpenID Connect."
        yield Proposal(was="auth.backend", value=str(backend), about=about)


def _ldap(text: str, settings: Settings) -> Iterator[Proposal]:
    """Our section ldap has StackStorm's names."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        yield Proposal(was="auth.backend_kwargs", value="", key="ldap", about="It is no JSON; write it anew.")
        return
    known = {field.name for field in fields(settings.ldap)}
    for name, value in given.items():
        was = f"backend_kwargs.{name}"
        if name == "bind_password":
            about = "Never copied: put it into a file, and name that in ldap.bind_password_file."
            yield Proposal(was=was, value="", key="ldap.bind_password_file", about=about)
        elif name not in known:
            yield Proposal(was=was, value="", about="Not there.")
        else:
            is_set = getattr(settings.ldap, name) == value
            yield Proposal(was=was, value=str(value), key=f"ldap.{name}", ours=value, is_set=is_set)


def _retention(conf: St2Conf, settings: Settings) -> Iterator[Proposal]:
    """Both in days. Of two that are one here, the first."""
    told = set()
    for name, value in conf.values.items():
        section, _, word = name.partition(".")
        if section != "garbagecollector" or not word.endswith("_ttl") or value in ("", "None"):
            continue
        key = _RETENTION.get(word)
        if key is None or not value.isdecimal():
            yield Proposal(was=name, value=value, about=_NO_RETENTION)
        elif key not in told:
            told.add(key)
            is_set = getattr(settings.retention, key) == int(value)
            yield Proposal(was=name, value=value, key=f"retention.{key}", ours=int(value), is_set=is_set)


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > _MOST_BYTES:
        raise BadInput(f"{path} is larger than {_MOST_BYTES} bytes.")
    return raw.decode("utf-8", "replace")
