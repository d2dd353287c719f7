"""A pocket access point and a pretend library: real HTTP, RADIUS and SIP2, as strangers speak them.

They import nothing of the rest of Parvis.
"""
