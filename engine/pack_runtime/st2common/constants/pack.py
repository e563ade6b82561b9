"""Names of packs and of the files in them."""

PACKS_PACK_NAME = "packs"
PACK_REF_WHITELIST_REGEX = r"^[a-z0-9_]+$"
PACK_RESERVED_CHARACTERS = ["."]
PACK_VERSION_SEPARATOR = "="
SYSTEM_PACK_NAME = "core"
SYSTEM_PACK_NAMES = ["chatops", "core", "packs", "linux"]
DEFAULT_PACK_NAME = "default"
CHATOPS_PACK_NAME = "chatops"
LINUX_PACK_NAME = "linux"
USER_PACK_NAME_BLACKLIST = [SYSTEM_PACK_NAME, PACKS_PACK_NAME]
MANIFEST_FILE_NAME = "pack.yaml"
CONFIG_SCHEMA_FILE_NAME = "config.schema.yaml"
