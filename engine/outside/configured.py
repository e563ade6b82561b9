"""What the settings say of LDAP and issuers, made ready: secrets read from their files, names checked."""

from collections.abc import Mapping

from engine.errors import BadSettings
from engine.outside.callers import CI, Callers
from engine.outside.forwarders import Forwarders
from engine.outside.groups import OutsideGroups, sources
from engine.outside.issuers import Issuer
from engine.outside.ldap import Directory
from engine.outside.names import Names
from engine.outside.proxy import Proxy
from engine.outside.sign_ins import SignIn, SignIns
from engine.settings import Settings
from engine.settings.logins import OidcLogin
from engine.store.database import Database


class Outside:
    """All ways in besides the file of users, and what was said on them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Raises BadSettings."""
        self.names = Names(acting=settings.events.user, chats=settings.errbot.networks)
        self.groups = OutsideGroups(database, sources=sources(settings), life_s=settings.auth.group_life_s)
        self.directory = directory(settings, self.names)
        self.issuers = issuers(settings)
        self.callers = Callers(settings.auth.oidc_callers, self.issuers, audience=settings.public_url)
        self.sign_ins = SignIns([self._sign_in(settings, one) for one in settings.auth.oidc_logins])
        self.forwarders = Forwarders(settings.server.trusted_proxies)
        self.proxy = Proxy(settings.auth, self.names)
        self.token_life_s = min(settings.auth.oidc_token_life_s, settings.auth.token_life_s)

    def _sign_in(self, settings: Settings, entry: OidcLogin) -> SignIn:
        known = {mail.casefold(): user for user, mails in settings.people.emails.items() for mail in mails}
        return SignIn(
            entry,
            self.issuers[entry.issuer],
            self.names,
            secret=secret(
                settings,
                entry.client_secret,
                entry.client_secret_file,
                of="client_secret_file of oidc_logins",
            ),
            user_with_email=lambda mail: known.get(mail.casefold(), ""),
        )

    @property
    def stamps(self) -> frozenset[str]:
        """Of tokens that were given for something else than a password of our own."""
        return self.groups.sources | {CI}


def directory(settings: Settings, names: Names) -> Directory | None:
    """None where no LDAP is set. Raises BadSettings."""
    ldap = settings.ldap
    if not ldap.host:
        return None
    password = secret(settings, ldap.bind_password, ldap.bind_password_file, of="ldap.bind_password_file")
    return Directory(ldap, names, bind_password=password)


def issuers(settings: Settings) -> Mapping[str, Issuer]:
    """Every issuer that the settings name, by its URL: one memory of its keys, whoever asks."""
    named = [(one.issuer, one.jwks_file) for one in settings.auth.oidc_callers]
    named += [(one.issuer, one.jwks_file) for one in settings.auth.oidc_logins]
    files: dict[str, str] = {}
    for url, file in named:
        files[url] = files.get(url) or file
    return {url: Issuer(url, jwks_file=settings.path(file) if file else None) for url, file in files.items()}


def secret(settings: Settings, value: str, file: str, *, of: str) -> str:
    """A secret that stands in the settings, or in the file that they name. Raises BadSettings."""
    if not file:
        return value
    try:
        return settings.path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"The file {file} cannot be read.", hint="Check its name and its mode.", where=of
        ) from error
