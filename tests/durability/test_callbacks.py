"""A callback over a kill -9: it is told at the end, and again where nobody knows whether it came."""

import base64
from pathlib import Path

from tests.durability.server import Server, serving, wait_until
from tests.engine.callbacks.receiver import receiving

SECRET = f"whsec_{base64.b64encode(b'k' * 32).decode()}"


def state_of(server: Server, execution_id: str) -> str:
    return str(server.get(f"/executions/{execution_id}/callback")["state"])


def test_a_callback_survives_a_kill_before_and_while_it_is_told(tmp_path: Path) -> None:
    settings = {"callbacks": {"hosts": ["127.0.0.1"]}}
    with receiving() as receiver, serving(tmp_path, files={}, settings=settings) as server:
        server.ask("PUT", "/keys/ci", json={"name": "ci", "value": SECRET, "secret": True})
        receiver.hold.clear()
        body = {
            "action": "core.local",
            "parameters": {"cmd": "sleep 1"},
            "callback_url": f"{receiver.url}/?token=hunter-9f3",
            "callback_secret_ref": "st2kv.system.ci",
        }
        answer = server.ask("POST", "/executions?wait=0", json=body)
        assert answer.status_code in (200, 202), answer.text
        made = str(answer.json()["id"])
        server.kill()
        server.start()
        # It comes, and before it is answered the sender is gone again.
        wait_until(lambda: len(receiver.came) == 1, timeout_s=60)
        server.kill()
        receiver.hold.set()
        server.start()
        wait_until(lambda: state_of(server, made) == "delivered", timeout_s=60)
        assert [one.headers["webhook-id"] for one in receiver.came] == [
            receiver.came[0].headers["webhook-id"]
        ] * 2
        assert "hunter-9f3" not in server.log_text
        # What stands in the database is sealed.
        raw = b"".join(file.read_bytes() for file in server.data.glob("stormcrow.db*"))
        assert b"hunter-9f3" not in raw
