"""What is kept about one visit: a page in plain words, and the same as a file."""

import json
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, Response, abort, make_response

from hotspot.message_ids import mark
from hotspot.portal_links import grant_of_token
from hotspot.services.own_data import OwnData, show_own_data
from hotspot.values import Way, print_mac
from portal.answers import page
from portal.device_family import family_name
from portal.language import clock_time, gettext, local_day, speak
from portal.resources import resources
from portal.visits import shown_site

blueprint = Blueprint("own_data", __name__)

_WAYS = {
    Way.LIBRARY_CARD: mark("with a library card"),
    Way.VOUCHER: mark("with a code"),
    Way.ONE_TAP: mark("by accepting the terms"),
    Way.EMAIL_CODE: mark("with a code by e-mail"),
    Way.SMS_CODE: mark("with a code by text message"),
    Way.SPONSOR: mark("with the word of a host"),
    Way.OPENID_CONNECT: mark("through an identity service"),
}
_KNOWN_BY = {
    Way.LIBRARY_CARD: mark("Which library card it was: its number is kept, and not shown here."),
    Way.VOUCHER: mark("Which code it was: it is kept encrypted, and not shown here."),
    Way.SPONSOR: mark("Your name and the address of your host: kept encrypted, and not shown here."),
    Way.OPENID_CONNECT: mark("The pseudonym that this service knows you by: kept encrypted, and not shown here."),
}


@blueprint.get("/online/<token>/data")
def get_data(token: str) -> Response:
    kept = _kept(token)
    speak(kept.language)
    site = shown_site(kept.site_id)
    zone = site.hours.zone

    def day(when: datetime) -> str:
        return local_day(when, zone)

    def moment(when: datetime) -> str:
        return f"{day(when)}, {clock_time(when, zone)}"

    return page(
        "own_data.html",
        site=site,
        token=token,
        kept=kept,
        way=gettext(_WAYS[kept.way]),
        known_by=gettext(_KNOWN_BY[kept.way]) if kept.way in _KNOWN_BY else "",
        device=family_name(kept.device_family),
        moment=moment,
        day=day,
        clock_time=clock_time,
        zone=zone,
    )


@blueprint.get("/online/<token>/data.json")
def get_data_as_file(token: str) -> Response:
    answer = make_response(json.dumps(_as_json(_kept(token)), ensure_ascii=False, indent=2))
    answer.mimetype = "application/json"
    answer.headers["Content-Disposition"] = 'attachment; filename="wifi-visit.json"'
    return answer


def _kept(token: str) -> OwnData:
    made = resources()
    grant_id = grant_of_token(made.vault, token)
    if grant_id is None:
        abort(HTTPStatus.NOT_FOUND)
    with made.database.reading() as db:
        kept = show_own_data(db, grant_id, made.clock(), made.settings, made.vault)
    if kept is None:
        abort(HTTPStatus.NOT_FOUND)
    return kept


def _as_json(kept: OwnData) -> dict[str, object]:
    """Moments in UTC (RFC 3339), volumes in octets, lengths in seconds."""
    return {
        "visit": {
            "place": kept.site,
            "way": kept.way.value,
            "by_itself": kept.by_itself,
            "contact": kept.contact or None,
            "terms_version": kept.terms_version,
            "language": kept.language,
            "began_at": _utc(kept.began_at),
            "ends_at": _utc(kept.ends_at),
            "erased_at": _utc(kept.erased_at),
            "request_erased_at": _utc(kept.request_erased_at),
            "remembered_until": _utc(kept.remembered_until),
        },
        "device": {
            "address": print_mac(kept.device_mac),
            "family": kept.device_family or None,
            "language": kept.device_language or None,
            "first_seen_at": _utc(kept.device_first_seen_at),
            "last_seen_at": _utc(kept.device_last_seen_at),
            "erased_at": _utc(kept.device_erased_at),
        },
        "connections": [
            {
                "started_at": _utc(each.started_at),
                "ended_at": _utc(each.ended_at),
                "seconds": _seconds(each.time_online),
                "upload_octets": each.upload_octets,
                "download_octets": each.download_octets,
                "local_address": each.local_address or None,
                "place": each.site,
                "access_point": each.access_point or None,
                "erased_at": _utc(each.erased_at),
            }
            for each in kept.connections
        ],
        "announcements": [
            {
                "shown_at": _utc(each.shown_at),
                "title": each.title or None,
                "to_the_end": each.to_the_end,
                "link_followed": each.was_followed,
                "erased_at": _utc(each.erased_at),
            }
            for each in kept.announcements
        ],
        "write_to": shown_site(kept.site_id).contact or None,
    }


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
