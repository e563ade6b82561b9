"""How actions run, here and elsewhere."""

from dataclasses import dataclass

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSettings:
    """How actions run."""

    workers: int = key(32, "How many executions run at once.", at_least=1)
    limits: dict[str, int] = key(
        {}, "Fewer at once for a runner, for example {remote-shell-cmd: 10}.", at_least=1
    )
    output_limit_bytes: int = key(
        10_485_760,
        "How much of an action's stdout and of its stderr is kept, in bytes; "
        "the rest is counted and dropped.",
        at_least=1_024,
    )
    result_limit_bytes: int = key(
        14_680_064,
        "Largest stored result as JSON, in bytes; a larger one is replaced by an error that says so.",
        at_least=1_024,
    )
    validate_output_schema: bool = key(
        False,
        "Fail an action whose result is not what its `output_schema` says: "
        "StackStorm's system.validate_output_schema.",
    )
    kill_grace_s: float = key(
        5.0, "Time between TERM and KILL when an action is cancelled or times out, in seconds."
    )
    lease_s: float = key(
        15.0, "How long a silent server keeps its claim on an execution, in seconds.", at_least=1
    )
    environment: list[str] = key(
        ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"],
        "Variables that local actions and sensors take over from the server's environment; "
        "everything else is left out.",
    )
    user: str = key(
        "",
        "Run local-shell-* actions as this account through sudo, as StackStorm's system_user; "
        "empty: as ourselves.",
    )
    shell: str = key("/bin/sh", "Shell that runs commands. Packs that need bash: /bin/bash.")
    sudo: bool = key(True, "Whether actions may use sudo (`sudo: true`).")


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonSettings:
    """How python-script actions run."""

    interpreter: str = key("", "Interpreter for packs that name none; empty: the one that runs us.")
    base: list[str] = key(
        [
            "six",
            "requests",
            "urllib3",
            "pyyaml",
            "python-dateutil",
            "jinja2",
            "eventlet",
            # Without a lower bound the resolver goes back to versions that do not build any more.
            "st2client>=3.8",
        ],
        "What each pack environment gets besides the pack's own requirements: "
        "packs use it without saying so, because StackStorm's own environment has it.",
    )
    warm: bool = key(True, "Keep an interpreter per pack environment that forks for each run.")
    warm_idle_s: float = key(600.0, "Stop a warm interpreter that had no work for so long, in seconds.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings:
    """How remote-shell-* actions reach their hosts."""

    user: str = key("", "Account on remote hosts when an action names none; empty: our own.")
    key_file: str = key("", "Private key when an action brings neither password nor key.")
    known_hosts: str = key(
        "~/.ssh/known_hosts", "File of known host keys. A host that is not in it is refused."
    )
    accept_new: bool = key(
        False, "Remember the key of a host seen for the first time. A changed key is refused all the same."
    )
    connect_timeout_s: float = key(10.0, "Longest time to connect and log in, in seconds.", at_least=0.1)
    parallel: int = key(50, "How many hosts of one action are worked on at once.", at_least=1)
    idle_s: float = key(300.0, "Close a pooled connection that was not used for so long, in seconds.")
    allow_partial_failure: bool = key(False, "A remote action succeeds when it did on one host at least.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """What http-request actions may do."""

    blocked_networks: list[str] = key(
        ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"],
        "Networks that http-request may not reach, redirects included; cloud metadata services by default.",
    )
    response_limit_bytes: int = key(10_485_760, "Largest response body kept, in bytes.", at_least=1_024)
