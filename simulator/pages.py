"""The pocket's own pages: the pretend Internet, and the page that moves the phone about."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from simulator import wording
from simulator.access_point import AccessPoint
from simulator.phones import Phone

_LABELS = {"coovachilli": "CoovaChilli", "mikrotik": "MikroTik"}
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(str(Path(__file__).with_name("templates"))),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


def internet(gate: AccessPoint, phone: Phone, language: str) -> str:
    """What a phone that is online sees, whatever the page."""
    connection = phone.connection
    say = wording.words(language)
    facts: list[tuple[str, str]] = []
    downloading = ""
    if connection is not None:
        used = gate.now() - connection.started_at
        timeout = connection.limits.session_timeout
        facts = [
            (say("for"), wording.duration(used)),
            (say("left"), wording.duration(timeout - used) if timeout else say("no_limit")),
            (say("received"), wording.volume(connection.download_octets, language)),
            (say("sent"), wording.volume(connection.upload_octets, language)),
            (say("speed"), wording.speed(connection.limits.download_bps, say("no_limit"))),
        ]
        if connection.asked_for:
            downloading = say("downloading", left=wording.volume(connection.asked_for, language))
    log_off = "/logout" if gate.config.brand == "mikrotik" else "/logoff"
    return _render(
        "internet.html", language, say=say, facts=facts, downloading=downloading, log_off=log_off, phone=phone
    )


def pocket(gate: AccessPoint, phone: Phone, language: str) -> str:
    say = wording.words(language)
    packets = [
        (noted, *wording.packet_sentence(language, noted.kind, noted.mac, noted.detail))
        for noted in gate.log.latest_first()
    ]
    return _render(
        "pocket.html",
        language,
        say=say,
        phone=phone,
        places=gate.config.places,
        brand=_LABELS[gate.config.brand],
        packets=packets,
    )


def _render(template: str, language: str, **facts: object) -> str:
    return _ENVIRONMENT.get_template(template).render(language=language, **facts)
