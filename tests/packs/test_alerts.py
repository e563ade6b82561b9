"""The pack `alerts` in the chat: one message per alert, and the words that handle it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.alerts.normalise import normalise
from engine.records.trigger import Event
from tests.bot.conftest import House, make_settings, text_of
from tests.engine.alerts import samples


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(make_settings(tmp_path_factory.mktemp("house")))
    try:
        yield made
    finally:
        made.stop()


def fire(house: House, status: str = "firing", **labels: Any) -> None:
    body = samples.alertmanager(status, **labels)
    for alert in normalise("alertmanager", body, {}, channel="alerts"):
        house.engine.emit(Event(trigger="alerts.alert", payload=alert.payload()))


def card(house: House, instance: str) -> dict[str, Any]:
    """The one message of an alert, when it is there."""

    def found() -> list[dict[str, Any]]:
        return [
            one for one in house.messages("alerts") if instance in text_of(one["body"]) and not one["thread"]
        ]

    house.wait_for(lambda: bool(found()))
    (message,) = found()
    return message


def word(house: House, instance: str) -> str:
    (button,) = [one for one in card(house, instance)["body"]["buttons"] if one["label"] == "Details"]
    return str(button["command"]).rpartition(" ")[2]


def test_an_alert_is_acknowledged_with_its_button(house: House) -> None:
    fire(house, instance="ack1")
    (ack,) = [one for one in card(house, "ack1")["body"]["buttons"] if one["label"] == "Ack"]
    assert "acknowledged by" in text_of(house.ask(ack["command"]))
    house.wait_for(lambda: "acknowledged by" in text_of(card(house, "ack1")["body"]))


def test_an_alert_is_silenced_and_heard_again(house: House) -> None:
    fire(house, instance="quiet1")
    ending = word(house, "quiet1")
    assert "silent for 1h" in text_of(house.ask(f"alert silence {ending}"))
    house.wait_for(lambda: "silenced" in text_of(card(house, "quiet1")["body"]))
    assert "heard again" in text_of(house.ask(f"alert unsilence {ending}"))


def test_alerts_are_listed_and_shown(house: House) -> None:
    fire(house, instance="shown1")
    assert "shown1" in text_of(house.ask("alert list"))
    assert "runbook: http://rb/disk" in text_of(house.ask(f"alert show {word(house, 'shown1')}"))


def test_what_cannot_be_done_says_why(house: House) -> None:
    assert 'There is no alert "abcdef"' in text_of(house.ask("alert ack abcdef"))


def test_a_resolved_alert_is_the_same_message(house: House) -> None:
    fire(house, instance="done1")
    before = card(house, "done1")
    fire(house, "resolved", instance="done1")
    house.wait_for(lambda: "✅" in text_of(card(house, "done1")["body"]))
    assert card(house, "done1")["id"] == before["id"]


def test_a_diagnosis_that_an_alert_starts_stands_in_its_thread(house: House) -> None:
    document = {
        "name": "diagnose",
        "enabled": True,
        "trigger": {"type": "alerts.alert"},
        "criteria": {"trigger.labels.instance": {"type": "equals", "pattern": "sick1"}},
        "action": {"ref": "examples.diagnose", "parameters": {"section": "load"}},
    }
    house.engine.stored.put("rule", document, user="admin")
    fire(house, instance="sick1")
    root = card(house, "sick1")["id"]

    def answers() -> list[dict[str, Any]]:
        return [one for one in house.messages("alerts") if one["thread"] == root]

    house.wait_for(lambda: bool(answers()), timeout_s=60)
    assert "Load" in text_of(answers()[0]["body"])


def test_texts_of_an_alert_are_no_templates_and_no_markup(house: House) -> None:
    fire(house, instance="evil1", name="{{ st2kv.system.x }} <script>")
    assert "{{ st2kv.system.x }} <script>" in text_of(card(house, "evil1")["body"])


def test_the_routes_of_the_configuration_are_in_force(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "alerts.yaml").write_text(
        "routes:\n  - match: {severity: critical}\n    channel: '#pages'\nstorm_limit: 2\n", encoding="utf-8"
    )
    house = House(settings)
    try:
        assert house.engine.alerts.routing.storm_limit == 2
        fire(house, instance="routed1")
        house.wait_for(lambda: bool(house.messages("pages")))
    finally:
        house.stop()
