"""Library systems: what a card is checked against where the library has no file for us."""
