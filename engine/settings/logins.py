"""How people and CI jobs log in besides the file of passwords: LDAP and OpenID Connect."""

from dataclasses import dataclass
from typing import Literal

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings:
    """Passwords and groups from LDAP, under StackStorm's names; the extra `ldap` brings what it needs."""

    host: str = key("", "Server; several, with commas between them, are tried in this order. Empty: no LDAP.")
    port: int = key(0, "TCP port; 0: 636 with use_ssl, else 389.", at_most=65535)
    use_ssl: bool = key(False, "Speak TLS from the first byte (ldaps).")
    use_tls: bool = key(True, "Without use_ssl: switch to TLS (StartTLS) before any password is sent.")
    verify: bool = key(True, "Whether the server's certificate must be right for the host.")
    cacert: str = key("", "File of the authorities that sign such certificates; empty: the system's.")
    bind_dn: str = key("", "Account that searches. Empty: nobody in particular (anonymous).")
    bind_password: str = key("", "Its password.", secret=True)
    bind_password_file: str = key("", "File that holds the password, in its place.")
    user_dn: str = key(
        "",
        "How a person's own name is made where nobody searches for it, for example "
        "'uid={username},ou=people,dc=example,dc=org' or '{username}@corp.example.org'.",
    )
    base_ou: str = key("", "Below which entry people are, and groups where base_ou_group is empty.")
    base_ou_group: str = key("", "Below which entry groups are.")
    id_attr: str = key("uid", "Attribute with the user's name; sAMAccountName in Active Directory.")
    account_pattern: str = key("", "Filter that finds a person; empty: '({id_attr}={username})'.")
    group_pattern: str = key(
        "(|(member={user_dn})(uniqueMember={user_dn})(memberUid={username}))",
        "Filter that finds the groups of a person.",
    )
    nested_groups: bool = key(False, "Whether a member of a group is a member of what that group is in.")
    group_dns: list[str] = key(
        [], "Groups whose members may log in: whole names, or their first part (cn=ops). Empty: all."
    )
    group_dns_check: Literal["and", "or"] = key("and", "Whether it takes all of group_dns, or one.")
    scope: Literal["subtree", "onelevel", "base"] = key("subtree", "How deep people are searched for.")
    network_timeout: float = key(10.0, "Longest wait for any answer, in seconds.", at_least=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcCaller:
    """CI jobs that prove who they are with a token of their system; nothing secret is stored."""

    issuer: str = key("", "Who signs, for example https://token.actions.githubusercontent.com.")
    audience: str = key("", "For whom the token must be made; empty: server.public_url.")
    match: dict[str, str] = key(
        {}, "Claims that it must have, with * and ? for any characters: {repository: acme/web}."
    )
    user: str = key("", "Who the job is here.")
    roles: list[str] = key([], "Roles of that user, besides those that the folder rbac gives.")
    actions: list[str] = key([], "Limits the job to these actions, as a key is limited: [deploy.*].")
    webhooks: list[str] = key([], "Limits it to these webhooks, too.")
    rights: list[str] = key([], "Limits it to these permissions, too; `read`: all that only show something.")
    jwks_file: str = key("", "File with the issuer's keys, where they cannot be fetched.")

    def problem(self) -> str:
        """What is wrong with the entry as a whole; empty: nothing."""
        if not self.match:
            return "match is empty: every job of this issuer would be let in"
        return _issuer_problem(self.issuer) or _user_problem(self.user)


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcLogin:
    """A way for people to log in, in the browser and in a terminal."""

    name: str = key("", "Short name, part of addresses: letters, digits and -.")
    title: str = key("", "What the button says after `Log in with`; empty: the name.")
    issuer: str = key("", "The issuer's URL, for example https://login.example.org/realms/ops.")
    client_id: str = key("", "Our name at the issuer, for the web page.")
    client_secret: str = key("", "Its secret, where the issuer gave one.", secret=True)
    client_secret_file: str = key("", "File that holds the secret, in its place.")
    terminal_client_id: str = key(
        "", "Our name at the issuer for `stormcrow login`, without a secret; empty: client_id."
    )
    scopes: list[str] = key(["openid", "profile", "email"], "What is asked for.")
    user_claim: str = key("preferred_username", "Claim with the user's name; `email` only if verified.")
    groups_claim: str = key("groups", "Claim with the names of groups; empty: none.")
    match: dict[str, str] = key({}, "Claims that a person must have, for example {hd: example.org}.")
    jwks_file: str = key("", "File with the issuer's keys, where they cannot be fetched.")

    def problem(self) -> str:
        """What is wrong with the entry as a whole; empty: nothing."""
        is_short = self.name.replace("-", "a").isalnum() and self.name.isascii() and len(self.name) <= 40
        if not is_short or self.name != self.name.lower() or self.name in ("ldap", "proxy"):
            return f"{self.name!r} is no name for it: lower-case letters, digits and -, not ldap nor proxy"
        if not self.client_id:
            return "client_id is missing"
        if "openid" not in self.scopes:
            return "scopes lack openid"
        return _issuer_problem(self.issuer)


def _issuer_problem(issuer: str) -> str:
    scheme, _, rest = issuer.partition("://")
    host = rest.partition("/")[0].rpartition(":")[0] or rest.partition("/")[0]
    if scheme == "https" and rest:
        return ""
    if scheme == "http" and host in ("127.0.0.1", "localhost", "[::1]"):
        return ""
    return f"the issuer must be an https URL, not {issuer!r}"


def _user_problem(user: str) -> str:
    return "" if user and not user.startswith("~") else "user is missing"
