"""Who is who, and how they log in."""

from dataclasses import dataclass

from engine.settings.key import key
from engine.settings.logins import OidcCaller, OidcLogin


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
        "their own where an approval needs several people, or another than the one who asks, and whether "
        "their yes counts in chats of others. In our own web chat it always does where a question is for "
        "everybody.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSettings:
    """How people log in; `stormcrow user add` gives somebody a password."""

    token_life_s: int = key(
        86_400, "How long a token lives, and the longest that may be asked for, in seconds.", at_least=1
    )
    group_life_s: int = key(
        2_592_000,
        "How long the groups count that LDAP, an issuer or a proxy named at a login, in seconds.",
        at_least=1,
    )
    oidc_callers: list[OidcCaller] = key(
        [], "CI jobs that prove who they are with a token of GitHub, GitLab or another issuer."
    )
    oidc_logins: list[OidcLogin] = key([], "Issuers (OpenID Connect) with which people log in.")
    oidc_token_life_s: int = key(
        3600, "How long a token lives that a CI job exchanges its own for, in seconds.", at_least=1
    )
    proxy_user_header: str = key(
        "", "Header in which a proxy in front of us names who has logged in there, for example Remote-User."
    )
    proxy_groups_header: str = key("", "Header in which it names their groups, with commas between them.")
    proxy_addresses: list[str] = key(
        [],
        "Whose word that is: addresses and networks of the other end of the connection, for example "
        "[127.0.0.1, 10.1.0.0/24]. Where people are is for server.trusted_proxies.",
    )
    shared_bots: list[str] = key(
        [],
        "Users of bots of others (Hubot, Errbot) that run commands as themselves for people whom they may "
        "not act for; of other bots that is refused once there are roles.",
    )
