"""What `st2` shows when something is refused: StackStorm's words, and what to do."""

import pytest

from tests.compat.st2.conftest import St2

REFUSED = {
    "run core.local": ("'cmd' is a required property.", "stormcrow action show core.local"),
    "run core.local nope=1 cmd=date": ("('nope' was unexpected). Known to core.local: cmd,",),
    "run -u bob core.local date": ('may not act as "bob".',),
    "action list --api-key wrong": ("401 Client Error", "Unauthorized - API key not found."),
    "execution list -tg garbage": ('"timestamp_gt" is not a timestamp: garbage. Write 2026',),
    "execution list -n 0": ('Limit "0" specified, must be a positive number',),
    "action get core.nope": ('Action "core.nope" is not found.',),
    "execution get 0123456789abcdef01234567": ('"0123456789abcdef01234567" is not found.',),
    "key list -s bogus": ('Scope "bogus" is not valid.', "st2kv.system"),
    "action-alias match nothing-like-it": ("Command 'nothing-like-it' matched no patterns",),
    "action delete core.local": ("409 Client Error", "is a file of its pack."),
    "auth nobody -p wrong": ("401 Client Error", "Invalid or missing credentials"),
    "service-registry member list --group-id nope": ("Group with ID nope not found.",),
}


@pytest.mark.parametrize("command", REFUSED)
def test_a_refusal_is_told_with_what_to_do(st2: St2, command: str) -> None:
    done = st2(*command.split())
    assert done.code != 0
    for words in REFUSED[command]:
        assert words in done.out + done.err
