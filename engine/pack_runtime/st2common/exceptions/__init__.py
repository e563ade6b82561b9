"""Errors that pack code raises and catches."""
