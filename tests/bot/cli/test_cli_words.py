"""Words of the command line become parameters; nothing runs."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.cli.exits import Code, CommandError
from bot.cli.given import parameters_from, seconds
from bot.cli.output import duration, local_time, result_text, table

SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "count": {"type": "integer"},
    "share": {"type": "number"},
    "force": {"type": "boolean"},
    "hosts": {"type": "array"},
    "env": {"type": "object"},
    "cmd": {"type": "string"},
}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("text=5", "5"),
        ("text=", ""),
        ("text=a=b", "a=b"),
        ("count=5", 5),
        ("share=0.5", 0.5),
        ("force=true", True),
        ("force=No", False),
        ("hosts=a, b", ["a", "b"]),
        ('hosts=["a,b"]', ["a,b"]),
        ("hosts=", []),
        ("env=a=1,b=2", {"a": "1", "b": "2"}),
        ('env={"a": 1}', {"a": 1}),
        ("unknown=5", "5"),
    ],
)
def test_a_value_is_read_by_the_declared_type(word: str, value: object) -> None:
    assert list(parameters_from([word], SCHEMAS).values()) == [value]


@pytest.mark.parametrize("word", ["count=x", "share=x", "force=perhaps", "hosts=[1", "env=a", "env={1}"])
def test_a_value_of_the_wrong_type_is_refused(word: str) -> None:
    with pytest.raises(CommandError) as caught:
        parameters_from([word], SCHEMAS)
    assert caught.value.code is Code.WRONG


def test_bare_words_are_the_command() -> None:
    assert parameters_from(["ls", "-l", "count=1"], SCHEMAS) == {"cmd": "ls -l", "count": 1}


def test_bare_words_are_refused_without_a_parameter_cmd() -> None:
    with pytest.raises(CommandError):
        parameters_from(["ls"], {"text": {"type": "string"}})


def test_a_value_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "body").write_text("two\nlines")
    assert parameters_from([f"@text={tmp_path / 'body'}"], SCHEMAS) == {"text": "two\nlines"}
    with pytest.raises(CommandError):
        parameters_from([f"@text={tmp_path / 'none'}"], SCHEMAS)


@pytest.mark.parametrize(("text", "value"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)])
def test_times_have_units(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "m", "soon", "0", "-5s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        seconds(text)


def test_times_are_local_and_short() -> None:
    now = datetime.fromisoformat("2026-11-22T18:00:00+00:00").astimezone()
    stamp = "2026-11-22T17:59:58.000000Z"
    assert local_time(stamp, now=now) == datetime.fromisoformat(stamp).astimezone().strftime("%H:%M:%S")
    assert len(local_time("2026-03-05T17:59:58.000000Z", now=now)) == len("Mar 05 17:59")
    assert local_time("2024-03-05T12:00:00.000000Z", now=now) == "2024-03-05"
    assert local_time(None) == ""


def test_durations_grow_in_unit() -> None:
    assert [duration(s) for s in (None, 0.44, 75, 7300)] == ["", "0.4 s", "1 min 15 s", "2 h 1 min"]


def test_the_result_of_a_command_is_what_it_printed() -> None:
    assert result_text({"stdout": "out\n", "stderr": "err", "return_code": 0}) == "out\nerr"
    assert result_text({"result": {"a": 1}, "stdout": "", "exit_code": 0}) == '{\n  "a": 1\n}'
    assert result_text({"result": "None", "stdout": "", "stderr": "Traceback", "exit_code": 1}) == "Traceback"
    assert result_text("text") == "text"
    assert result_text(None) == ""


def test_a_table_fits_80_columns_and_keeps_ids_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table(("id", "action", "status"), [("5" * 24, "pack." + "x" * 90, "succeeded")], whole=("id", "status"))
    header, line = capsys.readouterr().out.splitlines()
    assert len(line) <= 80
    assert line.startswith("5" * 24)
    assert line.endswith("…  succeeded")
    assert header.split() == ["ID", "ACTION", "STATUS"]


def test_a_table_shows_line_breaks_as_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    table(("a",), [("two\nlines",)])
    assert capsys.readouterr().out.splitlines()[1] == "two lines"
