"""Who a caller is without keeping his number: one spelling for each number, a keyed hash of it, may we ring it.

The key never leaves the machine's files; without it the hash says nothing, with it everybody's hash could be tried
out, so it is as secret as a password. Knows nothing of calls.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex

import phonenumbers
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

REGION = "DE"  # where numbers without a country code are from
ORDINARY = frozenset(
    (
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
    )
)
E164_MAX = 16  # the plus and 15 digits
KEY_BYTES_MIN = 16
DIGEST_BYTES = 16
NONCE_BYTES = 12
SEAL = "1"  # how it was sealed: the first sign of what is kept


class BadKey(ValueError):
    """The key is missing or too short to be one."""


def normalise(number: str) -> str:
    """One spelling for one number: E.164, or the digits as they came where that says nothing; '' withheld.

    0171 1234567, +49 171 1234567, 0049171… and 49171… are the same caller. An extension stays as it is.
    """
    text = "".join(sign for sign in number if sign.isdigit() or sign == "+")
    digits = text.lstrip("+")
    if not digits.isascii() or not digits:
        return ""
    # Some trunks leave out the plus; a national number without its 0 is rarer, and seldom valid that way.
    spellings = (text,) if text[0] in "+0" else (f"+{text}", text)
    for spelling in spellings:
        try:
            parsed = phonenumbers.parse(spelling, REGION)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return digits


class Ringable:
    """Which numbers may be rung back: ordinary ones of these countries (ISO 3166), and none of our own.

    Who shows or keys in a number chooses whom we call at our cost, so premium, shared-cost and satellite numbers, other
    countries', emergency calls and our own hotlines (which would ring in a circle) are none.
    """

    def __init__(self, countries: Iterable[str], own: Iterable[str]) -> None:
        self._countries = frozenset(countries)
        self._own = frozenset(normalise(number) for number in own)
        self.of = lru_cache(maxsize=8_192)(self._of)

    def _of(self, number: str) -> str:
        """As E.164; '' if it may not be rung."""
        same = normalise(number)
        if not same.startswith("+") or same in self._own:
            return ""
        if len(same) > E164_MAX:
            return ""
        parsed = phonenumbers.parse(same)
        good = phonenumbers.number_type(parsed) in ORDINARY
        return same if good and phonenumbers.region_code_for_number(parsed) in self._countries else ""


def telephone(number: str) -> str:
    """A number as people write it: 0391 5550142, +33 1 23 45 67 89; digits that say nothing stay as they are."""
    same = normalise(number)
    if not same.startswith("+"):
        return same
    parsed = phonenumbers.parse(same)
    national = parsed.country_code == phonenumbers.country_code_for_region(REGION)
    form = PhoneNumberFormat.NATIONAL if national else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, form)


class Callers:
    """Numbers to keys. The same number gives the same key as long as the secret is the same."""

    def __init__(self, secret: str) -> None:
        """Raises BadKey for a secret that is too short."""
        if len(secret.encode()) < KEY_BYTES_MIN:
            raise BadKey(f"the key for callers' numbers is shorter than {KEY_BYTES_MIN} bytes; make a longer one")
        self._secret = blake2b(secret.encode(), digest_size=32).digest()  # blake2b takes at most 64 bytes of key
        self._cipher = AESGCM(blake2b(b"numbers", key=self._secret, digest_size=32).digest())
        self.key_of = lru_cache(maxsize=8_192)(self._key_of)

    def _key_of(self, number: str) -> str:
        """'' for a withheld number."""
        same = normalise(number)
        return blake2b(same.encode(), key=self._secret, digest_size=DIGEST_BYTES).hexdigest() if same else ""

    def seal(self, number: str, of: str) -> str:
        """A number as it may be kept: only with the same secret, and only as that of the same thing, it opens again."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, number.encode(), of.encode())
        return SEAL + urlsafe_b64encode(sealed).decode()

    def unseal(self, sealed: str, of: str) -> str:
        """Raises BadKey when it was sealed with another secret, for something else, or is no such text."""
        try:
            if not sealed.startswith(SEAL):
                raise ValueError
            data = urlsafe_b64decode(sealed[len(SEAL) :])
            return self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], of.encode()).decode()
        except (ValueError, InvalidTag):
            raise BadKey("a kept number cannot be read: was the key for callers' numbers exchanged?") from None


def kept_secret(path: Path) -> str:
    """The secret in this file, made if it is missing; readable by its owner only. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{token_hex(32)}\n".encode())
        os.fsync(descriptor)
        os.link(fresh, path)  # whole or not at all, and never over one that another process made
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        fresh.unlink()
    return path.read_text(encoding="ascii").strip()
