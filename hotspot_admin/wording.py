"""What the core's names are called on these pages: message ids, translated when they are shown."""

from hotspot.values import Way
from hotspot_admin.language import mark

WAYS = {
    Way.LIBRARY_CARD: mark("Library card"),
    Way.VOUCHER: mark("Voucher"),
    Way.ONE_TAP: mark("One tap"),
}
DEVICE_FAMILIES = {
    "android": "Android",
    "ios": "iPhone, iPad",
    "windows": "Windows",
    "macos": "macOS",
    "linux": "Linux",
    "chromeos": "ChromeOS",
    "": mark("Unknown"),
}
ACTIONS = {
    "nas.access_point_added": mark("Access point added"),
    "nas.access_point_removed": mark("Access point removed"),
    "nas.changed": mark("Gateway changed"),
    "nas.created": mark("Gateway added"),
    "nas.secret_rotated": mark("Secrets of a gateway replaced"),
    "nas.secret_shown": mark("Secrets of a gateway shown"),
    "offer.created": mark("Offer added"),
    "offer.retired": mark("Offer retired"),
    "organisation.created": mark("Organisation made"),
    "patron.blocked": mark("Card blocked"),
    "patron.devices_forgotten": mark("Remembered devices of a card forgotten"),
    "patron.unblocked": mark("Card unblocked"),
    "patrons.imported": mark("Patrons imported"),
    "site.changed": mark("Site changed"),
    "site.created": mark("Site added"),
    "staff.created": mark("Staff account created"),
    "staff.locked": mark("Staff account locked after failures"),
    "staff.password_reset": mark("Staff password replaced"),
    "staff.retired": mark("Staff account retired"),
    "terms.published": mark("Terms of use published"),
    "voucher.voided": mark("Voucher made void"),
    "voucher_batch.created": mark("Batch of vouchers made"),
    "voucher_batch.printed": mark("Sheet of vouchers printed"),
    "voucher_batch.voided": mark("Batch of vouchers made void"),
}
"""An action that is not here is shown as it is written in the log."""
FACTS = {
    "access_point": mark("Name of the access point"),
    "addresses": mark("Addresses its packets come from"),
    "brand": mark("Brand"),
    "called_station_id": mark("Called-Station-Id"),
    "coa_port": mark("Port for ending a connection (CoA)"),
    "count": mark("Vouchers"),
    "devices": mark("Devices"),
    "grants_ended": mark("Grants ended"),
    "is_proxy": mark("RADIUS proxy"),
    "kind": mark("Kind of place"),
    "latitude": mark("Latitude"),
    "login_hosts": mark("Login addresses"),
    "longitude": mark("Longitude"),
    "message_authenticator": mark("Proof of origin (Message-Authenticator)"),
    "name": mark("Name"),
    "new": mark("New cards"),
    "nas_identifier": mark("NAS identifier"),
    "number": mark("Number"),
    "offer": mark("Offer"),
    "opening_hours": mark("Opening hours"),
    "organisation": mark("Organisation"),
    "role": mark("Role"),
    "site": mark("Site"),
    "sites": mark("Sites"),
    "ssid": mark("Name of the Wi-Fi network (SSID)"),
    "swaps_octets": mark("Counts the other way round"),
    "time_zone": mark("Time zone"),
    "unchanged": mark("Unchanged"),
    "updated": mark("Changed"),
}
"""What was changed, by its name in the log. A fact's value may be a message id too: `changed`, `required`."""
FACT_VALUES = (
    mark("changed"),
    mark("required"),
    mark("auto"),
    mark("optional"),
    mark("yes"),
    mark("no"),
    mark("librarian"),
    mark("administrator"),
)
