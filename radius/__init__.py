"""The door for access points: RADIUS over UDP. It speaks for the core and decides nothing itself."""
