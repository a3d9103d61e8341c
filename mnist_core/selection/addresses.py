"""Numbers in an address, and back; what is wrong there is passed over."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from itertools import pairwise

MAX_NUMERALS = 9  # of a number in an address
MAX_AMONG = 2_000  # indices that an address names one by one
MAX_INDEX = 2**21  # what three bytes of an address can say, and more than there are


def number_in_query(query: Mapping[str, str], key: str, *, below: int) -> int | None:
    """The whole number from 0 that an address holds; None if missing or wrong."""
    text = query.get(key, "")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_NUMERALS):
        return None
    number = int(text)
    return number if number < below else None


def share_in_query(query: Mapping[str, str], key: str) -> float | None:
    """The fraction in [0, 1] that an address holds; None if missing or wrong."""
    return amount_in_query(query, key, up_to=1)


def amount_in_query(query: Mapping[str, str], key: str, *, up_to: int) -> float | None:
    """The number from 0 that an address holds; None if missing, wrong or larger."""
    text = query.get(key, "")
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(text) <= MAX_NUMERALS):
        return None
    amount = float(text)
    return amount if amount <= up_to else None


def packed(indices: tuple[int, ...]) -> str:
    """Rising indices as a short text: their steps, seven bits a byte, in base 64.

    A byte's highest bit says that more of the same number follows (the varint of
    protocol buffers).
    """
    data = bytearray()
    before = 0
    for index in indices:
        step, before = index - before, index
        while step > 127:
            data.append(step & 127 | 128)
            step >>= 7
        data.append(step)
    return urlsafe_b64encode(data).decode().rstrip("=")


def unpacked(text: str | None) -> tuple[int, ...] | None:
    """The indices that `packed` made a text of; None if it did not."""
    if text is None or len(text) > 4 * MAX_AMONG:
        return None
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    indices: list[int] = []
    index = step = shift = 0
    for byte in data:
        step |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            index += step
            indices.append(index)
            step = shift = 0
        elif shift > 21:
            return None
    among = tuple(indices)
    return among if shift == 0 and are_indices(among) else None


def are_indices(indices: tuple[int, ...]) -> bool:
    """Whether they rise from 0, and an address can hold them."""
    return (
        all(before < after for before, after in pairwise(indices))
        and len(indices) <= MAX_AMONG
        and (not indices or (indices[0] >= 0 and indices[-1] < MAX_INDEX))
    )
