"""Error-Cause (RFC 5176 section 3.5) in words for staff: why a NAS did not end or change a session."""

from hotspot.message_ids import mark as _

NO_REASON = _("It gives no reason. Most gateways that do so no longer know the connection.")
UNKNOWN = _("It gives a reason that has no name (Error-Cause %(number)s).")

ERROR_CAUSES: dict[int, str] = {
    201: _("The connection was over already; what was left of it has been cleared away."),
    202: _("It could not read the EAP part of the request and ignored it."),
    401: _("It does not understand part of the request: the brand on its page may be the wrong one."),
    402: _("Something that names the connection is missing: the brand on its page may be the wrong one."),
    403: _("The request was meant for another gateway: its identifier or address differs from what is on its page."),
    404: _("It finds the request wrong as a whole: the brand on its page may be the wrong one."),
    405: _("It cannot do this: the service is not switched on there, or its software is too old."),
    406: _("Its software does not know this kind of request at all. Update it, or switch CoA on there."),
    407: _("It does not accept one of the values, such as a speed or a time that it cannot keep."),
    501: _("It has been told not to obey: allow this server’s address for CoA and Disconnect there."),
    502: _("A proxy on the way does not know where to send it: check the realms and gateways in the proxy."),
    503: _("It no longer knows this connection: it is over there."),
    504: _("It knows the connection and cannot end it: ask its manufacturer, or restart it."),
    505: _("A proxy on the way could not process it: look at the log of the proxy."),
    506: _("It has no room for it at the moment: it is overloaded. Try again later."),
    507: _("It asks this server itself first and decides then."),
    508: _("Several connections answer to this name, and it does not choose."),
    509: _("It cannot tell where the device is."),
    601: _("Its answer was too long for a packet."),
}


def message_of(error_cause: int | None) -> str:
    """A message id, with `%(number)s` in it where the cause has no name. None: the NAK gave none."""
    return NO_REASON if error_cause is None else ERROR_CAUSES.get(error_cause, UNKNOWN)
