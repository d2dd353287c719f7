"""The core: what Parvis's words mean. It knows no door (no Flask, no RADIUS packet, no command line)."""
