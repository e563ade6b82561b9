"""Where packs are, found from the pack that is running.

The folders come from ST2_PACKS_PATHS (several, with colons between) where it is set, else from
where the pack of this process lies.
"""

import os
import sys

__all__ = [
    "get_aliases_base_paths",
    "get_entry_point_abs_path",
    "get_pack_base_path",
    "get_pack_directory",
    "get_pack_file_abs_path",
    "get_packs_base_paths",
    "get_system_packs_base_path",
]


def get_packs_base_paths():
    """Every folder that holds packs, the first in which a pack is found wins."""
    named = os.environ.get("ST2_PACKS_PATHS", "")
    if named:
        return [path for path in named.split(":") if path]
    program = os.path.abspath(sys.argv[0]) if sys.argv and sys.argv[0] else os.getcwd()
    for marker in ("actions", "sensors"):
        head, found, _ = program.rpartition(os.sep + marker + os.sep)
        if found:
            return [os.path.dirname(head)]
    return [os.path.dirname(os.getcwd())]


def get_system_packs_base_path():
    return get_packs_base_paths()[0]


def get_aliases_base_paths():
    return get_packs_base_paths()


def get_pack_base_path(pack_name, include_trailing_slash=False, use_pack_cache=False):
    """The pack's folder; where no such pack is, the place at which it would be. None for no name."""
    if not pack_name:
        return None
    candidates = [os.path.join(base, pack_name) for base in get_packs_base_paths()]
    found = next((path for path in candidates if os.path.isdir(path)), candidates[0])
    return os.path.join(found, "") if include_trailing_slash else found


get_pack_directory = get_pack_base_path


def get_pack_file_abs_path(pack_ref, file_path, resource_type=None, use_pack_cache=False):
    """A file of a pack. Raises ValueError for a path that leads out of the pack."""
    base = get_pack_base_path(pack_ref)
    if base is None:
        return None
    parts = [base, "%ss" % resource_type] if resource_type in ("action", "sensor", "rule") else [base]
    path = os.path.abspath(os.path.join(*parts, file_path))
    if not path.startswith(os.path.join(os.path.abspath(base), "")):
        raise ValueError('The path "%s" leads out of the pack "%s".' % (file_path, pack_ref))
    return path


def get_entry_point_abs_path(pack=None, entry_point=None, use_pack_cache=False):
    """The entry point of an action; None where there is none."""
    if not entry_point:
        return None
    if os.path.isabs(entry_point):
        return entry_point
    return get_pack_file_abs_path(pack, os.path.join("actions", entry_point))
