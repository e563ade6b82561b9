"""The alert board over the API."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.alerts.normalise import normalise
from engine.records.trigger import Event
from tests.engine.alerts import samples
from tests.engine.api.running import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("alerts")) as made:
        yield made


def fire(server: Running, **labels: Any) -> Any:
    """The document of a new alert."""
    (alert,) = normalise("alertmanager", samples.alertmanager(**labels), {})
    server.engine.emit(Event(trigger="alerts.alert", payload=alert.payload()))
    return server.get("/alerts?limit=1").json()[0]


def test_alerts_are_listed_newest_first(server: Running) -> None:
    fire(server, instance="one")
    fire(server, instance="two")
    answer = server.get("/alerts")
    assert [alert["labels"]["instance"] for alert in answer.json()[:2]] == ["two", "one"]
    assert int(answer.headers["X-Total-Count"]) >= 2


def test_one_alert_is_read_by_id_or_its_end(server: Running) -> None:
    made = fire(server, instance="three")
    assert server.get(f"/alerts/{made['id'][-6:]}").json() == server.get(f"/v1/alerts/{made['id']}").json()
    assert server.get("/alerts/ffffffffffff").status_code == 404


def test_an_alert_is_acknowledged_by_the_requester(server: Running) -> None:
    made = fire(server, instance="four")
    answer = server.post(f"/alerts/{made['id']}/ack", {})
    assert (answer.json()["status"], answer.json()["acked_by"]) == ("acked", "admin")


def test_an_alert_is_silenced_for_a_while(server: Running) -> None:
    made = fire(server, instance="five")
    answer = server.post(f"/alerts/{made['id']}/silence", {"for": "2h"}).json()
    assert answer["silenced_by"] == "admin"
    assert "silenced_until" not in server.post(f"/alerts/{made['id']}/unsilence", {}).json()
    assert server.post(f"/alerts/{made['id']}/silence", {"for": "soon"}).status_code == 400


def test_what_is_resolved_leaves_the_list(server: Running) -> None:
    made = fire(server, instance="six")
    assert server.post(f"/alerts/{made['id']}/resolve", {}).json()["status"] == "resolved"
    assert made["id"] not in [alert["id"] for alert in server.get("/alerts").json()]
    assert made["id"] in [alert["id"] for alert in server.get("/alerts?all=true").json()]
    assert server.post(f"/alerts/{made['id']}/ack", {}).status_code == 400


def test_nobody_unknown_sees_the_board(server: Running) -> None:
    assert server.ask("GET", "/alerts", key="").status_code == 401
