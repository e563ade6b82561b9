"""What happened, as spans of OpenTelemetry: made from what is stored, so that a crash loses no link."""
