"""Secrets do not appear: by schema, by value, and across the pieces of a stream."""

import base64
import html
import json
import shlex
import threading
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.expressions.masking import MASK, ValueMasker, is_secret_at, leaves, mask_result
from engine.specs.action import ActionSpec

# The machine may be busy: only the answer counts.
UNTIMED = settings(deadline=None, max_examples=60)

# Stars apart, because the mask is made of them.
TEXTS = st.text(st.characters(blacklist_characters="*", blacklist_categories=["Cs"]), max_size=30)
SECRETS = st.text(
    st.characters(blacklist_characters="*", blacklist_categories=["Cs"]), min_size=6, max_size=20
)


def forms(secret: str) -> list[str]:
    data = secret.encode()
    return [
        secret,
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
        quote(secret, safe=""),
        quote_plus(secret),
        quote_plus(secret).lower() if secret.islower() else quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
        json.dumps({"answer": json.dumps({"token": secret})}),
        shlex.quote(secret),
        html.escape(secret),
        repr(secret),
        repr(data),
        data.hex(),
        data.hex().upper(),
    ]


@UNTIMED
@given(SECRETS, TEXTS, TEXTS)
def test_a_secret_is_hidden_in_every_spelling(secret: str, before: str, after: str) -> None:
    masker = ValueMasker([secret])
    for form in forms(secret):
        assert secret not in masker.text(form)
        assert form not in masker.text(f"{before} {form} {after}") or form in MASK


@UNTIMED
@given(st.lists(SECRETS, min_size=1, max_size=3), st.lists(TEXTS | SECRETS, max_size=8), st.data())
@example(["secret", "secretlonger"], ["secre", "tlong", "x"], None)
def test_a_stream_gives_what_the_whole_text_gives(secrets: list[str], parts: list[str], data: Any) -> None:
    if data is not None:
        parts = [*parts, *data.draw(st.lists(st.sampled_from(secrets), max_size=3))]
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=10))) if data else [5, 10]
    masker = ValueMasker(secrets)
    stream = masker.stream()
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    streamed = "".join(stream.feed(piece) for piece in pieces) + stream.flush()
    assert streamed == masker.text(text)
    for secret in secrets:
        assert secret not in streamed


def test_a_stream_holds_back_only_what_may_be_a_secret() -> None:
    stream = ValueMasker(["hunter2"]).stream()
    assert stream.feed("line one\n") == "line one\n"
    assert stream.feed("it is hunt") == "it is "
    assert stream.feed("ing\n") == "hunting\n"
    assert stream.feed("hunter2\n") == MASK + "\n"


def test_a_stream_without_secrets_passes_everything_on() -> None:
    stream = ValueMasker([]).stream()
    assert stream.feed("x") + stream.flush() == "x"


def test_basic_authentication_is_hidden() -> None:
    header = base64.b64encode(b"admin:correct horse").decode()
    shown = ValueMasker(["correct horse"]).text(f"Authorization: Basic {header}")
    assert MASK in shown
    assert b"rrect hors" not in base64.b64decode(shown.split()[-1].replace("*", "A") + "===")


def test_lines_of_a_key_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\n" + "A1b2" * 10 + "\n" + "C3d4" * 10 + "\n-----END KEY-----\n"
    masker = ValueMasker([key])
    assert masker.text("C3d4" * 10) == MASK
    assert masker.text("-----BEGIN KEY-----") == "-----BEGIN KEY-----"


def test_short_secrets_are_hidden_as_whole_values_only() -> None:
    masker = ValueMasker(["abc", "4711", ""])
    assert masker.value({"a": "abc", "n": 4711, "t": "xabcx", "list": ["abc", True, None, ""]}) == {
        "a": MASK,
        "n": MASK,
        "t": "xabcx",
        "list": [MASK, True, None, ""],
    }
    assert masker.text("abc") == "abc"


def test_keys_are_masked_too() -> None:
    assert ValueMasker(["hunter2"]).value({"x hunter2": [{"k": "hunter2!"}]}) == {
        f"x {MASK}": [{"k": f"{MASK}!"}]
    }


def test_masking_much_text_takes_linear_time() -> None:
    masker = ValueMasker(["a" * 19 + "b", "hunter2"])
    assert masker.text("a" * 1_000_000) == "a" * 1_000_000
    stream = masker.stream()
    assert sum(len(stream.feed("a" * 1000)) for _ in range(1000)) + len(stream.flush()) == 1_000_000


