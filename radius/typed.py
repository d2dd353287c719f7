"""What somebody typed on an access point's own page, as its Access-Request carries it: a voucher code, or card and PIN.

Such pages ask for a name and a password and know nothing of codes. A code is typed as the name; the password is left
empty, or is the code again. Anything else is a card number with its PIN.
"""

from hotspot.policy.voucher_codes import VoucherCode, parse_code, print_code
from hotspot.services.signing_in import LibraryCard, VoucherCodeGiven
from hotspot.values import RefusalReason, Refuse
from radius.authenticity import NoProof, Pap, Proof
from radius.messages import AccessRequest


def credential_of(request: AccessRequest) -> LibraryCard | VoucherCodeGiven | Refuse:
    """Of a PIN only a hash is held, which CHAP and MS-CHAPv2 cannot be checked against: a card goes by PAP."""
    code, proof = parse_code(request.user_name), request.proof
    if code is not None and _goes_with(code, request.user_name, proof):
        return VoucherCodeGiven(code)
    if isinstance(proof, Pap):
        return LibraryCard(request.user_name, proof.password.decode(errors="replace"))
    if isinstance(proof, NoProof):
        return Refuse(RefusalReason.WRONG_PASSWORD)
    return Refuse(RefusalReason.CARD_NEEDS_PAP if code is None else RefusalReason.VOUCHER_UNKNOWN)


def _goes_with(code: VoucherCode, as_typed: str, proof: Proof) -> bool:
    """Is the password empty, or the code once more? CHAP hides how it was spelt: as the name, or in a usual way."""
    if isinstance(proof, Pap):
        return not proof.password or parse_code(proof.password.decode(errors="replace")) == code
    printed = print_code(code)
    return any(proof.proves(each) for each in (as_typed, "", printed, printed.lower(), code, code.lower()))
