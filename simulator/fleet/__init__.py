"""Many phones at many access points, living a day against an installation: its load test, and the check of its sums.

A stranger like the rest of the simulator: it speaks HTTP and RADIUS, and keeps its own books (`truth.py`).
"""
