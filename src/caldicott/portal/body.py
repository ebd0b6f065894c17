"""What goes out for one address, made once and sent many times: bytes, packed bytes, and a tag that names them."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from typing import Final

_WORTH_PACKING: Final = 1024
_PACKED_ALREADY: Final = ("application/pdf", "application/vnd.openxmlformats", "image/png", "font/")


@dataclass(frozen=True, slots=True)
class Body:
    """An answer without its request."""

    media_type: str
    content: bytes = field(repr=False)
    packed: bytes | None = field(repr=False)
    """The same, gzipped; None where that saves nothing. Safe: a public page holds no secret [BREACH]."""
    tag: str

    def for_reader(self, *, unpacks: bool) -> tuple[bytes, str]:
        """The bytes and their entity tag, for a reader that does or does not unpack."""
        if unpacks and self.packed is not None:
            return self.packed, f'"{self.tag}-gz"'
        return self.content, f'"{self.tag}"'


def body(content: bytes, media_type: str) -> Body:
    """The bytes with all that can be known of them beforehand."""
    return Body(media_type, content, _packed(content, media_type), hashlib.sha256(content).hexdigest()[:32])


def _packed(content: bytes, media_type: str) -> bytes | None:
    if len(content) < _WORTH_PACKING or media_type.startswith(_PACKED_ALREADY):
        return None
    packed = gzip.compress(content, mtime=0)
    return packed if len(packed) < len(content) else None
