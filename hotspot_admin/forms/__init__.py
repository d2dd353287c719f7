"""What staff type: parsed and checked field by field, with every message in our own catalogue."""
