"""The providers that this process has spoken with: what they said about themselves is not asked of them each time."""

from threading import Lock

from hotspot.adapters.openid.provider import OpenIdProvider, ProviderSettings


class KnownProviders:
    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[int, OpenIdProvider] = {}

    def get(self, provider_id: int, settings: ProviderSettings) -> OpenIdProvider:
        """A new one where staff have changed anything: its keys are asked for afresh."""
        with self._lock:
            known = self._known.get(provider_id)
            if known is None or known.settings != settings:
                known = self._known[provider_id] = OpenIdProvider(settings)
            return known
