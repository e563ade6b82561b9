"""From pack folders to a registry of specs, swapped whole on reload."""
