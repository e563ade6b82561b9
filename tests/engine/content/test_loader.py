"""A load reads what is on the disk: packs in order, links, overrides, configurations, reloads."""

import os

import pytest

from engine.content.loader import load_registry
from engine.content.registry import Content
from engine.errors import NotFound
from tests.engine.content.site import Site, only_trouble

NOOP = "name: {name}\nrunner_type: noop\n"
DEFAULT_ALIAS = "name: {name}\naction_ref: core.local\nformats: [{name}]\n"


def test_a_pack_is_read_with_its_unknown_keys(site: Site) -> None:
    extra = "keywords: [a]\ndependencies: [core]\nemail: x\nContributors: me\nx-python: '3.10'\n"
    site.pack(extra=extra)
    pack = site.load().pack("demo")
    assert (pack.version, pack.keywords, pack.dependencies) == ("1.2.3", ("a",), ("core",))
    assert pack.interpreter == "3.10"
    assert pack.extra["Contributors"] == "me"
    assert pack.folder == site.root / "packs/demo"


@pytest.mark.parametrize(
    ("written", "read"), [("0.1", "0.1.0"), ("'0.1'", "0.1.0"), ("2.0.0-rc.1", "2.0.0-rc.1")]
)
def test_a_short_version_is_padded(site: Site, written: str, read: str) -> None:
    site.write("packs/demo/pack.yaml", f"name: demo\ndescription: x\nauthor: x\nversion: {written}\n")
    assert site.load().pack("demo").version == read


@pytest.mark.parametrize(
    "text",
    [
        "name: demo\ndescription: x\nauthor: x\nversion: one\n",
        "name: demo\ndescription: x\nversion: 1.0.0\n",
        "name: demo\ndescription: x\nauthor: x\nversion: 1.0.0\nref: de-mo\n",
        "name: demo\ndescription: x\nauthor: x\nversion: 1.0.0\npython_versions: [3]\n",
        "name: demo\ndescription: x\nauthor: x\nversion: 1.0.0\nstackstorm_version: new\n",
        "[]\n",
        "",
    ],
)
def test_a_broken_pack_stays_visible_with_its_content(site: Site, text: str) -> None:
    site.write("packs/demo/pack.yaml", text)
    site.write("packs/demo/actions/a.yaml", NOOP.format(name="inner"))
    registry = site.load()
    kinds = {(item.kind, item.name) for item in registry.unavailable}
    assert kinds >= {("action", "inner")}
    assert any(kind == "pack" for kind, _name in kinds)
    with pytest.raises(NotFound, match="is unavailable"):
        registry.action("demo.inner")


def test_the_ref_is_the_key_or_the_folder_or_the_name(site: Site) -> None:
    for folder, ref in (("stackstorm-aws", "ref: aws"), ("two", "ref:"), ("stackstorm-three", "x: 1")):
        site.write(
            f"packs/{folder}/pack.yaml",
            f"name: three\ndescription: x\nauthor: x\nversion: 1.0.0\n{ref}\n",
        )
    assert set(site.load().packs) == {"aws", "two", "three"}


def test_a_folder_without_a_manifest_is_unavailable_and_other_folders_are_ignored(site: Site) -> None:
    site.write("packs/postgres/actions/a.yaml", NOOP.format(name="a"))
    site.write("packs/notes/readme.md", "hello")
    trouble = only_trouble(site.load())
    assert (trouble.kind, trouble.name) == ("pack", "postgres")


def test_the_first_folder_with_a_pack_wins_and_the_shipped_ones_come_last(site: Site) -> None:
    for base in ("more", "packs", "shipped"):
        site.pack("core", base=base)
        site.write(f"{base}/core/actions/a.yaml", NOOP.format(name=base))
    registry = site.load()
    assert set(registry.actions) == {"core.packs"}
    assert [warning.split(":")[0] for warning in registry.warnings] == [
        "more/core/pack.yaml",
        "shipped/core/pack.yaml",
    ]


def test_a_site_has_its_own_default_pack_without_a_warning(site: Site) -> None:
    site.pack("default")
    site.pack("default", base="shipped")
    assert not site.load().warnings


def test_only_shipped_packs_are_system_packs(site: Site) -> None:
    site.pack("linux", base="shipped")
    site.pack("core", base="packs")
    registry = site.load()
    assert registry.pack("linux").is_system
    assert not registry.pack("core").is_system


