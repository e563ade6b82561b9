"""What actions of a running server find in their environment."""

from engine.foundation import shipped_packs
from tests.engine.api.running import Running


def test_an_action_knows_the_folders_that_hold_packs(server: Running) -> None:
    found = server.run("core.local", cmd='printf "%s" "$ST2_PACKS_PATHS"')
    assert found["result"]["stdout"].split(":") == [str(server.folder / "packs"), str(shipped_packs())]
