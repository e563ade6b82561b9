"""What a Python action finds at its `action_service` beside the datastore."""

from pathlib import Path

from tests.engine.runners.local_world import opened

CLIENT = """
class Client:
    def __init__(self, api_url=None, token=None):
        self.says = [api_url, token]
"""
ACT = """
from st2common.runners.base_action import Action

class Act(Action):
    def run(self):
        return self.action_service.datastore_service.get_api_client().says
"""


def test_an_action_gets_a_client_that_is_logged_in_as_its_run(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        package = world.pack_folder / "lib" / "st2client"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "client.py").write_text(CLIENT)
        environment = {"ST2_ACTION_API_URL": "http://127.0.0.1:1/v1/", "ST2_ACTION_AUTH_TOKEN": "t0k"}
        found = world.run(world.python_request(ACT, env=environment))
    assert found.result["result"] == ["http://127.0.0.1:1/v1", "t0k"]
