"""Identity providers (OpenID Connect): how a person who is known elsewhere proves it to us.

`provider.py` speaks with one provider, `discovery.py` reads what it says about itself, `tokens.py` believes nothing
that it did not sign for us, for this request and for now; `examination.py` tells staff whether it is set up right.
"""
