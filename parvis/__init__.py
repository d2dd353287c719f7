"""The `parvis` command: puts the doors, the core and the simulator together, and keeps them running."""
