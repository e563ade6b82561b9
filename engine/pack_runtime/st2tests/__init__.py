"""Base classes for the tests that packs bring."""
