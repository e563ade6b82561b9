"""packs.search: search the pack index."""

import pack_api
from st2common.runners.base_action import Action


class SearchAction(Action):
    def run(self, query):
        """A list of index entries; empty when nothing fits."""
        return pack_api.ask_index({"query": query}) or []
