"""Small modules that pack code imports by name."""
