"""References to content, "pack.name", and the second id that StackStorm gives an execution."""

from engine.errors import BadInput

# Flips the machine part and the counter of an execution's id, so that the way back is the same.
_LIVEACTION = 0xA5A5_A5A5_A5A5_A5A5
_HALF = 8


def make_ref(pack: str, name: str) -> str:
    return f"{pack}.{name}"


def split_ref(ref: str) -> tuple[str, str]:
    """("core", "local") for "core.local". A name may hold more dots, a pack none.

    Raises BadInput when there is no pack or no name.
    """
    pack, dot, name = ref.partition(".")
    if not (pack and dot and name):
        raise BadInput(f"{ref!r} is not a reference.", hint="Write PACK.NAME, for example core.local.")
    return pack, name


def liveaction_id(execution_id: str) -> str:
    """The id of an execution's live action, and back again: the step is its own inverse."""
    return f"{execution_id[:_HALF]}{int(execution_id[_HALF:], 16) ^ _LIVEACTION:016x}"
