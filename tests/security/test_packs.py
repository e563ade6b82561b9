"""Hostile and broken pack files are listed as unavailable; the server starts, and the others work."""

import time
from pathlib import Path

from tests.durability.server import Server, serving
from tests.security.hostile import hostile_files

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
PACK = "{ref: %s, name: %s, description: Bad, version: 1.0.0, author: Tests}"


def action(name: str, rest: str) -> str:
    return f"name: {name}\nrunner_type: local-shell-cmd\n{rest}\n"


FILES = {
    **hostile_files(),
    "packs/bomb/pack.yaml": BOMB,
    "packs/bad/pack.yaml": PACK % ("bad", "bad"),
    "packs/bad/actions/bomb.yaml": BOMB,
    "packs/bad/actions/deep.yaml": "name: deep\nparameters: " + "[" * 5000,
    "packs/bad/actions/object.yaml": "name: !!python/object/apply:os.system ['touch /tmp/stormcrow-owned']\n",
    "packs/bad/actions/twice.yaml": "name: twice\nname: again\nrunner_type: noop\n",
    "packs/bad/actions/list.yaml": "- a\n- b\n",
    "packs/bad/actions/empty.yaml": "",
    "packs/bad/actions/outside.yaml": (
        "name: outside\nrunner_type: local-shell-script\nentry_point: ../../../../../bin/sh\n"
    ),
    "packs/bad/actions/recursive.yaml": "&a\nname: recursive\nrunner_type: noop\nparameters: *a\n",
    "packs/bad/actions/unknown.yaml": "name: unknown\nrunner_type: no-such-runner\n",
    "packs/bad/actions/regex.yaml": action("regex", "parameters: {cmd: {pattern: '(((('}}"),
    "packs/bad/actions/template.yaml": action("template", "parameters: {cmd: {default: '{{ 9**9999999 }}'}}"),
    "packs/bad/actions/good.yaml": action("good", "parameters: {cmd: {default: echo good}}"),
    "packs/bad/aliases/redos.yaml": (
        "name: redos\naction_ref: bad.good\ndescription: x\n"
        "formats: ['redos (?P<cmd>(a+)+)$', 'redos ((((']\n"
    ),
    "packs/bad/aliases/lonely.yaml": (
        "name: lonely\naction_ref: bad.no_such\ndescription: x\nformats: ['lonely {{x}}']\n"
    ),
    "packs/bad/rules/rule.yaml": "name: 5\ntrigger: []\n",
    "packs/bad/sensors/sensor.yaml": "class_name: [1, 2]\n",
    "packs/bad/config.schema.yaml": "[]",
    "packs/UPPER CASE/pack.yaml": PACK % ("../../etc", "x"),
    "configs/bad.yaml": "a: [",
    "aliases/broken.yaml": "name: [unclosed\n",
}


def test_a_server_with_hostile_packs_starts_and_says_what_is_unavailable(tmp_path: Path) -> None:
    began = time.monotonic()
    with serving(tmp_path, files=FILES) as server:
        assert time.monotonic() - began < 60
        write_bytes(server)
        broken = {one["where"]: one["reason"] for one in server.get("/unavailable?limit=-1")}
        for name in ("bomb", "deep", "object", "list", "empty", "recursive", "unknown", "bytes"):
            assert any(f"bad/actions/{name}.yaml" in where for where in broken), (name, broken)
        assert any("packs/bomb" in where for where in broken)
        assert any("aliases/broken.yaml" in where for where in broken)
        assert not Path("/tmp/stormcrow-owned").exists()
        assert server.run("bad.good")["status"] == "succeeded"
        refused = server.ask("POST", "/executions", json={"action": "bad.template"})
        assert refused.status_code == 400 or server.ended(refused.json()["id"])["status"] == "failed"
        outside = server.ask("POST", "/executions", json={"action": "bad.outside", "parameters": {}})
        assert outside.status_code >= 400 or server.ended(outside.json()["id"])["status"] == "failed"
        began = time.monotonic()
        server.answer("redos " + "a" * 4000 + "!")
        assert time.monotonic() - began < 60
        assert "Traceback" not in server.log_text


def write_bytes(server: Server) -> None:
    """A file that is no text, read by a reload."""
    (server.folder / "packs/bad/actions/bytes.yaml").write_bytes(b"name: \xff\xfe\x00\nrunner_type: noop\n")
    assert server.ask("POST", "/packs/register", json={}).ok
