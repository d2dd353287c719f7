"""What every settings class owes the form that is made from it."""

import pytest
from pydantic import SecretStr

from hotspot.adapters.library_systems.http_settings import HttpSettings
from hotspot.adapters.library_systems.koha_ilsdi import KohaIlsDiSettings
from hotspot.adapters.library_systems.koha_rest import KohaRestSettings
from hotspot.adapters.library_systems.ldap_settings import LdapSettings
from hotspot.adapters.library_systems.library_system import ConnectionSettings
from hotspot.wording import translations

CLASSES = (HttpSettings, KohaIlsDiSettings, KohaRestSettings, LdapSettings)
EXAMPLES = {".example.org", "dc=example"}
"""What shows an address says the same in every language."""


@pytest.mark.parametrize("settings", CLASSES, ids=lambda each: each.__name__)
def test_each_field_has_a_title_and_french_for_what_it_says(settings: type[ConnectionSettings]) -> None:
    french = translations("fr").gettext
    for name, field in settings.model_fields.items():
        assert field.title, name
        assert french(field.title) != field.title, name
        description = field.description or ""
        is_example = any(each in description for each in EXAMPLES) and " " not in description
        assert not description or is_example or french(description) != description, name


@pytest.mark.parametrize("settings", CLASSES, ids=lambda each: each.__name__)
def test_what_is_secret_is_not_printed(settings: type[ConnectionSettings]) -> None:
    secret = {name for name, field in settings.model_fields.items() if field.annotation is SecretStr}
    named = {name for name in settings.model_fields if any(each in name for each in ("secret", "password", "headers"))}

    assert secret == named
