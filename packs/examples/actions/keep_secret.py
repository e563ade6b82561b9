"""examples.keep_secret: take a secret and give it away, to show that the engine masks it."""

from st2common.runners.base_action import Action


class KeepSecretAction(Action):
    def run(self, token):
        """`{length, told}`; `told` holds the secret, which nobody gets to see."""
        print(f"The token is {token}")
        return {"length": len(token), "told": f"The token is {token}"}
