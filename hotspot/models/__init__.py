"""Tables, one family per file. A model holds facts about itself; queries belong to the service that needs them.

The module imports every family, so that whoever imports it has the whole schema in `Base.metadata`.
"""

from hotspot.models.audit import AuditEntry
from hotspot.models.campaign import (
    Announcement,
    AnnouncementDay,
    AnnouncementText,
    AnnouncementView,
    Campaign,
    CampaignSite,
)
from hotspot.models.desk_action import DeskAction, DeskActionKind
from hotspot.models.device import Device
from hotspot.models.grant import Grant
from hotspot.models.identity_provider import IdentityProvider
from hotspot.models.library_system import LibrarySystem, ReaderRule
from hotspot.models.mail import OutgoingMail, OutgoingText
from hotspot.models.nas import AccessPoint, MessageAuthenticatorMode, Nas, NasAddress
from hotspot.models.nas_health import AlarmKind, NasAlarm, NasDiscard, NasSilence, NasState, RadiusListener
from hotspot.models.offer import Offer, OfferAllowance, OfferSite, Terms
from hotspot.models.organisation import Organisation
from hotspot.models.pass_request import PassRequest, PassState
from hotspot.models.patron import Patron
from hotspot.models.purge import Purge
from hotspot.models.remembered_device import RememberedDevice
from hotspot.models.session_wish import ChangeRecord, SessionWish, WishKind, WishReason, WishState
from hotspot.models.site import OpeningException, OpeningInterval, Site
from hotspot.models.staff import Role, StaffMember, StaffSite
from hotspot.models.survey import Survey, SurveyCount
from hotspot.models.unknown_source import SourceKind, UnknownSource
from hotspot.models.usage import UsageHour
from hotspot.models.visitor import Visitor
from hotspot.models.voucher import Voucher, VoucherBatch
from hotspot.models.wifi_session import Admission, WifiSession, WifiSessionCounter

__all__ = [
    "AccessPoint",
    "Admission",
    "AlarmKind",
    "Announcement",
    "AnnouncementDay",
    "AnnouncementText",
    "AnnouncementView",
    "AuditEntry",
    "Campaign",
    "CampaignSite",
    "ChangeRecord",
    "DeskAction",
    "DeskActionKind",
    "Device",
    "Grant",
    "IdentityProvider",
    "LibrarySystem",
    "MessageAuthenticatorMode",
    "Nas",
    "NasAddress",
    "NasAlarm",
    "NasDiscard",
    "NasSilence",
    "NasState",
    "Offer",
    "OfferAllowance",
    "OfferSite",
    "OpeningException",
    "OpeningInterval",
    "Organisation",
    "OutgoingMail",
    "OutgoingText",
    "PassRequest",
    "PassState",
    "Patron",
    "Purge",
    "RadiusListener",
    "ReaderRule",
    "RememberedDevice",
    "Role",
    "SessionWish",
    "Site",
    "SourceKind",
    "StaffMember",
    "StaffSite",
    "Survey",
    "SurveyCount",
    "Terms",
    "UnknownSource",
    "UsageHour",
    "Visitor",
    "Voucher",
    "VoucherBatch",
    "WifiSession",
    "WifiSessionCounter",
    "WishKind",
    "WishReason",
    "WishState",
]
