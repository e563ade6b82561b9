"""The configuration of a pack, as its actions and sensors see it."""

__all__ = ["PackConfigDict"]


class _MissingKey(ValueError, KeyError):
    """StackStorm raises ValueError for a missing key, and packs catch KeyError: it is both."""

    def __str__(self):
        return str(self.args[0])


class PackConfigDict(dict):
    """A dict whose `[]` says what to do about a missing key."""

    def __init__(self, pack_name, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pack_name = pack_name

    def __getitem__(self, key):
        try:
            return super().__getitem__(key)
        except KeyError:
            pass
        raise _MissingKey(
            'The config of pack "%s" has no key "%s". Set it in configs/%s.yaml and reload.'
            % (self.pack_name, key, self.pack_name)
        )
