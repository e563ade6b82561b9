"""`link` and `unlink`: two accounts of one person become one user, by a code that is used once.

One account asks for a code in a direct message, the other says it in one within ten minutes. The code
stands for the user of whoever asked. Everything said about it is for that person alone.
"""

import re

from bot.asked import Asked
from bot.chat import Reply, Text, Tone
from bot.identities import Identity
from bot.port import ChatAdapter
from engine.accounts import CODE_LIFE
from engine.errors import BadInput, Conflict, Denied
from engine.records.account import Account, How
from engine.service import Engine

# An alias may begin with this word too: what follows must look like a code.
SHAPE = re.compile(r"link(?:\s+(?P<code>[a-z0-9]+(?:-[a-z0-9]+)+|[a-z0-9]{12}))?", re.IGNORECASE)
UNLINK = re.compile(r"unlink", re.IGNORECASE)
_MINUTES = round(CODE_LIFE.total_seconds() / 60)


def link(engine: Engine, adapter: ChatAdapter, code: str, asked: Asked) -> Reply:
    """`code` empty: a new one. Raises BadInput, Denied, Conflict, Busy."""
    message = asked.message
    if not (message.channel.startswith("@") if adapter.is_own else message.is_direct):
        if code:
            engine.accounts.void(code)
        said = "Others may have read that code, so it counts no more." if code else "Codes are for two of us."
        raise BadInput(said, hint="Say it to me in a direct message: link")
    account = _vouched(asked)
    if code:
        return _redeemed(engine, code, account, asked)
    if adapter.is_own:
        # What is said in our own pages is kept in our own rows, and a code must not be.
        raise BadInput("I give no codes in these pages.", hint="In a terminal: stormcrow account code")
    return _new_code(engine, asked.identity)


def unlink(engine: Engine, asked: Asked) -> Reply:
    """Raises NotFound, Denied, Conflict."""
    account = _vouched(asked)
    if asked.identity.how is How.CONFIG:
        raise Conflict(
            f"{account.ref} is {asked.identity.user} by the settings.",
            hint="An administrator can take it out of people.linked in config.yaml.",
        )
    ended = engine.accounts.unlink(account, by=asked.identity.user)
    return _private(f"{account.ref} is not {ended.user} any more.", tone=Tone.GOOD)


def _vouched(asked: Asked) -> Account:
    """The account that asks. Raises Denied where anybody could have its name."""
    identity, author = asked.identity, asked.message.author
    if not identity.is_verified:
        raise Denied(
            "Nothing vouches for who you are here, so this account cannot be linked.",
            hint="Log in with the network first, or sign in with an API key.",
        )
    return Account(platform=asked.message.adapter, team=author.team, id=author.id)


def _new_code(engine: Engine, identity: Identity) -> Reply:
    code, _ = engine.accounts.new_code(identity.user)
    return _private(
        f"Say this to me from your other account, in a direct message, within {_MINUTES} minutes:\n"
        f"link {code}\n"
        f"That account is then {identity.user} too. Give the code to nobody: whoever says it becomes you."
    )


def _redeemed(engine: Engine, code: str, account: Account, asked: Asked) -> Reply:
    identity = asked.identity
    if asked.message.author.engine_user:
        raise BadInput(
            f"You are signed in as {identity.user} here.", hint="Say the code from the account to be linked."
        )
    if identity.how in (How.CONFIG, How.CODE):
        # Said again, or somebody else's already: the code is not spent on it.
        hint = "" if identity.how is How.CONFIG else "To end that: unlink"
        raise Conflict(f"{account.ref} is {identity.user} already.", hint=hint)
    made = engine.accounts.redeem(code, account, name=identity.chat_user)
    return _private(f"{account.ref} is {made.user} from now on. To end that: unlink", tone=Tone.GOOD)


def _private(text: str, *, tone: Tone = Tone.NEUTRAL) -> Reply:
    return Reply(pieces=(Text(text=text),), tone=tone, is_private=True)
