"""A question in the chat: posted where it belongs, answered by button, form or words, then rewritten."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bot.asking import Person, ask, decided, now, write_questions
from tests.bot.conftest import House, make_settings, text_of


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("asking")
    write_questions(folder)
    made = House(make_settings(folder))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def people(house: House) -> Iterator[dict[str, Person]]:
    made = {user: Person(house, user) for user in ("ann", "bob", "eve", "zoe")}
    yield made
    for person in made.values():
        person.close()


def word(message: dict[str, Any]) -> str:
    return str(message["body"]["prompt"]["id"])[-6:]


def test_the_question_stands_in_the_thread_of_the_command(house: House) -> None:
    message = ask(house, "clean")
    text = text_of(message["body"])
    assert "Free 38 G on db1?" in text
    assert "rm -rf /var/log/app/*.gz" in text
    assert "digest" in text
    assert "ann, bob or lead, not admin" in text
    assert message["body"]["prompt"]["answer_with"].startswith(f"!approve {word(message)}")


def test_a_button_answers_and_the_message_is_rewritten(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "clean")
    done = people["ann"].answer(message["body"]["prompt"]["id"], button="approve", reason="disk is full")
    assert done.status_code == 200, done.text
    assert done.json()["said"].startswith("Approved by ann")
    body = decided(house, message)
    assert "Approved by ann" in text_of(body)
    assert "disk is full" in text_of(body)
    assert body["status"] == "approved"


@pytest.mark.parametrize(("verb", "wanted"), [("approve", "Approved by bob"), ("reject", "Rejected by bob")])
def test_words_answer_from_any_channel_and_are_confirmed_in_private(
    house: House, people: dict[str, Person], verb: str, wanted: str
) -> None:
    message = ask(house, "clean")
    told = people["bob"].told(f"{verb} {word(message)} not during the freeze", channel="elsewhere")
    assert told["is_private"] is True
    assert wanted in text_of(told)
    body = decided(house, message)
    assert f"{wanted}" in text_of(body)
    assert "not during the freeze" in text_of(body)


def test_who_may_not_answer_is_told_alone_and_changes_nothing(
    house: House, people: dict[str, Person]
) -> None:
    message = ask(house, "clean")
    told = people["eve"].told(f"approve {word(message)}")
    assert "You may not answer this." in text_of(told)
    assert all("may not answer" not in text_of(one["body"]) for one in house.messages("ops"))
    refused = people["eve"].answer(message["body"]["prompt"]["id"], button="approve")
    assert refused.status_code == 403
    assert now(house, message)["prompt"]


def test_who_asks_may_not_approve_and_may_take_it_back(house: House) -> None:
    message = ask(house, "clean")
    url = f"{house.url}/chat/prompts/{message['body']['prompt']['id']}/answers"
    body = {"channel": "ops", "values": {}, "button": "approve"}
    assert house.http.post(url, json=body, timeout=30).status_code == 403


def test_the_tally_of_a_quorum_is_live_and_each_person_counts_once(
    house: House, people: dict[str, Person]
) -> None:
    message = ask(house, "pair")
    prompt_id = message["body"]["prompt"]["id"]
    first = people["bob"].answer(prompt_id, button="approve")
    assert first.json()["said"] == "Counted. So far: 1/2 people."
    again = people["bob"].answer(prompt_id, button="approve")
    assert again.json()["said"] == "Counted. So far: 1/2 people."
    house.wait_for(lambda: "1/2 people" in text_of(now(house, message)))
    assert "approved by bob" in text_of(now(house, message))
    people["eve"].answer(prompt_id, button="approve")
    assert "Approved by eve" in text_of(decided(house, message))


def test_the_second_answer_is_told_who_was_first(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "clean")
    prompt_id = message["body"]["prompt"]["id"]
    people["ann"].answer(prompt_id, button="approve", reason="it is full")
    late = people["bob"].answer(prompt_id, button="reject")
    assert late.status_code == 409
    assert "Approved by ann" in late.json()["error"]
    assert "it is full" in late.json()["error"]
    assert "Approved by ann" in text_of(people["bob"].told(f"reject {word(message)}"))


def test_the_same_answer_delivered_again_is_one_answer(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "clean")
    prompt_id = message["body"]["prompt"]["id"]
    said = {people["ann"].answer(prompt_id, button="approve").json()["said"] for _ in range(4)}
    assert len(said) == 1
    told = [people["ann"].told(f"approve {word(message)}", key="same-delivery-9") for _ in range(2)]
    assert text_of(told[0]) == text_of(told[1])
    assert "Approved by ann" in text_of(told[0])


def test_of_answers_at_the_same_moment_one_wins(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "clean")
    prompt_id = message["body"]["prompt"]["id"]
    codes: list[int] = []

    def press(user: str, button: str) -> None:
        codes.append(people[user].answer(prompt_id, button=button).status_code)

    threads = [threading.Thread(target=press, args=one) for one in (("ann", "approve"), ("bob", "reject"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200, 409]


def test_a_form_is_filled_and_what_is_wrong_is_said_at_each_field(
    house: House, people: dict[str, Person]
) -> None:
    message = ask(house, "form")
    prompt_id = message["body"]["prompt"]["id"]
    wrong = people["bob"].answer(prompt_id, env="moon", pods="9", token="short")
    assert wrong.status_code == 400
    assert wrong.json()["problems"].keys() == {"version", "env", "pods", "token"}
    assert "short" not in wrong.text
    done = people["bob"].answer(prompt_id, version="1.42.0", env="prod", pods="3", token="hunter22")
    assert done.status_code == 200, done.text
    text = text_of(decided(house, message))
    assert "Answered by bob" in text
    assert "1.42.0" in text
    assert "hunter22" not in text


def test_a_form_is_answered_by_words(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "form")
    told = people["bob"].told(f"answer {word(message)} version=1.42.0 pods=many")
    assert "pods: This must be a whole number." in text_of(told)
    told = people["bob"].told(f'answer {word(message)} {{"version": "1.42.0", "pods": 2}}')
    assert "Answered by bob" in text_of(told)
    assert "1.42.0" in text_of(decided(house, message))


def test_answer_alone_says_what_is_asked(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "form")
    text = text_of(people["bob"].told(f"answer {word(message)}"))
    assert "What to deploy." in text
    assert "one of staging, prod" in text
    assert f"answer {word(message)} version=..." in text


def test_a_secret_in_words_never_stands_in_the_chat(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "form")
    people["bob"].told(f"answer {word(message)} version=1 token=hunter22")
    decided(house, message)
    people["bob"].told("answer ffffffffffff token=hunter22")
    everything = str(
        [person.messages(channel) for person in people.values() for channel in ("ops", f"@{person.user}")]
    )
    assert "hunter22" not in everything
    assert "********" in everything


def test_a_reason_that_is_needed_is_asked_for(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "open")
    without = people["zoe"].answer(message["body"]["prompt"]["id"], button="approve")
    assert without.json()["problems"] == {"reason": "This is needed."}
    assert "This is needed." in text_of(people["zoe"].told(f"approve {word(message)}"))
    people["zoe"].told(f"answer {word(message)} yes it is full")
    assert "it is full" in text_of(decided(house, message))


def test_inquiries_lists_what_waits_for_me(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "clean")

    def listed(user: str, command: str) -> str:
        message_id = people[user].say(command)
        house.wait_for(lambda: bool(house.answers(message_id)))
        return text_of(house.answers(message_id)[0]["body"])

    assert word(message) in listed("ann", "inquiries")
    assert word(message) not in listed("eve", "inquiries")
    assert word(message) in listed("eve", "inquiries all")


@pytest.mark.parametrize("button", ["", "delete", "run"])
def test_a_button_that_is_none_of_ours_is_refused(
    house: House, people: dict[str, Person], button: str
) -> None:
    message = ask(house, "clean")
    assert people["ann"].answer(message["body"]["prompt"]["id"], button=button).status_code == 400


@pytest.mark.parametrize("name", ["approved", "users", "x-quorum", "__class__"])
def test_a_forged_field_is_refused(house: House, people: dict[str, Person], name: str) -> None:
    message = ask(house, "clean")
    refused = people["ann"].answer(message["body"]["prompt"]["id"], button="reject", **{name: "yes"})
    assert refused.status_code == 400
    assert now(house, message)["prompt"]


def test_an_answer_from_another_channel_than_the_prompt_is_refused(
    house: House, people: dict[str, Person]
) -> None:
    message = ask(house, "clean")
    prompt_id = message["body"]["prompt"]["id"]
    assert people["ann"].answer(prompt_id, channel="other", button="approve").status_code == 403
    assert people["ann"].answer(prompt_id, channel="@bob", button="approve").status_code == 403
    assert now(house, message)["prompt"]


def test_a_question_in_a_direct_channel_is_for_its_owner(house: House, people: dict[str, Person]) -> None:
    message = ask(house, "open", channel="@admin")
    prompt_id = message["body"]["prompt"]["id"]
    refused = people["zoe"].answer(prompt_id, channel="@admin", button="approve", reason="x")
    assert refused.status_code == 403
    assert "in private" in text_of(people["zoe"].told(f"approve {word(message)} x"))
    assert people["zoe"].http.get(f"{house.url}/chat/prompts/{prompt_id}", timeout=30).status_code == 403


def test_a_guest_may_not_answer_in_the_place_of_a_user(house: House) -> None:
    """On loopback a name can be picked; it is never that of a user with a key."""
    message = ask(house, "clean")
    import requests

    with requests.Session() as guest:
        guest.post(f"{house.url}/chat/session", json={"name": "ann"}, timeout=30)
        url = f"{house.url}/chat/prompts/{message['body']['prompt']['id']}/answers"
        refused = guest.post(url, json={"channel": "ops", "values": {}, "button": "approve"}, timeout=30)
    assert refused.status_code == 403
    assert now(house, message)["prompt"]


def test_the_text_of_a_prompt_for_a_terminal_names_its_questions(
    house: House, people: dict[str, Person]
) -> None:
    message = ask(house, "form")
    found = people["bob"].http.get(f"{house.url}/chat/prompts/{word(message)}", timeout=30).json()
    assert found["channel"] == "ops"
    assert [one["name"] for one in found["prompt"]["questions"]] == ["version", "env", "pods", "token"]
