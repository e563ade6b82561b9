"""YAML is read as PyYAML's safe loader reads it, within limits, with lines in errors."""

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadContent
from engine.yaml_reader import line_of, plain_value, read_file, read_text


def bomb(levels: int = 9) -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for level in range(levels):
        name, before = chr(98 + level), chr(97 + level)
        lines.append(f"{name}: &{name} [{', '.join(['*' + before] * 9)}]")
    return "\n".join(lines)


def refused(text: str) -> BadContent:
    with pytest.raises(BadContent) as caught:
        read_text(text, name="file.yaml")
    return caught.value


def test_a_small_bomb_is_refused_at_once_and_not_expanded() -> None:
    started = time.thread_time()
    error = refused(bomb())
    assert time.thread_time() - started < 5
    assert "10000" in error.message
    assert error.where.startswith("file.yaml:")


def test_aliases_within_the_limit_are_written_out() -> None:
    value = read_text("a: &x {k: [1, 2]}\nb: *x\nc: [*x, *x]", name="f").value
    assert value == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": [{"k": [1, 2]}] * 2}


def test_a_long_list_without_aliases_is_no_bomb() -> None:
    assert len(read_text("[" + "1, " * 20_000 + "1]", name="f").value) == 20_001


def test_an_alias_may_not_contain_itself() -> None:
    assert "no anchor" in refused("a: &a [1, *a]").message


def test_nesting_of_fifty_is_read_and_of_fifty_one_is_not() -> None:
    read_text("[" * 50 + "]" * 50, name="f")
    assert "50 levels" in refused("[" * 51 + "]" * 51).message


def test_a_million_open_brackets_are_refused_quickly() -> None:
    started = time.thread_time()
    refused("[" * 1_000_000)
    assert time.thread_time() - started < 10


def test_a_file_over_a_megabyte_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * 1_048_577)
    with pytest.raises(BadContent, match="1048576"):
        read_file(path, name="big.yaml")


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system [id]", "!foo 1", "!!set {a}", "!!binary aGk=", "!!python/name:os"],
)
def test_object_tags_are_refused_with_their_line(tag: str) -> None:
    error = refused(f"a: 1\nb: {tag}")
    assert error.where == "file.yaml:2"
    assert "not allowed" in error.message


def test_a_number_of_endless_groups_is_refused_quickly() -> None:
    started = time.thread_time()
    refused("a: 1" + ":59" * 300_000)
    assert time.thread_time() - started < 10


def test_merges_are_made_with_the_own_keys_on_top() -> None:
    text = (
        "base: &b {x: 1, y: 2}\nmore: &m {x: 7, z: 3}\n"
        "one: {<<: *b, y: 5}\ntwo: {<<: [*b, *m]}\nthree: {'<<': 4}"
    )
    value = read_text(text, name="f").value
    assert value == yaml.safe_load(text)
    assert value["one"] == {"x": 1, "y": 5}
    assert value["two"] == {"x": 1, "y": 2, "z": 3}


def test_of_a_repeated_key_the_last_counts_and_its_line_is_told() -> None:
    document = read_text("a: 1\nb: 2\na: 3\n", name="f")
    assert document.value == {"a": 3, "b": 2}
    assert document.duplicates == ((3, "a"),)


def test_an_unquoted_template_is_refused_with_advice() -> None:
    error = refused("ok: 1\ncmd: {{ name }}\n")
    assert error.where == "file.yaml:2"
    assert "quotes" in error.hint


def test_a_tab_is_named_in_the_hint() -> None:
    error = refused("a:\n\tb: 1\n")
    assert error.where == "file.yaml:2"
    assert "tabs" in error.hint


def test_a_second_document_is_refused() -> None:
    assert refused("a: 1\n---\nb: 2\n").where == "file.yaml:2"


def test_a_date_that_is_none_is_refused_with_its_line() -> None:
    assert refused("a: 1\nb: 2020-13-45\n").where == "file.yaml:2"


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(BadContent) as caught:
        read_file(path, name="latin.yaml")
    assert caught.value.where == "latin.yaml:2"


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "dos.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\r\nenabled: true\r\n")
    assert read_file(path, name="dos.yaml")[1].value == {"name": "x", "enabled": True}


def test_an_empty_file_is_nothing() -> None:
    assert read_text("", name="f").value is None
    assert read_text("# only a comment\n", name="f").value is None


@pytest.mark.parametrize(
    "word",
    [
        *("yes", "No", "on", "OFF", "~", "null", "", "y", "n", "<<", "-"),
        *("012", "0x1F", "0b11", "1_000", "12:30", "1.5", "1e5", ".inf", "1.", "+1", "-0o7", "v1", "1.2.3"),
        *("2020-01-02", "2020-01-02 03:04:05", "2020-01-02T03:04:05Z"),
    ],
)
def test_plain_words_mean_what_they_mean_in_yaml_1_1(word: str) -> None:
    if word in ("<<", "-"):
        assert plain_value(word) == word
    else:
        assert plain_value(word) == yaml.safe_load(word)


def test_a_lone_equals_sign_is_text() -> None:
    assert read_text("a: =", name="f").value == {"a": "="}


def test_the_line_of_a_nested_key_is_found() -> None:
    text = "a:\n  b:\n    - x: 1\n    - y: 2\nc: 3\n"
    assert line_of(text, ("a", "b", 1, "y")) == 4
    assert line_of(text, ("c",)) == 5
    assert line_of(text, ("a", "nowhere", "deep")) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(_JSON)
def test_whatever_the_safe_dumper_writes_is_read_back(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    assert read_text(text, name="f").value == yaml.safe_load(text)
