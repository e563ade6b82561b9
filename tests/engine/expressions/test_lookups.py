"""The datastore in templates."""

import pytest

from engine.errors import BadTemplate
from engine.expressions.lookups import KeyLookup, key_lookups
from tests.engine.expressions.world import DictKeys, templates

KEYS = DictKeys({"system.a": "1", "system.a.b": "2.5", "system.a:b": "colon", "user.ann.k": "mine"})
T = templates()


def render(text: str, user: str | None = "ann") -> str:
    return T.render(text, {"st2kv": key_lookups(KEYS, user=user)})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ st2kv.system.a }}", "1"),
        ("{{ st2kv.system.a.b }}", "2.5"),
        ("{{ st2kv.system['a.b'] }}", "2.5"),
        ("{{ st2kv.system['a:b'] }}", "colon"),
        ("{{ st2kv.user.k }}", "mine"),
        ("<{{ st2kv.system.none }}>", "<>"),
        ("<{{ st2kv.system.none.deeper }}>", "<>"),
        ("{{ st2kv.system.none | default('unused') }}", ""),
        ("{{ st2kv.system.a | int + 1 }}", "2"),
        ("{{ st2kv.system.a.b | float * 2 }}", "5.0"),
        ("{{ st2kv.system.a | from_json_string + 1 }}", "2"),
        ("{% set p = st2kv.system.none | string %}{{ p | decrypt_kv if p else 'none' }}", "none"),
        ("{{ 'yes' if st2kv.system.a == '1' else 'no' }}", "yes"),
        ("{{ 'set' if st2kv.system.none else 'unset' }}", "unset"),
        ("{{ [st2kv.system.a] | to_json_string }}", '["1"]'),
        ("{{ st2kv.system.a ~ '!' }}", "1!"),
    ],
)
def test_a_key_renders(text: str, expected: str) -> None:
    assert render(text) == expected


def test_a_user_sees_no_keys_of_others() -> None:
    assert render("{{ st2kv.user.k }}", user="bob") == ""


def test_the_inside_of_a_lookup_cannot_be_reached() -> None:
    for text in ("{{ st2kv.system.a._keys.values }}", "{{ st2kv.system.__class__ }}"):
        with pytest.raises(BadTemplate):
            render(text)


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(BadTemplate, match=r'Referenced datastore item "st2kv\.system\.x\.y"'):
        render("{{ st2kv.system.x.y | decrypt_kv }}")


def test_looping_over_a_key_is_an_error() -> None:
    with pytest.raises(BadTemplate):
        render("{% for c in st2kv.system.a %}{{ c }}{% endfor %}")


def test_a_key_is_read_once_and_only_when_needed() -> None:
    keys = DictKeys({"system.a": "1"})
    lookup = KeyLookup(keys, "system", None, "a")
    assert keys.asked == []
    assert str(lookup) + str(lookup) == "11"
    assert keys.asked == ["system.a"]
