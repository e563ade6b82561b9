"""packs.get_pack_dependencies: what packs need that is not installed."""

import pack_api
from st2common.runners.base_action import Action


class GetPackDependenciesAction(Action):
    def run(self, packs_status=None, nested=3):
        """`{dependency_list, conflict_list, nested}`: to install, there in another version, rounds left.

        (False, message) when dependencies are left after the last round.
        """
        missing, conflicts = [], []
        for pack in pack_api.succeeded(packs_status):
            for dependency in (pack_api.installed(pack) or {}).get("dependencies") or []:
                self._sort(dependency, missing, conflicts)
        if missing and nested <= 0:
            return False, f"Dependencies are nested too deep; these are missing: {', '.join(missing)}."
        return True, {"dependency_list": missing, "conflict_list": conflicts, "nested": nested - 1}

    def _sort(self, dependency, missing, conflicts):
        name, _, version = dependency.partition("=")
        present = pack_api.installed(name.rstrip("/").rpartition("/")[2].replace("stackstorm-", "", 1))
        if present is None:
            target = missing
        elif version and present["version"] != version.lstrip("v"):
            target = conflicts
        else:
            return
        if dependency not in target:
            target.append(dependency)
