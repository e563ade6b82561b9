"""References to content: "pack.name"."""

from engine.errors import BadInput


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
