"""What people write: packs, their installation, templates."""

from dataclasses import dataclass

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSettings:
    """Where packs and the other content files are."""

    packs: list[str] = key(
        ["packs"],
        "Folders that hold packs, first wins; relative to config.yaml. "
        "The shipped packs come last by themselves.",
    )
    aliases: str = key("aliases", "Folder of the site's own aliases; they belong to the pack `default`.")
    configs: str = key("configs", "Folder of pack configurations, PACK.yaml each.")
    overrides: str = key("overrides", "Folder of StackStorm overrides: _global.yaml and PACK.yaml.")
    webhooks: str = key("webhooks", "Folder of the site's webhooks: who may post, and how that is checked.")
    rights: str = key(
        "rbac",
        "Folder of who may what: roles, assignments and mappings in StackStorm's format, and limits.yaml.",
    )
    virtualenvs: str = key(
        "", "Folder of the packs' virtual environments; empty: virtualenvs in the data folder."
    )
    watch: bool = key(False, "Reload content when a file changes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSettings:
    """Where packs are installed from."""

    index_urls: list[str] = key(
        ["https://index.stackstorm.org/v1/index.json"],
        "Indexes of packs that can be installed by name; a later one wins.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """Limits of one template rendering."""

    output_limit_bytes: int = key(1_048_576, "Longest rendered text, in bytes.", at_least=1)
    range_limit: int = key(100_000, "Longest range() in a template.", at_least=1)
    work_limit: int = key(1_000_000, "Most loop passes in one rendering.", at_least=1)
    number_limit_bits: int = key(4_096, "Largest integer a template may compute, in bits.", at_least=64)
