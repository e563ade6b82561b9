"""Questions and trees of tasks in a real browser: what a person sees and does, and that data never acts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from bot import trees
from bot.adapters.web.adapter import WebAdapter
from bot.chat import Button, Place, Reply, Tone
from bot.port import Outgoing
from bot.trees import ShownTask
from engine.clock import utcnow
from tests.bot.adapters.test_web_browser import CANARY, browser
from tests.bot.asking import YES_OR_NO, Person, ask, now, write_questions
from tests.bot.conftest import House, make_settings, text_of
from tests.bot.flows import write_flows

__all__ = ["browser"]

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("asking")
    write_questions(folder)
    write_canary(folder)
    write_flows(folder)
    made = House(make_settings(folder))
    try:
        yield made
    finally:
        made.stop()


def write_canary(folder: Path) -> None:
    """A question whose every text tries to act."""
    part = {
        "title": CANARY,
        "type": "string",
        "enum": [CANARY, "b"],
        "description": CANARY,
        "default": CANARY,
    }
    parameters = {
        "text": f"{CANARY}\n```\n{CANARY}\n```",
        "schema": {"type": "object", "properties": {CANARY: part, **YES_OR_NO["properties"]}},
        "users": [CANARY, "~ann"],
        "x-quorum": {CANARY: 1},
        "approves": {"action": "core.local", "parameters": {"cmd": CANARY}},
    }
    alias = {
        "name": "canary",
        "description": "Ask with markup.",
        "action_ref": "core.ask",
        "formats": ["ask canary"],
        "immutable_parameters": parameters,
    }
    (folder / "aliases" / "canary.yaml").write_text(yaml.safe_dump(alias), encoding="utf-8")


@pytest.fixture
def bob(house: House) -> Iterator[Person]:
    made = Person(house, "bob")
    yield made
    made.close()


@pytest.fixture
def page(browser: "playwright.Browser", house: House) -> Iterator["playwright.Page"]:
    """The page of ~ann; what is refused is said in the console too, nothing else may be."""
    context = browser.new_context()
    made = context.new_page()
    said: list[str] = []
    made.on("console", lambda line: said.append(line.text) if line.type in ("error", "warning") else None)
    made.on("pageerror", lambda error: said.append(str(error)))
    made.set_default_timeout(15_000)
    made.goto(f"{house.url}/chat")
    # The page begins as whoever runs the server; only then is it somebody else.
    made.wait_for_selector("#input:focus")
    made.evaluate(
        """() => fetch('/chat/session', {method: 'POST', headers: {'content-type': 'application/json'},
        body: JSON.stringify({name: 'ann'})})"""
    )
    made.goto(f"{house.url}/chat#channel/ops")
    made.reload()
    made.wait_for_selector("#input:focus")
    yield made
    context.close()
    assert [line for line in said if "status of 4" not in line] == []


def test_a_button_answers_and_goes_away(page: "playwright.Page", house: House) -> None:
    message = ask(house, "open")
    prompt = page.locator(f"#messages form.prompt[data-id='{message['body']['prompt']['id']}']")
    prompt.locator("button", has_text="Yes").click()
    prompt.locator(".problem", has_text="This is needed.").wait_for()
    prompt.locator("input").fill("the disk is full")
    prompt.locator("button", has_text="Yes").click()
    prompt.wait_for(state="detached")

    page.wait_for_selector(f"#messages .answer[data-id='{message['id']}'][data-status=answered]")
    assert "Answered yes by ann" in text_of(now(house, message))
    assert "the disk is full" in page.locator(f"#messages .answer[data-id='{message['id']}']").inner_text()


def test_who_may_not_answer_sees_why_and_nobody_else_does(page: "playwright.Page", house: House) -> None:
    message = ask(house, "clean")
    prompt = page.locator(f"#messages form.prompt[data-id='{message['body']['prompt']['id']}']")
    prompt.locator("button", has_text="Approve").click()
    prompt.locator(".told.bad", has_text="You may not answer this.").wait_for()
    assert all("may not answer" not in text_of(one["body"]) for one in house.messages("ops"))


def test_a_form_has_a_field_of_its_kind_for_each_property(page: "playwright.Page", house: House) -> None:
    message = ask(house, "form")
    prompt = page.locator(f"#messages form.prompt[data-id='{message['body']['prompt']['id']}']")
    prompt.wait_for()
    assert prompt.locator("[name=env]").evaluate("field => field.tagName") == "SELECT"
    assert prompt.locator("[name=env]").input_value() == "staging"
    assert prompt.locator("[name=pods]").get_attribute("inputmode") == "numeric"
    assert prompt.locator("[name=token]").get_attribute("type") == "password"
    assert prompt.locator("[data-name=version] .required").count() == 1


def test_problems_stand_at_their_fields_and_what_was_typed_stays(
    page: "playwright.Page", house: House
) -> None:
    prompt_id = ask(house, "named")["body"]["prompt"]["id"]
    prompt = page.locator(f"#messages form.prompt[data-id='{prompt_id}']")
    prompt.locator("[name=version]").fill("1.42.0")
    prompt.locator("[name=pods]").fill("many")
    prompt.locator("[name=token]").fill("hunter22")
    prompt.locator("button", has_text="Send").click()
    prompt.locator("[data-name=pods] .problem", has_text="whole number").wait_for()
    assert prompt.locator("[name=pods]").get_attribute("aria-invalid") == "true"
    assert prompt.locator("[name=version]").input_value() == "1.42.0"
    prompt.locator("[name=pods]").fill("3")
    prompt.locator("button", has_text="Send").click()
    prompt.wait_for(state="detached")
    assert "hunter22" not in page.content()
    assert page.evaluate("JSON.stringify(localStorage)").find("hunter22") == -1


def test_what_is_being_typed_survives_the_vote_of_somebody_else(
    page: "playwright.Page", house: House, bob: Person
) -> None:
    message = ask(house, "pair")
    prompt_id = message["body"]["prompt"]["id"]
    prompt = page.locator(f"#messages form.prompt[data-id='{prompt_id}']")
    prompt.locator("[name=reason]").click()
    page.keyboard.type("it looks ")
    assert bob.answer(prompt_id, button="approve").status_code == 200
    page.wait_for_selector(f"#messages .answer[data-id='{message['id']}'] >> text=1/2 people")
    page.keyboard.type("right")
    assert prompt.locator("[name=reason]").input_value() == "it looks right"


def test_what_is_private_is_shown_to_one_person(page: "playwright.Page", house: House) -> None:
    message = ask(house, "clean")
    page.keyboard.type(f"!approve {message['body']['prompt']['id'][-6:]}")
    page.keyboard.press("Enter")
    page.wait_for_selector("#messages .private")
    page.wait_for_selector("#messages .answer >> text=You may not answer this.")
    page.reload()
    page.wait_for_selector("#messages .answer >> text=You may not answer this.")


def test_the_markup_of_a_question_stays_text(page: "playwright.Page", house: House) -> None:
    message = ask(house, "canary")
    prompt_id = message["body"]["prompt"]["id"]
    prompt = page.locator(f"#messages form.prompt[data-id='{prompt_id}']")
    prompt.wait_for()
    prompt.locator("[name=reason]").fill(CANARY)
    prompt.locator("button", has_text="Reject").click()
    prompt.wait_for(state="detached")
    page.goto(f"{house.url}/chat#execution/{prompt_id}")
    page.wait_for_selector("#panel dl")
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("#messages script, #panel script").count() == 0
    assert "FIRED" not in page.title()


def tree(*, is_folded: bool = False) -> Reply:
    began = utcnow() - timedelta(seconds=70)
    inner = (
        ShownTask(name=f"drain {CANARY}", status="succeeded", started_at=began, ended_at=began),
        ShownTask(name="restart", status="running", started_at=began, execution_ids=("a" * 24,)),
    )
    tasks = (
        ShownTask(name="check", status="succeeded", started_at=began, ended_at=began + timedelta(seconds=5)),
        ShownTask(name="canary", status="running", started_at=began, inner=inner),
        ShownTask(name="hosts_" + "x" * 80, status="failed", items_total=100, items_done=31, note=CANARY),
    )
    shown = trees.tree_of(tasks, now=utcnow(), is_folded=is_folded)
    return Reply(
        pieces=(shown,),
        tone=Tone.RUNNING,
        status="running",
        action="deploy.api",
        execution_id="b" * 24,
        buttons=(Button(label="Pause", command="pause bbbbbb"),),
    )


def post(house: House, key: str, reply: Reply) -> None:
    web = WebAdapter(house.engine)
    house.engine.database.write(web.posting_job([Outgoing(key=key, place=Place(channel="ops"), reply=reply)]))


def test_a_tree_shows_every_task_with_its_state_and_the_way_to_its_output(
    page: "playwright.Page", house: House
) -> None:
    post(house, "tree", tree())
    rows = page.locator("#messages .tree li")
    rows.nth(4).wait_for()
    assert rows.nth(0).locator(".task").inner_text() == "check"
    assert rows.nth(0).locator(".elapsed").inner_text() == "5.0 s"
    assert rows.nth(3).get_attribute("data-depth") == "1"
    assert rows.nth(3).locator("a.task").get_attribute("href") == f"#execution/{'a' * 24}"
    assert rows.nth(1).locator(".elapsed").inner_text().startswith("1 min")
    assert "31/100 items" in rows.nth(4).inner_text()
    assert page.locator("img[src='x']").count() == 0
    assert "FIRED" not in page.title()


def test_a_folded_tree_opens(page: "playwright.Page", house: House) -> None:
    post(house, "folded", tree(is_folded=True))
    folded = page.locator("#messages details.long", has=page.locator(".tree")).last
    folded.locator("summary").click()
    folded.locator(".tree li").first.wait_for(state="visible")


@pytest.mark.parametrize("width", [360, 768])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_trees_and_forms_are_never_wider_than_the_screen(
    page: "playwright.Page", house: House, width: int, scheme: str
) -> None:
    ask(house, "form")
    post(house, f"width-{width}-{scheme}", tree())
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 740})
    page.wait_for_selector("#messages .tree")
    page.wait_for_selector("#messages form.prompt")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    log = page.locator("#log")
    assert log.evaluate("log => log.scrollWidth - log.clientWidth") <= 1


def test_a_workflow_is_seen_live_and_approved_on_the_page(page: "playwright.Page") -> None:
    page.keyboard.type("!flow gate")
    page.keyboard.press("Enter")
    article = page.locator("#messages article.message", has_text="flow gate").last
    article.locator(".tree li[data-status=pending]").wait_for()
    article.locator("form.prompt button", has_text="Approve").click()
    article.locator(".answer[data-status=succeeded]").wait_for()
    article.locator(".answer[data-status=approved]").wait_for()
    article.locator("details.long summary", has_text="3 tasks: 3 succeeded").click()
    article.locator("a.task", has_text="after").click()
    page.wait_for_selector("#panel .output >> text=deployed")


def test_the_buttons_of_a_workflow_steer_it(page: "playwright.Page") -> None:
    page.keyboard.type("!flow slow")
    page.keyboard.press("Enter")
    article = page.locator("#messages article.message", has_text="flow slow").last
    article.locator("button", has_text="Pause").click()
    article.locator("button", has_text="Resume").click()
    article.locator(".answer[data-status=succeeded]").wait_for()
