"""The settings: config.yaml and the environment, read once into frozen values.

Every section is one class, every key one field; the field's metadata holds what the
reference and `config.yaml` say about it. Units are in the names. Nothing else in the
project reads config.yaml or the environment.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


def key(
    default: Any, help: str, *, secret: bool = False, at_least: float = 0, at_most: float | None = None
) -> Any:
    """A dataclass field with its sentence for the reference; lists and dicts are copied.

    `at_least` and `at_most` bound numbers, also those inside a dict.
    """
    metadata = {"help": help, "secret": secret, "at_least": at_least, "at_most": at_most}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the server listens, and how it answers."""

    host: str = key(
        "127.0.0.1", "Address to listen on. Anything but loopback puts the web chat behind a login."
    )
    port: int = key(9101, "TCP port of the API and the web chat; 0 takes a free one.", at_most=65_535)
    public_url: str = key("", "How people and clients reach us, for links; empty: http://HOST:PORT.")
    answer_wait_ms: int = key(
        300, "How long POST /executions waits for the end before it answers, in milliseconds; 0 never waits."
    )
    body_limit_bytes: int = key(1_048_576, "Largest request body, in bytes.", at_least=1_024)
    shutdown_s: float = key(
        10.0, "How long a stop waits for work in hand, in seconds; local actions go on without us."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where everything is kept."""

    data: Path = key(Path("data"), "Folder of the database, the keys and the spool; mode 0700.")
    url: str = key(
        "",
        "SQLAlchemy URL, for example postgresql+psycopg://user@host/name; empty: SQLite in the data folder.",
        secret=True,
    )
    durability: Literal["full", "normal"] = key(
        "full", "full: a commit survives a power cut; normal: it survives kill -9, and is faster."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSettings:
    """Where packs and the other content files are."""

    packs: list[str] = key(
        ["packs"],
        "Folders that hold packs, first wins; relative to config.yaml. "
        "The shipped packs come last by themselves.",
    )
    aliases: str = key("aliases", "Folder of the site's own aliases; they belong to the pack `default`.")
    configs: str = key("configs", "Folder of pack configurations, PACK.yaml each.")
    overrides: str = key("overrides", "Folder of StackStorm overrides: _global.yaml and PACK.yaml.")
    webhooks: str = key("webhooks", "Folder of the site's webhooks: who may post, and how that is checked.")
    rights: str = key(
        "rbac",
        "Folder of who may what: roles, assignments and mappings in StackStorm's format, and limits.yaml.",
    )
    virtualenvs: str = key(
        "", "Folder of the packs' virtual environments; empty: virtualenvs in the data folder."
    )
    watch: bool = key(False, "Reload content when a file changes.")


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
class PackSettings:
    """Where packs are installed from."""

    index_urls: list[str] = key(
        ["https://index.stackstorm.org/v1/index.json"],
        "Indexes of packs that can be installed by name; a later one wins.",
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """Limits of one template rendering."""

    output_limit_bytes: int = key(1_048_576, "Longest rendered text, in bytes.", at_least=1)
    range_limit: int = key(100_000, "Longest range() in a template.", at_least=1)
    work_limit: int = key(1_000_000, "Most loop passes in one rendering.", at_least=1)
    number_limit_bits: int = key(4_096, "Largest integer a template may compute, in bits.", at_least=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """How the bot reads and answers."""

    prefix: str = key("!", "What a command starts with in a channel; a direct message needs none.")
    names: list[str] = key(["stormcrow"], "Names that mention the bot: `@stormcrow help`.")
    text_limit_bytes: int = key(8_192, "Longest command, in bytes.", at_least=16)
    answer_limit: int = key(
        3_500, "Longest answer posted whole, in characters; `output ID` shows the rest.", at_least=100
    )
    web: bool = key(True, "Serve the chat page at /chat.")
    channels: list[str] = key(["ops"], "Channels that the web chat opens with.")
    login: Literal["auto", "always"] = key(
        "auto", "auto: the page asks for a key unless we listen on loopback only; always: it always asks."
    )
    timezone: str = key(
        "",
        "Time zone of the times in `schedule` that name none, for example Europe/Zurich; "
        "empty: that of the machine.",
    )
    first: str = key(
        "",
        "Chat that hears what names none (alerts, notices, questions), for example slack; `irc#ops` as a "
        "channel names another. Empty: Slack, else the first network of errbot, else the web chat.",
    )
    defaults_by: list[str] = key(
        [],
        "Users, groups and roles who may set the defaults of a channel; "
        "empty: everybody for whom the chat vouches.",
    )
    routes: dict[str, str] = key(
        {},
        "Routes of notifications and announcements that are said in a chat of ours, for example "
        "{oncall: 'web#alerts', builds: '#ci', chatops: none}.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSettings:
    """How the bot is in Slack; `stormcrow slack manifest` prints the app, `stormcrow doctor slack` checks."""

    bot_token: str = key("", "Bot token of the app, xoxb-...; empty: the bot is not in Slack.", secret=True)
    app_token: str = key(
        "", "App-level token with connections:write, xapp-...; for the mode socket.", secret=True
    )
    signing_secret: str = key("", "Signing secret of the app; for the mode http.", secret=True)
    mode: Literal["socket", "http"] = key(
        "socket",
        "socket: we connect to Slack, and nothing of ours is open to the internet; "
        "http: Slack posts to server.public_url/slack/events.",
    )
    sockets: int = key(
        2, "How many sockets are open at once, so that none is missed.", at_least=1, at_most=10
    )
    command: str = key("/crow", "Our slash command, as the app's manifest names it.")
    workspaces: dict[str, str] = key(
        {},
        "More workspaces, each with a file of YAML that holds its bot_token, app_token and signing_secret: "
        "{acme: secrets/acme.yaml} is the chat slack-acme.",
    )
    base_url: str = key("", "Where the Web API is, for `stormcrow dev slack`; empty: https://slack.com/api/.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrbotSettings:
    """How the bot is on IRC, on XMPP, and in every other chat that Errbot has a backend for."""

    networks: dict[str, str] = key(
        {},
        "Networks by name, each with a file of YAML that says its backend, server, account and channels: "
        "{libera: secrets/libera.yaml} is the chat libera.",
    )
    python: str = key(
        "",
        "Interpreter of an environment that has errbot>=6.2.1, for example chat/bin/python; empty: our own.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    """How events become actions."""

    user: str = key("stormcrow", "User that rules of packs run their actions as.")
    channel: str = key(
        "", "Channel for what the engine itself has to say; empty: the first of chat.channels."
    )
    queue_limit: int = key(
        10_000, "How many events may wait for their rules; more are refused with 503.", at_least=1
    )
    refused_limit: int = key(
        20,
        "How many deliveries an hour a webhook may refuse before the events channel is told.",
        at_least=1,
    )
    depth_limit: int = key(
        10,
        "How many rules may follow one from the other (a rule's action that fires a rule ...).",
        at_least=1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSettings:
    """Who is who: roles, groups and accounts, for questions and approvals."""

    roles: dict[str, list[str]] = key(
        {}, "Roles, each with the users who have it, for example {approver: [ann, bob]}."
    )
    groups: dict[str, list[str]] = key(
        {}, "Groups, each with its users, for example {sre: [ann, bob], security: [eve]}."
    )
    linked: dict[str, list[str]] = key(
        {},
        "Other accounts of the same person, for example {ann: ['~ann', slack.T1.U7, ann-ci]}: "
        "they count as one, and have what the first has.",
    )
    emails: dict[str, list[str]] = key(
        {},
        "E-mail addresses of users, for example {ann: [ann@example.org]}. A chat account with a verified "
        "address of them is that user, in the workspaces of email_teams.",
    )
    email_teams: list[str] = key(
        [],
        "Workspaces whose word on e-mail addresses counts, for example [slack.T1]; of their full members "
        "only. Empty: none.",
    )
    trust_unverified: bool = key(
        False,
        "Whether somebody whom nothing vouches for (a name picked in the web chat) counts as a person of "
        "their own where an approval needs several people, or another than the one who asks.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """How people log in; `stormcrow user add` gives somebody a password."""

    token_life_s: int = key(
        86_400, "How long a token lives, and the longest that may be asked for, in seconds.", at_least=1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSettings:
    """How sensors run."""

    channel: str = key("", "Channel that hears of sensors that keep failing; empty: events.channel.")
    restart_s: float = key(
        1.0,
        "Pause before a sensor that failed is started again, in seconds; each failure in a row doubles it.",
        at_least=0.01,
    )
    restart_longest_s: float = key(300.0, "Longest such pause, in seconds.", at_least=0.01)
    good_run_s: float = key(60.0, "A sensor that has run for so long is well, in seconds.", at_least=0.1)
    tell_after: int = key(3, "Failures in a row after which the channel is told.", at_least=1)
    stop_s: float = key(5.0, "Time between TERM and KILL when a sensor is stopped, in seconds.")
    memory_limit_mb: float = key(
        512.0, "A sensor whose process uses more memory is started anew, in megabytes; 0: no limit."
    )
    log_lines: int = key(200, "How many lines of each sensor's log are kept for `sensor logs`.", at_least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatastoreSettings:
    """Where datastore keys come from besides the database."""

    backends: dict[str, str] = key(
        {},
        "Keys read from elsewhere, by prefix: {env.: 'environment:SECRET_'} reads the key env.TOKEN from the "
        "variable SECRET_TOKEN of the server, {file.: 'file:/run/secrets'} the key file.token from a file.",
    )
    st2_key_file: str = key(
        "", "StackStorm's key file (datastore_key.json), to take over values that it encrypted."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What the server logs."""

    level: Literal["debug", "info", "warning", "error"] = key(
        "info", "Least severe messages that are logged."
    )
    format: Literal["text", "json"] = key(
        "text", "text for people, json for collectors; both on standard error."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. `root` is the folder of config.yaml; relative paths are resolved against it."""

    root: Path = field(default_factory=Path)
    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    content: ContentSettings = field(default_factory=ContentSettings)
    actions: ActionSettings = field(default_factory=ActionSettings)
    python: PythonSettings = field(default_factory=PythonSettings)
    packs: PackSettings = field(default_factory=PackSettings)
    ssh: SshSettings = field(default_factory=SshSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    slack: SlackSettings = field(default_factory=SlackSettings)
    errbot: ErrbotSettings = field(default_factory=ErrbotSettings)
    events: EventSettings = field(default_factory=EventSettings)
    people: PeopleSettings = field(default_factory=PeopleSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    sensors: SensorSettings = field(default_factory=SensorSettings)
    datastore: DatastoreSettings = field(default_factory=DatastoreSettings)
    log: LogSettings = field(default_factory=LogSettings)

    def path(self, value: str | Path) -> Path:
        """`value` against the folder of config.yaml, with ~ expanded."""
        return (self.root / Path(value).expanduser()).resolve()

    @property
    def data_folder(self) -> Path:
        return self.path(self.store.data)

    @property
    def virtualenvs_folder(self) -> Path:
        named = self.content.virtualenvs
        return self.path(named) if named else self.data_folder / "virtualenvs"

    @property
    def public_url(self) -> str:
        return (self.server.public_url or f"http://{self.server.host}:{self.server.port}").rstrip("/")


def local_url(settings: Settings) -> str:
    """Where the server of these settings listens, seen from this machine."""
    host = settings.server.host
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared with, not bound to
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"
