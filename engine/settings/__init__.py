"""The settings: config.yaml and the environment, read once into frozen values.

Every section is one class, every key one field; the field's metadata holds what the
reference and `config.yaml` say about it. Units are in the names. Nothing else in the
project reads config.yaml or the environment.
"""

from dataclasses import dataclass, field
from pathlib import Path

from engine.settings.actions import ActionSettings, HttpSettings, PythonSettings, SshSettings
from engine.settings.callbacks import CallbackSettings
from engine.settings.chats import ChatSettings, ErrbotSettings, SlackSettings
from engine.settings.content import ContentSettings, PackSettings, TemplateSettings
from engine.settings.events import DatastoreSettings, EventSettings, SensorSettings
from engine.settings.limits import LimitSettings
from engine.settings.logins import LdapSettings
from engine.settings.people import AuthSettings, PeopleSettings
from engine.settings.retention import RetentionSettings
from engine.settings.server import LogSettings, ServerSettings, StoreSettings
from engine.settings.watching import AuditSettings, HealthSettings, MetricsSettings, TracingSettings


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
    callbacks: CallbackSettings = field(default_factory=CallbackSettings)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    slack: SlackSettings = field(default_factory=SlackSettings)
    errbot: ErrbotSettings = field(default_factory=ErrbotSettings)
    events: EventSettings = field(default_factory=EventSettings)
    people: PeopleSettings = field(default_factory=PeopleSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    ldap: LdapSettings = field(default_factory=LdapSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    sensors: SensorSettings = field(default_factory=SensorSettings)
    datastore: DatastoreSettings = field(default_factory=DatastoreSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    log: LogSettings = field(default_factory=LogSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    tracing: TracingSettings = field(default_factory=TracingSettings)

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
    def named_roles(self) -> dict[str, list[str]]:
        """Role -> the users whom people.roles and auth.oidc_callers give it."""
        found = {role: list(users) for role, users in self.people.roles.items()}
        for caller in self.auth.oidc_callers:
            for role in caller.roles:
                found.setdefault(role, []).append(caller.user)
        return {role: list(dict.fromkeys(users)) for role, users in found.items()}

    @property
    def public_url(self) -> str:
        return (self.server.public_url or f"http://{self.server.host}:{self.server.port}").rstrip("/")


def local_url(settings: Settings) -> str:
    """Where the server of these settings listens, seen from this machine."""
    host = settings.server.host
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared with, not bound to
        host = "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"
