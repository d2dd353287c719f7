"""Addresses of the portal: each view parses, asks the core, answers."""
