"""What the pocket's own pages say, in French and English. Only the phone's user and the curious read it."""

from collections.abc import Callable

Words = Callable[..., str]

_TEXTS: dict[str, tuple[str, str]] = {
    "pretend": ("L’internet pour de faux", "The pretend Internet"),
    "online": ("Vous êtes en ligne", "You are online"),
    "page": (
        "Cette page joue le rôle de n’importe quel site. Derrière elle, un point d’accès de poche compte le temps et "
        "le volume, comme un vrai.",
        "This page plays the part of any web site. Behind it, a pocket access point counts time and volume like a "
        "real one.",
    ),
    "for": ("Depuis", "Online for"),
    "left": ("Temps restant", "Time left"),
    "no_limit": ("sans limite", "no limit"),
    "received": ("Reçu", "Received"),
    "sent": ("Envoyé", "Sent"),
    "speed": ("Débit autorisé", "Speed allowed"),
    "download": ("Télécharger 10 Mo", "Download 10 MB"),
    "downloading": ("Téléchargement : encore {left}", "Downloading: {left} to go"),
    "log_off": ("Me déconnecter", "Log off"),
    "to_pocket": ("Régler le point d’accès de poche", "Pocket access point settings"),
    "pocket": ("Le point d’accès de poche", "The pocket access point"),
    "pocket_intro": (
        "Il se comporte comme un vrai point d’accès {brand} : il renvoie le téléphone vers le portail, parle RADIUS "
        "avec le serveur et tient le temps.",
        "It behaves like a real {brand} access point: it sends the phone to the portal, speaks RADIUS with the "
        "server and keeps time.",
    ),
    "phone": ("Votre téléphone", "Your phone"),
    "phone_is": ("Adresse {mac}, à : {place}", "Address {mac}, at: {place}"),
    "is_online": ("en ligne", "online"),
    "is_offline": ("pas encore connecté", "not connected yet"),
    "is_asleep": ("en veille", "asleep"),
    "walk": ("Aller à : {place}", "Walk to: {place}"),
    "another": ("Prendre un autre téléphone", "Be another phone"),
    "sleep": ("Mettre en veille (plus de trafic)", "Put to sleep (no more traffic)"),
    "wake": ("Réveiller le téléphone", "Wake the phone"),
    "browse": ("Ouvrir une page", "Open a web page"),
    "said": ("Ce que le point d’accès et le serveur se disent", "What the access point and the server say"),
    "nothing": ("Rien encore.", "Nothing yet."),
    "details": ("Attributs", "Attributes"),
    "mailbox": ("La boîte aux lettres de démonstration", "The demonstration mailbox"),
    "mailbox_intro": (
        "Tous les e-mails et les SMS de la ville arrivent ici, le plus récent en premier. Rien n’en sort.",
        "All mails and text messages of the town arrive here, the newest first. Nothing leaves.",
    ),
    "no_message": ("Aucun message pour le moment.", "No message yet."),
    "mail_to": ("E-mail à {to}", "Mail to {to}"),
    "text_to": ("SMS au {to}", "Text message to {to}"),
    "access_point": ("le point d’accès", "the access point"),
    "server": ("le serveur", "the server"),
}

PACKETS: dict[str, tuple[str, str, str]] = {
    "access-request": (
        "→ Access-Request",
        "Le téléphone {mac} veut entrer ; voici son identifiant à usage unique.",
        "Phone {mac} wants to come in; here is its one-time login.",
    ),
    "access-accept": (
        "← Access-Accept",
        "Laissez entrer {mac}, dans ces limites.",
        "Let {mac} in, within these limits.",
    ),
    "access-reject": ("← Access-Reject", "N’ouvrez pas à {mac}. {detail}", "Keep {mac} out. {detail}"),
    "no-answer": (
        "← …",
        "Pas de réponse : {mac} reste dehors.",
        "No answer: {mac} stays outside.",
    ),
    "start": ("→ Accounting Start", "{mac} est en ligne.", "{mac} is online."),
    "interim": (
        "→ Accounting Interim-Update",
        "{mac} est toujours là ; voici ses compteurs.",
        "{mac} is still here; these are its counters.",
    ),
    "stop": ("→ Accounting Stop", "{mac} n’est plus en ligne.", "{mac} is no longer online."),
    "on": (
        "→ Accounting-On",
        "Le point d’accès démarre : personne n’est en ligne.",
        "I have just started: nobody is on.",
    ),
    "off": ("→ Accounting-Off", "Le point d’accès s’arrête.", "I am going down."),
    "accounting-response": ("← Accounting-Response", "C’est noté.", "That is written down."),
    "accounting-lost": (
        "← …",
        "Pas de réponse après cinq envois : compte rendu perdu.",
        "No answer to five copies: the report is lost.",
    ),
    "disconnect-request": ("← Disconnect-Request", "Coupez cette connexion.", "End this connection."),
    "coa-request": ("← CoA-Request", "Changez ses limites.", "Change its limits."),
    "change-ack": ("→ ACK", "C’est fait.", "Done."),
    "change-nak": ("→ NAK", "Je ne connais pas cette connexion.", "I know no such connection."),
}


def choose_language(accept_language: str) -> str:
    """French, unless the browser names English before it."""
    for part in accept_language.lower().split(","):
        language = part.split(";")[0].strip()[:2]
        if language in ("fr", "en"):
            return language
    return "fr"


def words(language: str) -> Words:
    def say(key: str, **facts: str) -> str:
        return _TEXTS[key][language == "en"].format(**facts)

    return say


def packet_sentence(language: str, kind: str, mac: str, detail: str) -> tuple[str, str]:
    """(its printed name with an arrow, the sentence)."""
    name, french, english = PACKETS[kind]
    return name, (english if language == "en" else french).format(mac=mac, detail=detail).strip()


def duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def volume(octets: int, language: str) -> str:
    unit = "o" if language == "fr" else "B"
    for size, prefix in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if octets >= size:
            text = f"{octets / size:.1f}"
            return f"{text.replace('.', ',') if language == 'fr' else text} {prefix}{unit}"
    return f"{octets} {unit}"


def speed(bps: int, no_limit: str) -> str:
    return f"{bps / 1_000_000:g} Mbit/s" if bps else no_limit
