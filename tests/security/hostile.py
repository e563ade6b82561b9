"""A pack with secrets, endless output and stubborn processes."""

from collections.abc import Mapping
from pathlib import Path

from tests.durability.server import Server

# Values that must be nowhere; parts of them would be found as well.
PASSWORD = "canary-PASSWORD-7f3a91"
CONFIG_SECRET = "canary-CONFIG-55d20c"
SERVER_SECRET = "canary-SERVER-9b1e44"

_PACK = {
    "pack.yaml": "{ref: hostile, name: hostile, description: Trouble, version: 1.0.0, author: Tests}",
    "config.schema.yaml": """
        api_token:
          type: string
          secret: true
        region:
          type: string
    """,
    "actions/shell_secret.yaml": """
        name: shell_secret
        runner_type: local-shell-cmd
        parameters:
          password: {type: string, secret: true, required: true}
          code: {type: integer, default: 0}
          cmd:
            immutable: true
            default: "sleep 0.6; echo out {{ password }}; echo err {{ password }} >&2; exit {{ code }}"
    """,
    "actions/environment_secret.yaml": """
        name: environment_secret
        runner_type: local-shell-cmd
        parameters:
          password: {type: string, secret: true, required: true}
          env:
            immutable: true
            default: {SECRET_OF_MINE: "{{ password }}"}
          cmd:
            immutable: true
            default: 'sleep 0.6; echo "$SECRET_OF_MINE"; echo "$SECRET_OF_MINE" | base64'
    """,
    "actions/python_secret.yaml": """
        name: python_secret
        runner_type: python-script
        entry_point: python_secret.py
        parameters:
          password: {type: string, secret: true, required: true}
          fails: {type: boolean, default: false}
    """,
    "actions/python_secret.py": """
        import time

        from st2common.runners.base_action import Action


        class PythonSecret(Action):
            def run(self, password, fails):
                time.sleep(0.6)
                print("out", password, self.config["api_token"])
                self.logger.info("logged %s", password)
                if fails:
                    raise ValueError("no entry with %s and %s" % (password, self.config["api_token"]))
                return {"given": password, "config": self.config, "words": ["a", password]}
    """,
    "actions/environment.yaml": """
        name: environment
        runner_type: local-shell-cmd
        parameters:
          cmd: {immutable: true, default: env}
    """,
    "actions/python_environment.yaml": """
        name: python_environment
        runner_type: python-script
        entry_point: python_environment.py
    """,
    "actions/python_environment.py": """
        import os

        from st2common.runners.base_action import Action


        class PythonEnvironment(Action):
            def run(self):
                return dict(os.environ)
    """,
    "actions/sh.yaml": """
        name: sh
        runner_type: local-shell-cmd
        parameters:
          cmd: {required: true}
    """,
    "actions/say.yaml": """
        name: say
        runner_type: local-shell-script
        entry_point: say.sh
        parameters:
          words: {type: string, required: true, position: 0}
          shout: {type: string, default: "{{ words | upper }}", position: 1}
          which: {type: integer, default: 1, position: 2}
    """,
    "actions/say.sh": """
        #!/bin/sh
        shift "$(($3 - 1))"
        printf '%s' "$1"
    """,
}

_ALIASES = {
    "login.yaml": """
        name: login
        description: A command with a secret
        action_ref: hostile.python_secret
        formats: ["login with {{password}}"]
    """,
    "say.yaml": """
        name: say
        description: Says it
        action_ref: hostile.say
        formats: ["say {{words}}"]
        ack: {format: "saying {{ execution.parameters.words }}"}
        result: {format: "said{~}{{ execution.result.stdout }}"}
    """,
    "sh.yaml": """
        name: sh
        description: A shell
        action_ref: hostile.sh
        formats: ["sh {{cmd}}"]
    """,
}


def hostile_files() -> Mapping[str, str]:
    return {
        **{f"packs/hostile/{name}": text for name, text in _PACK.items()},
        **{f"aliases/{name}": text for name, text in _ALIASES.items()},
        "configs/hostile.yaml": f"{{api_token: {CONFIG_SECRET}, region: here}}",
    }


def hostile_server(folder: Path) -> Server:
    """Not started yet."""
    server = Server(
        folder,
        files=hostile_files(),
        settings={"log": {"level": "debug"}, "actions": {"kill_grace_s": 0.5}},
        environment={"SLACK_BOT_TOKEN": SERVER_SECRET, "ST2_SERVER_TOKEN": SERVER_SECRET},
    )
    server.make_environment("hostile")
    return server
