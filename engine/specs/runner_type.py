"""The kinds of runner as StackStorm describes them: name, parameters, and where the result is.

The table is data, because the loader checks actions against it and GET /runnertypes shows it;
the code that runs is in engine/runners.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.specs.parameter import ParameterSpec


class RunnerTypeSpec(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    description: str
    parameters: Mapping[str, ParameterSpec]
    # The key of the result that holds what the action itself gave, for masking and output schemas.
    output_key: str | None = None
    enabled: bool = True


Schema = dict[str, Any]


def _string(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def _integer(description: str, **more: Any) -> Schema:
    return {"type": "integer", "description": description, **more}


def _boolean(description: str, **more: Any) -> Schema:
    return {"type": "boolean", "description": description, **more}


def _object(description: str, **more: Any) -> Schema:
    return {"type": "object", "description": description, **more}


def _array(description: str, **more: Any) -> Schema:
    return {"type": "array", "description": description, **more}


_CWD = _string("Working directory.")
_ENV = _object("Environment variables for the action.")
_KWARG_OP = _string("Operator in front of a named argument.", default="--")
_SUDO = _boolean("Run with sudo.", default=False)
_SUDO_PASSWORD = _string("Password for sudo; none where sudo asks for none.", default=None, secret=True)
_DEBUG = _boolean("Passed on as ST2_ACTION_DEBUG.", default=False)
_CONTENT_VERSION = _string("Git revision of the pack to take the entry point from.")


def _timeout(seconds: int) -> Schema:
    return _integer("Longest time the action may run, in seconds.", default=seconds)


_LOCAL = {
    "cwd": _CWD,
    "env": _ENV,
    "kwarg_op": _KWARG_OP,
    "sudo": _SUDO,
    "sudo_password": _SUDO_PASSWORD,
    "timeout": _timeout(60),
}
_REMOTE_TMP = "/tmp"  # noqa: S108 (a folder of the remote host, and StackStorm's default)
_REMOTE = {
    "hosts": _string("Hosts, comma separated; host:port names a port.", required=True),
    "cwd": _string("Working directory on the host.", default=_REMOTE_TMP),
    "env": _ENV,
    "kwarg_op": _KWARG_OP,
    "parallel": _boolean(
        "Kept for StackStorm; hosts are always worked on in parallel.", default=False, immutable=True
    ),
    "username": _string("Account on the hosts."),
    "password": _string("Password of the account.", secret=True),
    "private_key": _string("Private key, as a path or as text.", secret=True),
    "passphrase": _string("Passphrase of the private key.", secret=True),
    "port": _integer("SSH port."),
    "bastion_host": _string("Host to go through."),
    "sudo": _SUDO,
    "sudo_password": _SUDO_PASSWORD,
    "timeout": _timeout(60),
}
_WINRM = {
    "cwd": _CWD,
    "env": _ENV,
    "host": _string("Windows host.", required=True),
    "kwarg_op": _string("Operator in front of a named argument.", default="-"),
    "username": _string("Account.", required=True),
    "password": _string("Password.", required=True, secret=True),
    "port": _integer("WinRM port.", default=5986),
    "scheme": _string("http or https.", default="https"),
    "transport": _string(
        "Authentication.",
        default="ntlm",
        enum=["basic", "certificate", "credssp", "kerberos", "ntlm", "plaintext", "ssl"],
    ),
    "verify_ssl_cert": _boolean("Check the certificate.", default=True),
    "timeout": _timeout(60),
}
_INQUIRY_SCHEMA = {
    "title": "response_data",
    "type": "object",
    "properties": {
        "continue": {
            "type": "boolean",
            "description": "Would you like to continue the workflow?",
            "required": True,
        }
    },
}
_INQUIRER = {
    "schema": _object("Schema of the answer.", default=_INQUIRY_SCHEMA),
    "route": _string("Route of the question.", default=""),
    "roles": _array("Roles that may answer.", default=[]),
    "users": _array("Users that may answer.", default=[]),
    "ttl": _integer("Time to live, in minutes; 0 or less: for ever.", default=1440),
    "text": _string("The question in words.", default=""),
    "groups": _array("Groups that may answer.", default=[]),
    "on_timeout": _string(
        "What happens without an answer.", default="fail", enum=["fail", "reject", "escalate"]
    ),
    "remind": _integer("Minutes between reminders; 0: none.", default=0),
    "escalate": _object("Who is asked besides: after, users, roles, groups, route, ttl, on_timeout."),
    "x-quorum": {"description": "How many must approve: a number, or {GROUP: NUMBER}."},
    "x-separate": _boolean("Whoever asks for it may not approve it.", default=False),
    "x-emergency": _array(
        "Users, groups and roles who may approve it alone in an emergency, also their own request.",
        default=[],
    ),
    "reason": _string("Whether an answer needs a reason.", default="optional", enum=["optional", "required"]),
    "approves": _object("What is approved: {action, parameters, plan}."),
}

_CMD = _string("Command line.")
_TABLE: tuple[tuple[str, str, dict[str, Schema], str | None], ...] = (
    ("local-shell-cmd", "A shell command on this machine.", {"cmd": _CMD, **_LOCAL}, None),
    (
        "local-shell-script",
        "A script on this machine.",
        {"debug": _DEBUG, "content_version": _CONTENT_VERSION, **_LOCAL},
        None,
    ),
    (
        "remote-shell-cmd",
        "A shell command on other machines, over SSH.",
        {
            "cmd": _CMD,
            "dir": _string("Kept for StackStorm.", default=_REMOTE_TMP, immutable=True),
            **_REMOTE,
        },
        None,
    ),
    (
        "remote-shell-script",
        "A script on other machines, over SSH.",
        {"dir": _string("Where the script is put on the host.", default=_REMOTE_TMP), **_REMOTE},
        None,
    ),
    (
        "python-script",
        "A Python class of a pack.",
        {
            "debug": _DEBUG,
            "content_version": _CONTENT_VERSION,
            "env": _ENV,
            "timeout": _timeout(600),
            "log_level": _string(
                "Level of the action's logger.",
                default="DEBUG",
                enum=["AUDIT", "CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG"],
            ),
        },
        "result",
    ),
    (
        "http-request",
        "An HTTP request.",
        {
            "url": _string("URL.", required=True),
            "headers": _object("Headers of the request."),
            "cookies": _object("Cookies of the request."),
            "allow_redirects": _boolean("Follow redirects.", default=False),
            "http_proxy": _string("Proxy for http."),
            "https_proxy": _string("Proxy for https."),
            "username": _string("User for basic authentication."),
            "password": _string("Password for basic authentication.", secret=True),
            "verify_ssl_cert": _boolean("Check the certificate.", default=True),
            "url_hosts_blacklist": _array("Hosts that may not be reached.", items={"type": "string"}),
            "url_hosts_whitelist": _array("The only hosts that may be reached.", items={"type": "string"}),
        },
        "body",
    ),
    (
        "action-chain",
        "A chain of actions.",
        {
            "display_published": _boolean("Put published variables into the result.", default=True),
            "skip_notify": _array("Tasks without notification.", default=[]),
        },
        "published",
    ),
    (
        "orquesta",
        "An Orquesta workflow.",
        {"notify": _array("Tasks with notification.", default=[])},
        "output",
    ),
    (
        "inquirer",
        "A question to people.",
        _INQUIRER,
        None,
    ),
    (
        "announcement",
        "A message on the event stream.",
        {
            "experimental": _boolean("Must be true.", default=False, required=True),
            "route": _string("Route of the message.", default="general", minLength=1, maxLength=255),
        },
        None,
    ),
    (
        "pack-installer",
        "Packs, installed and removed; the entry point names the operation.",
        {"timeout": _timeout(1_800)},
        "output",
    ),
    ("noop", "Nothing; it succeeds.", {}, None),
    ("winrm-cmd", "A command on Windows.", {"cmd": _CMD, **_WINRM}, None),
    ("winrm-ps-cmd", "A PowerShell command on Windows.", {"cmd": _CMD, **_WINRM}, None),
    ("winrm-ps-script", "A PowerShell script on Windows.", _WINRM, None),
)

RUNNER_TYPES: Mapping[str, RunnerTypeSpec] = MappingProxyType(
    {
        name: RunnerTypeSpec(
            name=name,
            description=description,
            parameters={key: ParameterSpec.of(key, schema) for key, schema in parameters.items()},
            output_key=output_key,
        )
        for name, description, parameters, output_key in _TABLE
    }
)

# Runners whose actions are workflows: they have tasks, can be paused, and live in rows of the database.
WORKFLOWS: frozenset[str] = frozenset({"orquesta", "action-chain"})

# Runners whose actions are files: a script, a module, a definition.
NEEDS_FILE: frozenset[str] = WORKFLOWS | {
    "local-shell-script",
    "remote-shell-script",
    "python-script",
    "winrm-ps-script",
}

# Names in old packs: the spelling that StackStorm resolves itself, and those it dropped.
RUNNER_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "orchestra": "orquesta",
        "run-local": "local-shell-cmd",
        "run-local-script": "local-shell-script",
        "run-remote": "remote-shell-cmd",
        "run-remote-script": "remote-shell-script",
        "run-python": "python-script",
        "http-runner": "http-request",
    }
)
# An action may say these of a runner's parameter again; everything else stays the runner's.
OVERRIDABLE: frozenset[str] = frozenset({"default", "description", "enum", "immutable", "required"})
