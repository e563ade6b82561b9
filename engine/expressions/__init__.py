"""Templates, parameters, casts, schemas and masking; compiled once, cached."""
