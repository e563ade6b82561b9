"""A server whose files of rights cannot be read at the start lets nobody gain by that."""

from pathlib import Path

from engine.service import Engine
from tests.engine import world
from tests.engine.rights.site import may, write_rights


def test_nobody_but_the_administrator_may_run_anything(tmp_path: Path) -> None:
    write_rights(tmp_path, {"limits.yaml": "limits: oops"})
    engine = Engine(world.settings(tmp_path))
    engine.start()
    try:
        assert [may(engine, user, "probe.sh") for user in ("ann", "~ann", "admin")] == [False, False, True]
        write_rights(tmp_path, {"limits.yaml": "limits: []"})
        engine.reload()
        assert may(engine, "ann", "probe.sh")
    finally:
        engine.stop()
