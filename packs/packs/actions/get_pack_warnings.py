"""packs.get_pack_warnings: warnings for packs that want a Python that is not there."""

import pack_api
from st2common.runners.base_action import Action


class GetPackWarningsAction(Action):
    def run(self, packs_status=None):
        """`{warning_list}`: one sentence for each pack that names Python versions, but not 3."""
        warnings = []
        for pack in pack_api.succeeded(packs_status):
            versions = [str(one) for one in (pack_api.installed(pack) or {}).get("python_versions") or []]
            if versions and "3" not in versions:
                warnings.append(
                    f"The pack {pack} names Python {', '.join(versions)} only; its actions may not run."
                )
        return {"warning_list": warnings}
