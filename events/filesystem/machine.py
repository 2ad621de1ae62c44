"""What must be known of the machine under the files: which boot this is, and whose disk it is."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from events.filesystem.protocol import StrPath

UNKNOWN_BOOT = "unknown"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MOUNTS = Path("/proc/self/mountinfo")
_SYSCTL = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")

# Types whose locks, or whose shared memory for SQLite's WAL, do not hold between machines (or
# between a guest and its host). In Linux's mountinfo a FUSE type is "fuse." and the program's name.
_NETWORK = re.compile(
    r"9p|afs|beegfs|ceph|cifs|coda|davfs|gfs2|glusterfs|gpfs|lustre|ncpfs|nfs4?|ocfs2|orangefs"
    r"|prl_fs|smb3|smbfs|vboxsf|virtiofs|vmhgfs"
    r"|fuse\.(sshfs|glusterfs|ceph.*|curlftpfs|davfs.*|gcsfuse|goofys|google-drive.*|grpcfuse"
    r"|juicefs|mfs|moosefs|nfs.*|osxfs|rclone.*|s3fs|s3ql|seaweedfs|smb.*|vmhgfs.*)"
)


def boot_id(source: Path = _BOOT_ID) -> str:
    """A name for the time since this machine's last start, or `UNKNOWN_BOOT`.

    Args:
        source: Where Linux tells it (a container sees its host's).
    """
    if sys.platform == "darwin":  # pragma: no cover - the tests run on Linux
        import subprocess

        answer = subprocess.run(_SYSCTL, capture_output=True, text=True, check=False)
        return answer.stdout.strip() or UNKNOWN_BOOT
    try:
        return source.read_text("ascii").strip() or UNKNOWN_BOOT
    except (OSError, UnicodeDecodeError):
        return UNKNOWN_BOOT


def is_network_filesystem(path: StrPath, mounts: Path = _MOUNTS) -> str | None:
    """The type of the network (or shared) file system that holds ``path``; ``None`` if local.

    Args:
        path: It need not exist yet: then the place where it would be made counts.
        mounts: Linux's table of mounts, see proc_pid_mountinfo(5). Without one (macOS) every place
            is taken as local.
    """
    try:
        table = os.fsdecode(mounts.read_bytes())
    except OSError:
        return None
    place = Path(os.path.realpath(path))
    found, kind = Path(), ""
    for line in table.split("\n"):
        before, _, after = line.partition(" - ")
        fields, types = before.split(" "), after.split(" ")
        if len(fields) < 5:
            continue
        mount = Path(_unescape(fields[4]))
        # Of mounts over one another the later covers the earlier.
        if place.is_relative_to(mount) and len(mount.parts) >= len(found.parts):
            found, kind = mount, types[0]
    return kind if _NETWORK.fullmatch(kind) else None


def _unescape(name: str) -> str:
    """Undo the kernel's octal escapes of blanks, tabs, newlines and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), name)
