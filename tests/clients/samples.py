"""What the catalog is expected to make of each image of tests/images."""

from dataclasses import dataclass

MIB = 1 << 20  # bytes


@dataclass(frozen=True)
class Accepted:
    """An image that is what disk_format says."""

    name: str
    disk_format: str
    virtual_size: int | None = MIB  # bytes


@dataclass(frozen=True)
class Refused:
    """An image that is refused as disk_format, and what the reason says."""

    name: str
    disk_format: str
    reason: str


ACCEPTED = (
    Accepted("plain.raw", "raw"),
    Accepted("gpt.raw", "raw"),
    Accepted("v3.qcow2", "qcow2"),
    Accepted("v2.qcow2", "qcow2"),
    Accepted("lazy.qcow2", "qcow2"),
    Accepted("plain.vdi", "vdi"),
    Accepted("dynamic.vhd", "vhd", 1_079_296),  # whole cylinders
    Accepted("fixed.vhd", "vhd"),
    Accepted("plain.vhdx", "vhdx"),
    Accepted("sparse.vmdk", "vmdk"),
    Accepted("stream.vmdk", "vmdk"),
    Accepted("plain.iso", "iso", 376_832),
    Accepted("hybrid.iso", "iso", 69_632),  # the CD's file system, not the partition behind it
    Accepted("hybrid.iso", "raw", 475_136),
)

REFUSED = (
    Refused("backing.qcow2", "qcow2", "it needs a backing file"),
    Refused("v3.qcow2", "raw", "disk_format is declared as raw, but the data is qcow2"),
    Refused("datafile.qcow2", "qcow2", "its data is in another file"),
    Refused("flat.vmdk", "vmdk", "it is not a single file"),
    Refused("plain.qed", "raw", "the data is qed"),
    Refused("v1.luks", "raw", "the data is luks"),
    Refused("v2.luks", "raw", "the data is luks"),
    Refused("plain.raw", "qcow2", "the data is not recognised as qcow2"),
)
