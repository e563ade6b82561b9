"""`doctor logins`: whether LDAP, the issuers and the proxy of the settings would let people in."""

from collections.abc import Iterator

from bot.cli.finding import Finding
from engine.errors import BadSettings, DirectoryFailure, Untrusted
from engine.outside.configured import directory, issuers, secret
from engine.outside.issuers import ALGORITHMS, Issuer
from engine.outside.names import Names
from engine.outside.proxy import Proxy
from engine.settings import Settings
from engine.settings.logins import OidcCaller, OidcLogin
from engine.user_file import UserFile


def examine_logins(settings: Settings) -> Iterator[Finding]:
    """Asks LDAP and the issuers; nobody is logged in."""
    yield _passwords(settings)
    names = Names(acting=settings.events.user, chats=settings.errbot.networks)
    yield from _ldap(settings, names)
    known = issuers(settings)
    for login in settings.auth.oidc_logins:
        yield from _login(settings, login, known[login.issuer])
    for number, caller in enumerate(settings.auth.oidc_callers, 1):
        yield from _caller(settings, number, caller, known[caller.issuer])
    yield from _proxy(settings, names)


def _passwords(settings: Settings) -> Finding:
    count = len(UserFile(settings.data_folder / "users").names())
    return Finding(what="passwords", is_ok=True, text=f"{count} users have one; see stormcrow user list")


def _ldap(settings: Settings, names: Names) -> Iterator[Finding]:
    try:
        asked = directory(settings, names)
    except BadSettings as error:
        yield Finding(what="ldap", is_ok=False, text=error.message, fix=error.hint)
        return
    if asked is None:
        return
    for host in asked.hosts:
        try:
            yield Finding(what=f"ldap {host}", is_ok=True, text=asked.probe(host))
        except DirectoryFailure as error:
            yield Finding(
                what=f"ldap {host}",
                is_ok=False,
                text=error.message,
                fix="Is it the host, the certificate (ldap.cacert), or ldap.bind_dn with its password?",
            )
    if not settings.ldap.verify:
        yield _problem("ldap.verify", "any certificate is accepted", "Set ldap.cacert, and verify: true.")
    if not (settings.ldap.use_ssl or settings.ldap.use_tls):
        yield _problem("ldap.use_tls", "passwords are sent in clear", "Set use_ssl or use_tls.")


def _login(settings: Settings, entry: OidcLogin, issuer: Issuer) -> Iterator[Finding]:
    what = f"login {entry.name}"
    yield _issuer(what, issuer)
    try:
        secret(settings, entry.client_secret, entry.client_secret_file, of="client_secret_file")
        metadata = issuer.metadata()
    except (BadSettings, Untrusted) as error:
        yield _problem(f"{what} settings", error.message, error.hint or "See the line above.")
        return
    for endpoint in ("authorization_endpoint", "token_endpoint"):
        if not metadata.get(endpoint):
            yield _problem(what, f"the issuer names no {endpoint}", "Is the issuer's URL right?")
    claims = metadata.get("claims_supported")
    for key, claim in (("user_claim", entry.user_claim), ("groups_claim", entry.groups_claim)):
        if claim and isinstance(claims, list) and claim not in claims:
            text = f"the issuer does not list the claim {claim} ({key})"
            yield _problem(what, text, f"It lists: {', '.join(map(str, claims[:30]))}.")
    url = f"{settings.public_url}/chat/login/{entry.name}/callback"
    yield Finding(what=f"{what} address", is_ok=True, text=f"to be registered at the issuer: {url}")


def _caller(settings: Settings, number: int, entry: OidcCaller, issuer: Issuer) -> Iterator[Finding]:
    what = f"caller {number} ({entry.user})"
    yield _issuer(what, issuer)
    audience = entry.audience or settings.public_url
    yield Finding(what=f"{what} audience", is_ok=True, text=f"the token must be for {audience}")
    if all(set(pattern) <= {"*"} for pattern in entry.match.values()):
        yield _problem(what, "match lets in every job of this issuer", "Name a repository or a project.")


def _issuer(what: str, issuer: Issuer) -> Finding:
    try:
        found = issuer.usable_keys()
    except Untrusted as error:
        fix = "Correct the issuer's URL; it must be spelled as it spells itself."
        return _problem(f"{what} issuer", error.message, fix)
    if not found:
        wanted = ", ".join(ALGORITHMS)
        return _problem(f"{what} issuer", f"{issuer.url} has no key for {wanted}", "Is it the right issuer?")
    return Finding(what=f"{what} issuer", is_ok=True, text=f"{issuer.url} has {found} keys")


def _proxy(settings: Settings, names: Names) -> Iterator[Finding]:
    try:
        Proxy(settings.auth, names)
    except BadSettings as error:
        yield Finding(what="proxy", is_ok=False, text=error.message, fix=error.hint)
        return
    if settings.auth.proxy_user_header:
        addresses = ", ".join(settings.auth.proxy_addresses)
        text = f"{settings.auth.proxy_user_header} counts from {addresses}"
        yield Finding(what="proxy", is_ok=True, text=text)


def _problem(what: str, text: str, fix: str) -> Finding:
    return Finding(what=what, is_ok=False, text=text, fix=fix)
