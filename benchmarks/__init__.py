"""Ratios, measured side by side in one run: `make bench`. Nothing here is a test and no time is asserted.

Absolute figures tell about the machine. What counts is how we stand beside FreeRADIUS and beside an empty Flask view
when both share the same processors, PostgreSQL and disk, in turns, minutes apart.
"""
