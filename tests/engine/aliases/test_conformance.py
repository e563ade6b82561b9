"""The recorded answers of StackStorm's own parser."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.aliases.grammar import compile_format
from engine.errors import BadContent, EngineError, NoMatch

CONFORMANCE = Path(__file__).parents[4] / "shared" / "conformance"

# Deliberate differences: the format, and why (docs/differences.md).
_FLAG = "a flag at the start of a format holds for all of it, instead of breaking the format"
_TWICE = "a placeholder that comes twice is matched twice and the first value is kept"
DIFFERENT = {
    "(?i)Deploy {{app}}": _FLAG,
    "x {{a}} {{a}}": _TWICE,
    "(configure|cfg) between {{eastDeviceIP}} {{eastASN}} {{eastPeeringIP}} and {{eastDeviceIP}} {{eastASN}}"
    " {{eastPeeringIP}}": _TWICE,
    "(configure|cfg) interface on device {{deviceIP}}: {{intfType}} {{intfType}} {{address}}": _TWICE,
}


def recorded(file: str) -> list[dict[str, Any]]:
    path = CONFORMANCE / file
    if not path.is_file():
        pytest.skip(f"{path} is not there: the recorded cases come with the design, not with the code")
    cases: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return cases


def answer(case: dict[str, Any]) -> dict[str, Any]:
    try:
        compiled = compile_format(case["format"])
        every = case.get("match_multiple")
        return {"params": compiled.extract_all(case["text"]) if every else compiled.extract(case["text"])}
    except BadContent as error:
        return {"error": {"type": "re.error", "message": error.message}}
    except NoMatch as error:
        return {"error": {"type": "ParseException", "message": error.message}}


def test_every_case_of_the_parser_has_the_recorded_answer() -> None:
    cases = [case for case in recorded("alias-cases.json") if case["format"] not in DIFFERENT]
    wrong = [(case["id"], answer(case), case["expect"]) for case in cases if answer(case) != case["expect"]]
    assert wrong == []


def test_every_command_of_a_published_pack_has_the_recorded_answer() -> None:
    wrong = []
    for case in recorded("alias-real.json"):
        if case["format"] in DIFFERENT:
            continue
        try:
            got: Any = compile_format(case["format"]).extract(case["command"])
        except EngineError as error:
            got = error.message
        if got != case["result"]:
            wrong.append((case["format"], case["command"], got, case["result"]))
    assert wrong == []


def test_a_format_that_is_listed_as_different_really_differs() -> None:
    cases = [case for case in recorded("alias-cases.json") if case["format"] in DIFFERENT]
    assert cases
    assert all(answer(case) != case["expect"] for case in cases)


def test_a_placeholder_that_comes_twice_keeps_its_first_value() -> None:
    assert compile_format("x {{a}} {{a}}").extract("x 1 2") == {"a": "1"}


def test_a_flag_at_the_start_holds_for_the_whole_format() -> None:
    assert compile_format("(?i)Deploy {{app}}").extract("dEPLOY web") == {"app": "web"}
