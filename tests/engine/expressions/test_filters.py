"""The filters of StackStorm, with their quirks."""

from typing import Any

import pytest

from engine.errors import BadTemplate
from engine.expressions.filters import FILTERS
from tests.engine.expressions.world import templates

T = templates()

CASES: list[tuple[str, Any, str]] = [
    ("{{ x|to_json_string }}", {"b": 1, "a": [1, None, True]}, '{"b": 1,"a": [1,null,true]}'),
    ("{{ x|to_json_string(sort_keys=true, indent=1) }}", {"b": 1, "a": 2}, '{\n "a": 2,\n "b": 1\n}'),
    ("{{ (x|from_json_string).a }}", '{"a": 5}', "5"),
    ("{{ (x|from_yaml_string).a }}", "a: yes", "True"),
    ("{{ x|to_yaml_string }}", {"b": [1], "a": "ö"}, "a: ö\nb:\n- 1\n"),
    ("{{ x|to_complex }}", {"a": [1, None]}, '{"a": [1, null]}'),
    ("{{ x|json_escape }}", 'a "b"\nc', 'a \\"b\\"\\nc'),
    ("{{ x|json_escape }}", '"q"', '\\"q\\'),
    ("{{ x|json_escape }}", {"a": 1}, '{"a": 1}'),
    ("{{ x|jsonpath_query('a[*].b') }}", {"a": [{"b": 1}, {"b": 2}]}, "[1, 2]"),
    ("{{ x|jsonpath_query('a') }}", {}, "None"),
    ("{{ x|regex_match('v(\\d)') }}", "v1.0", "True"),
    ("{{ x|regex_match('1') }}", "v1.0", "False"),
    ("{{ x|regex_match('V', ignorecase=true) }}", "v1.0", "True"),
    ("{{ x|regex_search('1') }}", 310, "True"),
    ("{{ x|regex_replace('v(\\d+)', 'w\\\\1') }}", "v1 v22", "w1 w22"),
    ("{{ x|regex_substring('\\d+') }}", "a 12 b 34", "12"),
    ("{{ x|regex_substring('\\d+', 1) }}", "a 12 b 34", "34"),
    ("{{ x|regex_substring('(\\d)(\\d)') }}", "a 12", "('1', '2')"),
    ("{{ x|to_human_time_from_seconds }}", 0, "0s"),
    ("{{ x|to_human_time_from_seconds }}", 0.5, "0.5μs"),
    ("{{ x|to_human_time_from_seconds }}", -5, "-5μs"),
    ("{{ x|to_human_time_from_seconds }}", 60, "1m0s"),
    ("{{ x|to_human_time_from_seconds }}", 61.4, "1m1s"),
    ("{{ x|to_human_time_from_seconds }}", 3661, "1h1m1s"),
    ("{{ x|to_human_time_from_seconds }}", 90061, "1d1h1m1s"),
    ("{{ x|to_human_time_from_seconds }}", 40 * 86400, "9d0h0m0s"),
    ("{{ x|to_human_time_from_seconds }}", 366 * 86400, "1y1d0h0m0s"),
    ("{{ x|version_compare('1.0.1') }}", "1.0.0", "-1"),
    ("{{ x|version_more_than('0.9.0') }}", "1.0.0", "True"),
    ("{{ x|version_less_than('0.9.0') }}", "1.0.0", "False"),
    ("{{ x|version_equal('1.0.0') }}", "1.0.0", "True"),
    ("{{ x|version_match('>=1.2.0') }}", "1.3.0", "True"),
    ("{{ x|version_match('1.3.0') }}", "1.3.0", "True"),
    ("{{ x|version_bump_major }}", "1.2.3", "2.0.0"),
    ("{{ x|version_bump_minor }}", "1.2.3", "1.3.0"),
    ("{{ x|version_bump_patch }}", "1.2.3", "1.2.4"),
    ("{{ x|version_strip_patch }}", "1.2.3", "1.2"),
    ("{{ x|use_none }}", None, "%*****__%NONE%__*****%"),
    ("{{ x|use_none }}", 0, "0"),
    ("{{ x|basename }}", "/a/b/", ""),
    ("{{ x|basename }}", "/a/b.txt", "b.txt"),
    ("{{ x|dirname }}", "/a/b.txt", "/a"),
    ("{{ 'a' is in x }}", ["a"], "True"),
]


# Jinja decodes \d in a text as Python does, which complains and keeps it; packs write it all the time.
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@pytest.mark.parametrize(("text", "value", "expected"), CASES)
def test_a_filter_gives_what_stackstorm_gives(text: str, value: Any, expected: str) -> None:
    assert T.render(text, {"x": value}) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ x|version_compare('1.0.0') }}", "1.2"),
        ("{{ x|regex_substring('z') }}", "a"),
        ("{{ x|regex_match('(') }}", "a"),
        ("{{ x|to_human_time_from_seconds }}", "61"),
        ("{{ x|from_json_string }}", "{"),
        ("{{ x|from_yaml_string }}", "a: ["),
        ("{{ x|jsonpath_query('$[?(') }}", {}),
    ],
)
def test_what_a_filter_refuses_is_a_bad_template(text: str, value: Any) -> None:
    with pytest.raises(BadTemplate):
        T.render(text, {"x": value})


def test_there_are_twenty_five_filters() -> None:
    assert len({*FILTERS, "decrypt_kv"}) == 25
