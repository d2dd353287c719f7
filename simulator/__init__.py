"""A pocket access point: real HTTP and RADIUS, as a stranger speaks them. It imports nothing of the rest of Parvis."""
