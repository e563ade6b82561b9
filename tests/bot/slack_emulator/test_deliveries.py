"""Deliveries over sockets: acknowledged, sent again, doubled, in another order; and sockets that end."""

from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.switches import Timing
from tests.bot.slack_emulator.bolt import Bolt

QUICK = Timing(ack_s=0.5, retries_s=(0.0, 0.2, 0.2), refresh_s=0.2)


class Heard:
    """An app that writes down the texts that it hears."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.bodies: list[dict[str, Any]] = []

    def listen(self, app: AsyncApp) -> None:
        @app.event("message")
        async def hear(event: dict[str, Any], body: dict[str, Any]) -> None:
            self.texts.append(event["text"])
            self.bodies.append(body)

        @app.event("user_change")
        async def changed() -> None:
            self.texts.append("somebody changed")


def test_what_is_said_while_nobody_listens_comes_when_a_socket_is_there(slack: Emulator) -> None:
    heard = Heard()
    slack.say("ada", "ops", "early")
    with Bolt(slack, heard.listen):
        slack.wait_for(lambda: heard.texts == ["early"])


def test_a_lost_acknowledgement_brings_the_event_again_under_its_id() -> None:
    heard = Heard()
    with Emulator(timing=QUICK) as slack:
        slack.add_user("ada")
        slack.add_channel("ops")
        with Bolt(slack, heard.listen):
            slack.trouble.lose_acknowledgements(1)
            slack.say("ada", "ops", "hello")
            slack.wait_for(lambda: slack.deliveries("message")[0].is_acknowledged)
            slack.wait_for(lambda: len(heard.texts) >= 2)
            assert len(slack.deliveries("message")[0].attempts) >= 2
    assert heard.bodies[0]["event_id"] == heard.bodies[1]["event_id"]


def test_an_event_is_given_up_after_three_repetitions() -> None:
    with Emulator(timing=QUICK) as slack:
        slack.add_user("ada")
        slack.add_channel("ops")
        with Bolt(slack, Heard().listen):
            slack.trouble.lose_acknowledgements(10)
            slack.say("ada", "ops", "hello")
            slack.wait_for(lambda: slack.deliveries("message")[0].is_lost)
            assert len(slack.deliveries("message")[0].attempts) == 4


def test_a_command_that_nobody_acknowledges_is_not_repeated_and_the_person_sees_it() -> None:
    with Emulator(timing=QUICK) as slack:
        slack.add_user("ada")
        slack.add_channel("ops")
        told = slack.command("ada", "ops", "/storm")
        assert told.is_lost
        assert len(told.attempts) == 1
        assert "operation_timeout" in slack.ephemerals("ada")[0].text


def test_a_delivery_may_come_twice_at_once(slack: Emulator) -> None:
    heard = Heard()
    with Bolt(slack, heard.listen, count=2):
        slack.trouble.duplicate(1)
        slack.say("ada", "ops", "hello")
        slack.wait_for(lambda: len(heard.texts) >= 2)
        assert heard.bodies[0]["event_id"] == heard.bodies[1]["event_id"]


def test_deliveries_may_come_in_another_order(slack: Emulator) -> None:
    heard = Heard()
    with Bolt(slack, heard.listen):
        slack.say("ada", "ops", "zero")
        slack.wait_for(lambda: heard.texts == ["zero"])
        slack.trouble.reorder(2)
        slack.say("ada", "ops", "first")
        slack.say("ada", "ops", "second")
        slack.wait_for(lambda: heard.texts == ["zero", "second", "first"])


def test_a_refreshed_socket_is_replaced_and_nothing_is_lost() -> None:
    heard = Heard()
    with Emulator(timing=QUICK) as slack:
        slack.add_user("ada")
        slack.add_channel("ops")
        with Bolt(slack, heard.listen):
            assert slack.trouble.refresh_sockets() == 1
            slack.say("ada", "ops", "hello")
            slack.wait_for(lambda: heard.texts == ["hello"])


def test_sockets_that_are_closed_or_reset_come_back(slack: Emulator) -> None:
    heard = Heard()
    with Bolt(slack, heard.listen, count=2):
        assert slack.trouble.close_sockets(1) == 1
        slack.say("ada", "ops", "one")
        slack.wait_for(lambda: "one" in heard.texts)
        slack.wait_for(lambda: slack.socket_count == 2)
        assert slack.trouble.reset_sockets(1) == 1
        slack.say("ada", "ops", "two")
        slack.wait_for(lambda: "two" in heard.texts)


def test_a_deaf_socket_loses_what_it_carries_and_the_event_comes_again_by_another() -> None:
    heard = Heard()
    with Emulator(timing=Timing(ack_s=0.5, retries_s=(0.1,) * 20)) as slack:
        slack.add_user("ada")
        slack.add_channel("ops")
        with Bolt(slack, heard.listen, count=2):
            slack.trouble.deafen_sockets(1)
            for number in range(4):
                slack.say("ada", "ops", str(number))
            slack.wait_for(lambda: set(heard.texts) == {"0", "1", "2", "3"})


async def first_frame(slack: Emulator) -> dict[str, Any]:
    """What one more connection hears first."""
    web = AsyncWebClient(token=slack.app_token, base_url=slack.url)
    opened = await web.apps_connections_open(app_token=slack.app_token)
    async with aiohttp.ClientSession() as session, session.ws_connect(opened["url"]) as ws:
        return dict(await ws.receive_json())


def test_an_eleventh_socket_is_turned_away(slack: Emulator) -> None:
    with Bolt(slack, count=10) as bolt:
        assert bolt.run(first_frame(slack)) == {"type": "disconnect", "reason": "too_many_websockets"}
        assert slack.socket_count == 10


def test_a_renamed_person_is_announced(slack: Emulator) -> None:
    heard = Heard()
    with Bolt(slack, heard.listen):
        slack.rename("ada", "ada2")
        slack.wait_for(lambda: heard.texts == ["somebody changed"])


def test_a_socket_that_is_reset_under_a_delivery_is_followed_by_another() -> None:
    heard = Heard()
    with Emulator(timing=QUICK) as slack:
        slack.add_user("ada")
        slack.add_channel("ops")
        with Bolt(slack, heard.listen, count=2):
            slack.trouble.cut_deliveries(1)
            slack.say("ada", "ops", "hello")
            slack.wait_for(lambda: slack.deliveries("message")[0].is_acknowledged)
            slack.wait_for(lambda: "hello" in heard.texts)


def test_a_connection_without_a_hello_is_no_connection(slack: Emulator) -> None:
    slack.trouble.spoil_hello("close")
    with Bolt(slack, Heard().listen, count=2):
        assert slack.socket_count >= 1


def test_a_workspace_may_have_an_app_of_its_own(slack: Emulator) -> None:
    acme = slack.add_team("Acme", has_own_app=True)
    slack.add_user("amy", team=acme)
    slack.add_channel("acme-ops", team=acme)
    ours, theirs = Heard(), Heard()
    with Bolt(slack, ours.listen), Bolt(slack, theirs.listen, team=acme):
        slack.say("ada", "ops", "ours")
        slack.say("amy", "acme-ops", "theirs")
        slack.wait_for(lambda: ours.texts == ["ours"])
        slack.wait_for(lambda: theirs.texts == ["theirs"])
    assert theirs.bodies[0]["team_id"] == acme
    assert theirs.bodies[0]["api_app_id"] == slack.app_of(acme).id != slack.app_id
