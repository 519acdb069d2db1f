"""Small real disk images; README.md says how each was made."""

import gzip
from pathlib import Path


def image(name: str) -> bytes:
    """Return an image's bytes, for example those of `v3.qcow2`."""
    return gzip.decompress((Path(__file__).parent / f"{name}.gz").read_bytes())