def test_only_yaml_directly_in_the_folder_counts(site: Site) -> None:
    site.pack()
    for name in ("b.yml", "config.yaml", "sub/c.yaml", "d.yaml.disabled", "e.yaml.md", ".f.yaml"):
        site.write(f"packs/demo/actions/{name}", NOOP.format(name=name.replace("/", "_")))
    assert set(site.load().actions) == {"demo.b.yml"}


def test_of_two_files_with_one_name_the_last_wins_with_a_warning(site: Site) -> None:
    site.pack()
    site.write("packs/demo/actions/a.yaml", "name: x\nrunner_type: noop\ndescription: first\n")
    site.write("packs/demo/actions/b.yaml", "name: x\nrunner_type: noop\ndescription: last\n")
    registry = site.load()
    assert registry.action("demo.x").description == "last"
    expected = "packs/demo/actions/b.yaml:1: demo.x is in packs/demo/actions/a.yaml too; this one counts."
    assert registry.warnings == (expected,)


def test_a_key_written_twice_is_a_warning_with_its_line(site: Site) -> None:
    registry = site.action("parameters: {}\nparameters: {a: {}}\n")
    assert list(registry.action("demo.act").parameters) == ["a"]
    assert registry.warnings == (
        "packs/demo/actions/act.yaml:4: 'parameters' is written twice; the last one counts.",
    )


def test_broken_yaml_is_unavailable_and_the_rest_loads(site: Site) -> None:
    site.action("")
    site.write("packs/demo/actions/bad.yaml", "name: bad\nrunner_type: [noop\n")
    site.write("packs/demo/actions/empty.yaml", "")
    registry = site.load()
    assert "demo.act" in registry.actions
    assert [(item.name, item.where.rpartition(":")[2]) for item in registry.unavailable] == [
        ("bad", "3"),
        ("empty", "1"),
    ]
    assert registry.unavailable[1].reason == "The file is empty."


def test_a_link_out_of_the_pack_is_refused_and_one_inside_is_followed(site: Site) -> None:
    site.action("")
    outside = site.write("secret.yaml", NOOP.format(name="stolen"))
    actions = site.root / "packs/demo/actions"
    (actions / "out.yaml").symlink_to(outside)
    site.write("packs/demo/shared/in.yaml", NOOP.format(name="inside"))
    (actions / "in.yaml").symlink_to("../shared/in.yaml")
    (actions / "nowhere.yaml").symlink_to("gone.yaml")
    registry = site.load()
    assert set(registry.actions) == {"demo.act", "demo.inside"}
    assert [item.name for item in registry.unavailable] == ["nowhere", "out"]
    assert "leads out of its pack" in registry.unavailable[1].reason


def test_a_folder_linked_out_of_the_pack_is_refused(site: Site) -> None:
    site.pack()
    site.write("elsewhere/a.yaml", NOOP.format(name="a"))
    (site.root / "packs/demo/actions").symlink_to("../../elsewhere")
    assert "leads out of its pack" in only_trouble(site.load()).reason


def test_a_pack_may_itself_be_a_link(site: Site) -> None:
    site.pack("demo", base="checkouts")
    site.write("checkouts/demo/actions/a.yaml", NOOP.format(name="a"))
    (site.root / "packs").mkdir()
    (site.root / "packs/demo").symlink_to("../checkouts/demo")
    registry = site.load()
    assert "demo.a" in registry.actions
    assert registry.pack("demo").folder == site.root / "checkouts/demo"


def test_the_aliases_of_the_site_belong_to_the_pack_default(site: Site) -> None:
    site.pack("default", base="shipped")
    site.write("shipped/default/aliases/a.yaml", DEFAULT_ALIAS.format(name="hello"))
    site.write("aliases/a.yaml", DEFAULT_ALIAS.format(name="hello"))
    site.write("aliases/b.yaml", "name: bad\n")
    registry = site.load()
    assert registry.aliases["default.hello"].metadata_file == "aliases/a.yaml"
    assert [(item.pack, item.name) for item in registry.unavailable] == [("default", "bad")]


def test_schema_and_configuration_are_carried_as_written(site: Site) -> None:
    site.pack()
    site.write("packs/demo/config.schema.yaml", "token: {type: string, secret: true, default: '{{ x }}'}\n")
    site.write("configs/demo.yaml", "token: '{{ st2kv.system.t }}'\nextra: 1\n")
    pack = site.load().pack("demo")
    assert pack.config == {"token": "{{ st2kv.system.t }}", "extra": 1}
    assert pack.config_schema["token"]["secret"] is True


