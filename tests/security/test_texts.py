"""What people and actions write is data: never a template, never a log line, never a traceback."""

import pytest

from tests.durability.server import Server, text_of

TEMPLATES = (
    "{{7*7}}",
    "{{ st2kv.system.word | decrypt_kv }}",
    "{% raw %}{{7*7}}{% endraw %}",
    "{% for x in range(3) %}x{% endfor %}",
    "<% $.words %>",
    "{# hidden #} shown",
    "{{ ''.__class__.__mro__ }}",
    "{~}",
)
FORGED = "2026-01-01 00:00:00,000 ERROR   engine.service: forged"


@pytest.mark.parametrize("text", TEMPLATES)
def test_template_text_from_the_api_stays_text(server: Server, text: str) -> None:
    execution = server.run("hostile.say", words=text)
    assert execution["status"] == "succeeded"
    assert execution["result"]["stdout"] == text
    assert execution["parameters"]["words"] == text
    stored = server.get(f"/executions/{execution['id']}")
    assert stored["parameters"]["words"] == text


@pytest.mark.parametrize("text", TEMPLATES[:-1])
def test_template_text_in_chat_stays_text_in_parameters_and_answer(server: Server, text: str) -> None:
    body = server.answer(f"say '{text}'" if "=" in text else f"say {text}")
    execution = server.get(f"/executions/{body['execution_id']}")
    assert execution["parameters"]["words"] == text
    assert text in text_of(body)
    assert "49" not in text_of(body)


def test_template_text_in_an_acknowledgement_stays_text(server: Server) -> None:
    response = server.ask(
        "POST",
        "/aliasexecution/match_and_execute",
        json={"command": "say {{7*7}}", "user": "", "source_channel": "cli"},
    )
    assert response.status_code in (200, 201)
    (started,) = response.json()["results"]
    assert started["message"] == "saying {{7*7}}"


def test_template_text_that_an_action_prints_stays_text(server: Server) -> None:
    body = server.answer("sh echo '{''{7*7}''}' '{''% raw %''}' end")
    assert "{{7*7}} {% raw %}" in text_of(body)
    again = server.answer(f"rerun {body['execution_id']}")
    assert "{{7*7}} {% raw %}" in text_of(again)


def test_template_text_in_a_rerun_stays_text(server: Server) -> None:
    execution = server.run("hostile.say", words="{{7*7}}")
    response = server.ask("POST", f"/executions/{execution['id']}/re_run", json={"parameters": {}})
    assert server.ended(response.json()["id"])["result"]["stdout"] == "{{7*7}}"


def test_what_the_pack_wrote_is_rendered_with_the_data_as_data(server: Server) -> None:
    execution = server.run("hostile.say", words="{{7*7}} low", which=2)
    assert execution["result"]["stdout"] == "{{7*7}} LOW"


@pytest.mark.parametrize(
    "text",
    [f"nothing\n{FORGED}", f"nothing\r{FORGED}", f"nothing\u2028{FORGED}", "nothing\x1b]0;title\x07\x1b[31m"],
)
def test_chat_text_forges_no_log_line(server: Server, text: str) -> None:
    server.say(text, channel="quiet")
    server.say(f"say {text}", channel="quiet", name=f"eve {text}"[:40])
    server.ask("GET", f"/executions/{FORGED}", headers={"User-Agent": "eve"})
    log = server.log_text
    assert not any(line.startswith(FORGED[:30]) for line in log.splitlines())
    assert "\x1b" not in log
    assert "\x07" not in log


def test_a_name_with_control_characters_is_shown_without_them(server: Server) -> None:
    server.say("hello", channel="names", name="eve\x1b[31m\nadmin", direct=False)
    (message,) = server.messages("names")
    assert message["author"] == "admin"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/executions/nothing", None),
        ("GET", "/executions?limit=many", None),
        ("GET", "/actions/no.such", None),
        ("POST", "/executions", {"action": 5}),
        ("POST", "/executions", {"action": "hostile.say", "parameters": {"words": ["a"]}}),
        ("POST", "/executions", {"action": "hostile.say", "parameters": "none"}),
        ("POST", "/executions", {"action": "hostile.say", "parameters": {"no_such": 1}}),
        ("POST", "/executions", []),
        ("POST", "/actionalias/match", {"command": None}),
        ("POST", "/aliasexecution", {"name": "say"}),
        ("PUT", "/keys/x", {"name": "x", "value": {"a": 1}}),
        ("POST", "/chat/messages", {"channel": "../x", "text": "a", "delivery_key": "12345678"}),
        ("POST", "/chat/messages", {"channel": "ops", "text": 7, "delivery_key": "12345678"}),
    ],
)
def test_a_wrong_request_is_refused_in_words(server: Server, method: str, path: str, body: object) -> None:
    response = server.ask(method, path, **({} if body is None else {"json": body}))
    assert 400 <= response.status_code < 500, response.text
    assert "Traceback" not in response.text
    assert 'File "' not in response.text


@pytest.mark.parametrize(
    "text", ["\ud83d", "a\x00b", "\u202eevil", "x" * 9000, "say " + "\x00" * 20, "say \ud800"]
)
def test_odd_chat_text_is_answered_or_refused(server: Server, text: str) -> None:
    response = server.post_message(text)
    assert response.status_code in (201, 400), response.text
    assert "Traceback" not in response.text
    assert server.answer("say still here")["status"] == "succeeded"


def test_an_error_in_chat_is_one_message_without_a_traceback(server: Server) -> None:
    for text in ("login", "status ffffff", "cancel ffffff", "no such words", "sh a b=c sudo=true"):
        body = server.answer(text)
        assert "Traceback" not in str(body)
        assert 'File "' not in str(body)


def test_the_log_of_all_this_holds_no_traceback(server: Server) -> None:
    assert "Traceback" not in server.log_text
