"""The pack `ci` against a recorder in the place of GitHub and GitLab."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.api.running import Running, running
from tests.engine.callbacks.receiver import Receiver, receiving

SHA = "a" * 40
TOKEN = "ghp-hunter-9f3"


@pytest.fixture(scope="module")
def recorder() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, recorder: Receiver) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("ci")
    config = {
        "stormcrow_url": "https://crow.example.org",
        "github_url": recorder.url,
        "github_token": TOKEN,
        "gitlab_url": recorder.url,
        "gitlab_token": TOKEN,
    }
    (folder / "configs").mkdir()
    Path(folder / "configs" / "ci.yaml").write_text(json.dumps(config))
    with running(folder) as made:
        yield made


@pytest.mark.parametrize(
    ("action", "parameters", "expected"),
    [
        (
            "ci.github_status",
            {"repository": "org/app", "sha": SHA, "state": "pending", "text": 'w"aits {{ 7 * 7 }}'},
            (
                f"/repos/org/app/statuses/{SHA}",
                {"state": "pending", "description": 'w"aits {{ 7 * 7 }}', "context": "stormcrow"},
            ),
        ),
        (
            "ci.github_comment",
            {"repository": "org/app", "number": 7, "text": "approved", "link": "https://x/1"},
            ("/repos/org/app/issues/7/comments", {"body": "approved\n\nhttps://x/1"}),
        ),
        (
            "ci.gitlab_status",
            {"project": "group/sub/app", "sha": SHA, "state": "failed", "name": "gate"},
            (f"/api/v4/projects/group%2Fsub%2Fapp/statuses/{SHA}", {"state": "failed", "name": "gate"}),
        ),
        (
            "ci.gitlab_comment",
            {"project": "group/app", "number": 3, "text": "no", "link": "https://x/1"},
            ("/api/v4/projects/group%2Fapp/merge_requests/3/notes", {"body": "no\n\nhttps://x/1"}),
        ),
    ],
)
def test_it_says_what_the_system_understands(
    server: Running, recorder: Receiver, action: str, parameters: dict[str, Any], expected: Any
) -> None:
    path, sent = expected
    recorder.came.clear()
    done = server.run(action, **parameters)
    assert done["status"] == "succeeded", done
    (one,) = recorder.came
    assert one.path == path
    body = json.loads(one.body)
    assert {name: body[name] for name in sent} == sent
    assert TOKEN in (one.headers.get("authorization", "") + one.headers.get("private-token", ""))
    # The token is the request's alone.
    assert TOKEN not in json.dumps(done)


@pytest.mark.parametrize(
    "parameters",
    [
        {"repository": "../../user", "sha": SHA},
        {"repository": "org/..", "sha": SHA},
        {"repository": "org/app?x=", "sha": SHA},
        {"repository": "org/app", "sha": "../comments"},
    ],
)
def test_nothing_leads_to_another_address(
    server: Running, recorder: Receiver, parameters: dict[str, str]
) -> None:
    recorder.came.clear()
    body = {"action": "ci.github_status", "parameters": {**parameters, "state": "success"}}
    assert server.post("/executions", body).status_code == 400
    assert not recorder.came