def action(output_schema: Any) -> ActionSpec:
    return ActionSpec(pack="p", name="a", runner_type="python-script", output_schema=output_schema)


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"t": {"type": "string", "secret": True}},
            "additionalProperties": True,
        },
        {"t": {"type": "string", "secret": True}},
    ],
)
def test_results_are_masked_by_the_output_schema(schema: Any) -> None:
    result = {"result": {"t": "x", "u": 1}, "stdout": "x"}
    masked = mask_result(result, action(schema), "result")
    assert masked == {"result": {"t": MASK, "u": 1}, "stdout": "x"}
    assert result["result"] == {"t": "x", "u": 1}


def test_output_schemas_reach_into_lists_and_patterns() -> None:
    schema = {
        "type": "object",
        "properties": {"xs": {"type": "array", "items": {"properties": {"k": {"secret": True}}}}},
        "patternProperties": {"^tok": {"secret": True}},
        "additionalProperties": {"properties": {"deep": {"secret": True}}},
    }
    masked = mask_result(
        {"result": {"xs": [{"k": 1, "l": 2}], "token": "t", "other": {"deep": "d", "n": 1}}},
        action(schema),
        "result",
    )
    assert masked == {"result": {"xs": [{"k": MASK, "l": 2}], "token": MASK, "other": {"deep": MASK, "n": 1}}}


@pytest.mark.parametrize("result", [{"error": "x"}, None, "text", []])
def test_results_of_another_shape_are_left_alone(result: Any) -> None:
    assert mask_result(result, action({"t": {"secret": True}}), "result") == result


@UNTIMED
@given(st.lists(SECRETS, min_size=1, max_size=3), st.lists(TEXTS | SECRETS, max_size=6), st.data())
def test_a_stream_hides_every_encoding_over_every_border(
    secrets: list[str], parts: list[str], data: st.DataObject
) -> None:
    spelled = [form for secret in secrets for form in forms(secret)]
    text = "".join(
        data.draw(st.permutations([*parts, *data.draw(st.lists(st.sampled_from(spelled), max_size=4))]))
    )
    size = data.draw(st.integers(1, 7))
    masker = ValueMasker(secrets)
    stream = masker.stream()
    streamed = "".join(stream.feed(text[start : start + size]) for start in range(0, len(text), size))
    assert streamed + stream.flush() == masker.text(text)


@UNTIMED
@given(SECRETS, SECRETS, TEXTS)
def test_what_is_learned_later_is_hidden_from_then_on(first: str, second: str, between: str) -> None:
    masker = ValueMasker([first])
    stream = masker.stream()
    begun = stream.feed(f"{first}{between}")
    masker.learn([second])
    rest = "".join(stream.feed(character) for character in f"\n{second}\n{first}\n") + stream.flush()
    assert first not in begun + rest
    assert second not in rest
    assert masker.value({"a": [second]}) == {"a": [MASK]}


@UNTIMED
@given(
    st.recursive(
        SECRETS | st.integers() | st.none(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
        max_leaves=8,
    )
)
def test_every_text_of_a_value_is_hidden(value: Any) -> None:
    secrets = [leaf for leaf in leaves(value) if len(leaf) >= 6]
    shown = json.dumps(ValueMasker(secrets).value(value), ensure_ascii=False)
    assert [secret for secret in secrets if json.dumps(secret, ensure_ascii=False)[1:-1] in shown] == []


def test_many_threads_may_teach_one_masker() -> None:
    masker = ValueMasker()
    secrets = [f"secret-{number:04}" for number in range(200)]
    threads = [
        threading.Thread(target=masker.learn, args=(secrets[start : start + 20],))
        for start in range(0, 200, 20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert masker.text(" ".join(secrets)) == " ".join([MASK] * 200)


@pytest.mark.parametrize(
    ("path", "is_secret"),
    [
        (("a",), False),
        (("b",), True),
        (("b", "x"), True),
        (("c",), True),
        (("c", 0), True),
        (("d", "e"), False),
    ],
)
def test_the_place_of_a_secret_is_known(path: tuple[str | int, ...], is_secret: bool) -> None:
    schema = {
        "properties": {
            "a": {"type": "string"},
            "b": {"secret": True},
            "c": {"items": {"properties": {"k": {"secret": True}}}},
        }
    }
    assert is_secret_at(schema, path) is is_secret
