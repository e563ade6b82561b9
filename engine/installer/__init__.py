"""Installing packs: a program of its own, run under the shim, so that it outlives the server."""
