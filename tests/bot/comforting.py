"""A pack to be comfortable with: a deploy that needs things, their options, secrets, hosts."""

from pathlib import Path

FILES = {
    "pack.yaml": "{name: site, ref: site, description: A site, version: 1.0.0, author: Tests}",
    "actions/deploy.yaml": """
name: deploy
description: Brings a service to a version.
runner_type: local-shell-script
entry_point: note.sh
parameters:
  service: {type: string, required: true, position: 0}
  version: {type: string, required: true, description: What to deploy, x-options: site.versions, position: 1}
  stage: {type: string, required: true, enum: [staging, prod], position: 2}
  replicas: {type: integer, default: 2, minimum: 1, maximum: 9, position: 3}
  token: {type: string, secret: true, position: 4}
""",
    "actions/versions.yaml": "{name: versions, runner_type: local-shell-script, entry_point: versions.sh}",
    "actions/versions.sh": """
#!/bin/sh
printf '1.42.0\\n1.41.9\\n'
""",
    "actions/hosts.yaml": """
name: hosts
runner_type: local-shell-script
entry_point: hosts.sh
parameters: {stage: {type: string, required: true, position: 0}}
""",
    "actions/hosts.sh": """
#!/bin/sh
printf '[{"name": "web1.%s", "cpu": 90}, {"name": "web2.%s", "cpu": 10}, ' "$1" "$1"
printf '{"name": "db1.%s", "cpu": 50}]' "$1"
""",
    "actions/restart.yaml": """
name: restart
runner_type: local-shell-script
entry_point: note.sh
parameters:
  hosts: {type: array, required: true, position: 0}
  why: {type: string, default: chat, position: 1}
""",
    "actions/note.sh": """
#!/bin/sh
echo "$@" >> "$(dirname "$0")/ledger"
echo "noted $*"
""",
    "actions/broken.yaml": """
name: broken
runner_type: local-shell-cmd
parameters: {cmd: {immutable: true, default: "echo it broke >&2; exit 3"}}
""",
    "actions/slow.yaml": """
name: slow
runner_type: local-shell-cmd
parameters: {cmd: {immutable: true, default: "sleep 60"}}
""",
    "aliases/slow.yaml": "{name: slow, action_ref: site.slow, formats: [slow]}",
    "aliases/deploy.yaml": """
name: deploy
description: Brings a service to a version.
action_ref: site.deploy
formats: ["deploy {{service}}"]
""",
    "aliases/release.yaml": """
name: release
description: Releases in words.
action_ref: site.deploy
formats: ["release {{service}} at {{version}} to {{stage}}"]
""",
    "aliases/hosts.yaml": """
name: hosts
action_ref: site.hosts
formats: ["hosts in {{stage}}"]
""",
    "aliases/restart.yaml": """
name: restart
action_ref: site.restart
formats: ["restart {{hosts}}"]
""",
    "aliases/broken.yaml": """
name: broken
action_ref: site.broken
formats: ["broken"]
""",
}


def add_site(folder: Path) -> None:
    """Put the pack `site` into a site in `folder`."""
    for name, text in FILES.items():
        path = folder / "packs" / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), encoding="utf-8")


def ledger(folder: Path) -> list[str]:
    """What the actions that change things have done, in order."""
    path = folder / "packs" / "site" / "actions" / "ledger"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
