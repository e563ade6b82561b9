"""A site on the disk for the tests: packs, aliases, configs and overrides in one folder."""

from pathlib import Path

from engine.content.loader import ContentLoader
from engine.content.registry import Registry, Unavailable
from engine.settings import Settings
from engine.settings.content import ContentSettings


class Site:
    """Writes content files below `root` and loads them; `shipped` is empty unless written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.shipped = root / "shipped"
        self.settings = Settings(root=root, content=ContentSettings(packs=["packs", "more"]))
        self.loader = ContentLoader(self.settings, shipped=self.shipped)
        self._generation = 0

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def pack(self, ref: str = "demo", *, base: str = "packs", extra: str = "") -> Path:
        text = f"name: {ref}\ndescription: A pack.\nversion: 1.2.3\nauthor: Somebody\n{extra}"
        return self.write(f"{base}/{ref}/pack.yaml", text).parent

    def action(self, text: str, *, name: str = "act", runner: str = "noop") -> Registry:
        """One action of the pack demo with `text` below its name and runner; the loaded registry."""
        self.pack()
        self.write("packs/demo/actions/act.yaml", f"name: {name}\nrunner_type: {runner}\n{text}")
        return self.load()

    def load(self) -> Registry:
        self._generation += 1
        return self.loader(self._generation)


def only_trouble(registry: Registry) -> Unavailable:
    """The one unavailable file."""
    assert len(registry.unavailable) == 1, registry.unavailable
    return registry.unavailable[0]
