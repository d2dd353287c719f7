"""Pure decisions: values in, a value out. No I/O, no clock, no tables."""
