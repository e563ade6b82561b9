"""The manifest of a pack; needs PyYAML in the pack's environment."""

import os
import re

from st2common.constants.pack import MANIFEST_FILE_NAME, PACK_REF_WHITELIST_REGEX

__all__ = ["get_pack_metadata", "get_pack_ref_from_metadata"]


def get_pack_metadata(pack_dir):
    """pack.yaml as a dict. Raises ValueError when there is none."""
    import yaml

    path = os.path.join(pack_dir, MANIFEST_FILE_NAME)
    if not os.path.isfile(path):
        raise ValueError('Pack "%s" is missing %s file' % (os.path.basename(pack_dir), MANIFEST_FILE_NAME))
    with open(path) as file:
        return yaml.safe_load(file) or {}


def get_pack_ref_from_metadata(metadata, pack_directory_name=None):
    """`ref`, else the folder's name, else `name`, where it is fit for one. Raises ValueError."""
    for candidate in (metadata.get("ref"), pack_directory_name, metadata.get("name")):
        if candidate and re.match(PACK_REF_WHITELIST_REGEX, candidate):
            return candidate
    raise ValueError('Pack name "%s" cannot be a ref; set "ref" in its manifest.' % metadata.get("name"))
