"""Results without a template are shown by their shape."""

from bot.chat import Code, Table, Text
from bot.results import cut_pieces, pieces_of_result


def test_output_of_one_line_is_words_and_of_many_is_code() -> None:
    base = {"succeeded": True, "failed": False, "return_code": 0, "stderr": ""}
    assert pieces_of_result({**base, "stdout": "hello"}) == (Text(text="hello"),)
    assert pieces_of_result({**base, "stdout": "a\nb"}) == (Code(text="a\nb"),)


def test_errors_and_exit_codes_are_named() -> None:
    found = pieces_of_result({"stdout": "", "stderr": "no such file", "return_code": 2})
    assert found == (Code(text="no such file", title="stderr"), Text(text="return code 2"))


def test_hosts_are_shown_one_under_the_other() -> None:
    result = {
        "db1": {"stdout": "a\nb", "stderr": "", "return_code": 0, "succeeded": True},
        "db2": {"error": "no route", "succeeded": False},
    }
    assert pieces_of_result(result) == (
        Code(text="a\nb", title="db1"),
        Text(text="db2"),
        Text(text="no route"),
    )


def test_a_result_of_another_shape_is_json() -> None:
    assert pieces_of_result([1, {"a": 2}]) == (Code(text='[\n  1,\n  {\n    "a": 2\n  }\n]'),)


def test_nothing_said_is_said() -> None:
    assert pieces_of_result(None) == (Text(text="Done; it said nothing."),)
    assert pieces_of_result({"stdout": "", "stderr": "", "return_code": 0}) == (
        Text(text="Done; it said nothing."),
    )


def test_pieces_are_cut_as_a_whole_and_lines_counted() -> None:
    pieces = (Text(text="one"), Code(text="\n".join("xxxx" for _ in range(10))), Code(text="a\nb"))
    kept, left = cut_pieces(pieces, 13)
    assert kept == (Text(text="one"), Code(text="xxxx\nxxxx"))
    assert left == 8 + 2


def test_the_result_of_a_question_is_its_decision() -> None:
    decision = {"state": "approved", "name": "ann", "reason": "it is full"}
    result = {
        "schema": {"type": "object"},
        "users": [],
        "response": {"approved": True, "pods": 3},
        "decision": decision,
    }
    said, response = pieces_of_result(result)
    assert said == Text(text="Approved by ann: it is full")
    assert isinstance(response, Code)
    assert "pods" in response.text


def test_a_list_of_objects_with_short_values_is_a_table() -> None:
    hosts = [{"host": "db1", "free": 9}, {"host": "web1", "up": True, "free": None}]
    table = Table(columns=("host", "free", "up"), rows=(("db1", "9", ""), ("web1", "", "True")))
    assert pieces_of_result(hosts) == (table,)
    assert pieces_of_result({"body": hosts, "status_code": 0}) == (table,)
    assert pieces_of_result({"output": {"hosts": hosts}}) == (Text(text="hosts"), table)


def test_what_is_too_large_or_too_deep_for_a_table_is_json() -> None:
    for rows in ([{"a": 1}] * 51, [{"a": {"b": 1}}], [{"a": "x" * 81}], [{"a": "b\nc"}], [{"a": 1}, {}]):
        (found,) = pieces_of_result(rows)
        assert isinstance(found, Code)
