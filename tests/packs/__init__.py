"""Tests of the packs and aliases that we ship."""