@pytest.mark.parametrize("schema", ["", "token: {typ: string}", "to-ken: {type: string}", "[a]"])
def test_without_a_readable_schema_no_configuration_is_used(site: Site, schema: str) -> None:
    site.pack()
    site.write("packs/demo/config.schema.yaml", schema)
    site.write("configs/demo.yaml", "token: secret\n")
    registry = site.load()
    assert only_trouble(registry).kind == "config"
    assert registry.pack("demo").config == {}


@pytest.mark.parametrize(
    "schema",
    [
        "roles: {type: object, additionalProperties: {type: object, patternproperties: {}}}",
        "board: {type: object, properties: {list: {type: string, filter: x, required: [a]}}}",
        "a: {type: object, patternProperties: {'^x$': {$ref: '#/properties/b'}}}",
    ],
)
def test_unknown_keys_deep_in_a_schema_are_let_through(site: Site, schema: str) -> None:
    site.pack()
    site.write("packs/demo/config.schema.yaml", schema)
    assert not site.load().unavailable


def test_a_configuration_of_no_pack_is_a_warning(site: Site) -> None:
    site.write("configs/dmeo.yaml", "a: 1\n")
    assert site.load().warnings == ("configs/dmeo.yaml:1: there is no pack dmeo.",)


def test_overrides_switch_content_on_and_off(site: Site) -> None:
    site.pack()
    for name in ("one", "two"):
        site.write(f"packs/demo/actions/{name}.yaml", NOOP.format(name=name))
    site.write("packs/demo/sensors/s.yaml", "class_name: S\nentry_point: s.py\n")
    site.write("overrides/_global.yaml", "sensors: {defaults: {enabled: false}}\n")
    site.write(
        "overrides/demo.yaml",
        "actions: {defaults: {enabled: false}, exceptions: {two: {enabled: true}}}\n",
    )
    registry = site.load()
    assert not registry.action("demo.one").enabled
    assert registry.action("demo.two").enabled
    assert not registry.sensors["demo.S"].enabled


def test_overrides_of_what_is_not_there_are_warnings(site: Site) -> None:
    site.action("")
    site.write("overrides/demo.yaml", "actions: {exceptions: {atc: {enabled: false}}}\n")
    site.write("overrides/dmeo.yaml", "actions: {defaults: {enabled: false}}\n")
    assert site.load().warnings == (
        "overrides/dmeo.yaml:1: there is no pack dmeo.",
        "overrides/demo.yaml:1: actions of demo hold no atc.",
    )


@pytest.mark.parametrize(
    "text", ["actions: {defaults: {enabled: nope}}", "actions: {defaults: {name: x}}", "["]
)
def test_a_broken_override_switches_off_and_is_listed(site: Site, text: str) -> None:
    site.action("")
    site.write("overrides/demo.yaml", text)
    registry = site.load()
    assert not registry.action("demo.act").enabled
    assert only_trouble(registry).kind == "override"


def test_what_left_the_disk_is_gone_from_the_next_registry(site: Site) -> None:
    content = Content(site.loader)
    site.action("")
    assert "demo.act" in content.reload().actions
    (site.root / "packs/demo/actions/act.yaml").unlink()
    assert content.reload().actions == {}
    assert content.current.generation == 2


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(site: Site) -> None:
    first = site.action("description: one\n").action("demo.act")
    assert site.load().action("demo.act") is first
    file = site.root / "packs/demo/actions/act.yaml"
    stat = file.stat()
    site.write("packs/demo/actions/act.yaml", "name: act\nrunner_type: noop\ndescription: two\n")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert site.load().action("demo.act").description == "two"


def test_mapping_keys_that_are_no_texts_are_unavailable_not_fatal(site: Site) -> None:
    site.pack()
    site.write("packs/demo/triggers/t.yaml", "name: t\npayload_schema: {on: x}\n")
    assert only_trouble(site.load()).kind == "trigger"


def test_a_bomb_in_a_pack_is_unavailable(site: Site) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    site.pack()
    site.write("packs/demo/actions/bomb.yaml", "\n".join(lines))
    assert "10000" in only_trouble(site.load()).reason


def test_nothing_on_the_disk_is_an_empty_registry(site: Site) -> None:
    registry = load_registry(site.settings, shipped=site.shipped, generation=7)
    assert (registry.generation, registry.packs, registry.unavailable) == (7, {}, ())
