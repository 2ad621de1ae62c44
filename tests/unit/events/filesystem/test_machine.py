from __future__ import annotations

from pathlib import Path

import pytest

from events.filesystem import UNKNOWN_BOOT, boot_id, is_network_filesystem


class TestMachine:
    def test_boot_id_is_the_kernels(self):
        assert boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    @pytest.mark.parametrize("content", [None, b"", b"\xff"])
    def test_boot_id_that_cannot_be_read(self, tmp_path, content):
        if content is not None:
            (tmp_path / "id").write_bytes(content)
        assert boot_id(tmp_path / "id") == UNKNOWN_BOOT

    @pytest.mark.parametrize(
        ("place", "kind"),
        [
            ("/data/x", None),
            ("/data/nas", "nfs4"),
            ("/data/nas/deep/er", "nfs4"),
            ("/data/nasty", None),
            ("/data/with blank/x", "cifs"),
            ("/data/ssh", "fuse.sshfs"),
            ("/data/ntfs", None),
            ("/data/covered", None),
            ("/data/\udcff", "9p"),
        ],
    )
    def test_the_innermost_mount_decides(self, tmp_path, place, kind):
        table = [
            rb"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
            rb"23 22 0:50 / /data/nas rw - nfs4 server:/x rw",
            rb"24 22 0:51 / /data/with\040blank rw shared:2 master:1 - cifs //server/y rw",
            rb"25 22 0:52 / /data/ssh rw - fuse.sshfs me@there:/ rw",
            rb"26 22 0:53 / /data/ntfs rw - fuseblk /dev/sdb rw",
            rb"27 22 0:54 / /data/covered rw - nfs server:/x rw",
            rb"28 27 0:55 / /data/covered rw - ext4 /dev/sdc rw",
            b"29 22 0:56 / /data/\xff rw - 9p host rw",
            rb"cut short",
        ]
        (tmp_path / "mounts").write_bytes(b"\n".join(table))
        assert is_network_filesystem(place, tmp_path / "mounts") == kind

    def test_a_link_counts_where_it_leads(self, tmp_path):
        (tmp_path / "link").symlink_to("/data/nas")
        (tmp_path / "mounts").write_text(
            "22 1 254:0 / / rw - ext4 /dev/vda rw\n23 22 0:50 / /data/nas rw - nfs server:/x rw\n"
        )
        assert is_network_filesystem(tmp_path / "link" / "d", tmp_path / "mounts") == "nfs"

    def test_without_a_table_all_is_local(self, tmp_path):
        assert is_network_filesystem(tmp_path, tmp_path / "none") is None

    def test_this_machine(self, tmp_path):
        assert is_network_filesystem(tmp_path) is None
