"""Mistakes in the asking, and things that are down. Each door translates them once; a foreseeable no is a value."""


class HotspotError(Exception):
    """Carries facts; neither logs nor knows HTTP."""


class InvalidInput(HotspotError):
    """What was asked makes no sense. `field` names the part of the form, where there is one."""

    def __init__(self, problem: str, *, field: str | None = None, **facts: object) -> None:
        super().__init__(problem)
        self.problem = problem
        self.field = field
        self.facts = facts


class NotFound(HotspotError):
    """There is no such thing, or not for this person: the two are not told apart."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Forbidden(HotspotError):
    """The person is known, and may not do this."""


class Conflict(HotspotError):
    """It cannot be done because of what is already there."""

    def __init__(self, problem: str, **facts: object) -> None:
        super().__init__(problem)
        self.problem = problem
        self.facts = facts


class Unavailable(HotspotError):
    """A dependency is down: "database", "redis", "library"."""

    def __init__(self, dependency: str) -> None:
        super().__init__(dependency)
        self.dependency = dependency
