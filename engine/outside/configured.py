"""What the settings say of LDAP and issuers, made ready: secrets read from their files, names checked."""

from engine.errors import BadSettings
from engine.outside.ldap import Directory
from engine.outside.names import Names
from engine.settings import Settings


def names(settings: Settings) -> Names:
    return Names(acting=settings.events.user, chats=settings.errbot.networks)


def directory(settings: Settings) -> Directory | None:
    """None where no LDAP is set. Raises BadSettings."""
    ldap = settings.ldap
    if not ldap.host:
        return None
    password = secret(settings, ldap.bind_password, ldap.bind_password_file, of="ldap.bind_password_file")
    return Directory(ldap, names(settings), bind_password=password)


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
