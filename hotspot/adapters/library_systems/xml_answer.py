"""XML that is a list of names and texts. A document type is refused before anything is made of it: without one there
are no entities to expand and no files to fetch."""

from xml.parsers import expat

from hotspot.adapters.library_systems.library_system import Step
from hotspot.adapters.library_systems.trouble import Trouble

_DEEPEST = 64


def read_flat(body: bytes, described: str) -> tuple[str, dict[str, str]]:
    """The name of the root, and the text of each of its children that has no children; the first of several of a name.
    Trouble, with `described`, if it is no such XML."""
    path: list[str] = []
    root = ""
    fields: dict[str, str] = {}
    texts: list[str] = []
    is_flat = True

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal root, is_flat
        path.append(name)
        if len(path) > _DEEPEST:
            raise Trouble(Step.SPEAKS, f"{described}: XML that is too deep")
        root = root or name
        is_flat = len(path) == 2
        texts.clear()

    def end(name: str) -> None:
        if len(path) == 2 and is_flat:
            fields.setdefault(name, "".join(texts).strip())
        path.pop()

    def refuse(*_: object) -> None:
        raise Trouble(Step.SPEAKS, f"{described}: XML with a document type")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = texts.append
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Trouble(Step.SPEAKS, f"{described}: not XML") from error
    return root, fields


def check_xml(text: str) -> None:
    """ValueError unless it is well-formed, and has nothing in which escaping would not be what it is elsewhere."""

    def refuse(*_: object) -> None:
        raise ValueError("document type, comment, CDATA or processing instruction")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.CommentHandler = refuse
    parser.StartCdataSectionHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError("not XML") from error
