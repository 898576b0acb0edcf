//! Whether a directory is on a network file system. SQLite's write-ahead log needs memory that all of its users share, so all of
//! them must be on one host, and many such file systems cannot share memory at all.

use std::path::Path;

/// Types of file systems that several hosts may use at once, guests of a virtual machine included.
#[cfg(any(target_os = "linux", test))]
const NETWORK: [&str; 25] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "fakeowner",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "prl_fs",
    "pvfs2",
    "smb3",
    "smbfs",
    "vboxsf",
    "virtiofs",
    "vmhgfs",
    "wekafs",
];

/// File systems in user space that are over a disk or a directory of this host. All others are taken for network file systems: if
/// that is wrong, the logs stay longer than needed; but if it were wrong the other way round, the index could be damaged.
#[cfg(any(target_os = "linux", test))]
const LOCAL_FUSE: [&str; 9] =
    ["fuse-overlayfs", "overlayfs", "unionfs", "mergerfs", "ntfs-3g", "exfat", "gocryptfs", "encfs", "cryfs"];

/// Whether this directory is on a network file system, as far as the system says. Only Linux does.
pub(super) fn has(directory: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        let Ok(about) = std::fs::metadata(directory) else { return false };
        // A mount point may have bytes that are not UTF-8.
        let Ok(mounts) = std::fs::read("/proc/self/mountinfo") else { return false };
        type_of(&String::from_utf8_lossy(&mounts), about.dev()).is_some_and(is_network)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = directory;
        false
    }
}

/// The type of the file system with this device number, by Linux's list of mounts (`proc_pid_mountinfo(5)`).
#[cfg(any(target_os = "linux", test))]
fn type_of(mounts: &str, device: u64) -> Option<&str> {
    // As makedev(3) puts them together.
    let major = device >> 32 & 0xffff_f000 | device >> 8 & 0xfff;
    let minor = device >> 12 & 0xffff_ff00 | device & 0xff;
    let device = format!("{major}:{minor}");
    mounts.lines().find_map(|line| {
        // Spaces in paths are escaped. How many optional fields there are before the dash differs.
        let (mount, source) = line.split_once(" - ")?;
        let is_it = mount.split(' ').nth(2) == Some(&device);
        is_it.then(|| source.split(' ').next()).flatten()
    })
}

/// Whether a type of file system, as Linux calls it, is one that several hosts may use at once.
#[cfg(any(target_os = "linux", test))]
fn is_network(name: &str) -> bool {
    match name.strip_prefix("fuse") {
        // Over a block device.
        Some("blk") => false,
        Some(rest) if rest.is_empty() || rest.starts_with('.') => {
            !LOCAL_FUSE.contains(&rest.strip_prefix('.').unwrap_or(""))
        }
        _ => NETWORK.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:45 / /mnt/a\\040-\\040b rw shared:21 master:3 - nfs4 host:/export rw,vers=4.2
41 22 0:46 /below /home/me/there rw - fuse.sshfs me@host:/home rw
42 22 0:300 / /many rw - 9p share rw
a line that is none
43 22 0:47";

    #[test]
    fn a_device_has_the_type_of_its_mount() {
        for (major, minor, name) in [
            (254, 0, Some("ext4")),
            (0, 45, Some("nfs4")),
            (0, 46, Some("fuse.sshfs")),
            // More than a byte of minor numbers.
            (0, 300, Some("9p")),
            (0, 47, None),
            (0, 48, None),
        ] {
            let device: u64 = (minor & 0xff) | (major << 8) | (minor & !0xff) << 12;
            assert_eq!(type_of(MOUNTS, device), name, "{major}:{minor}");
        }
    }

    #[test]
    fn network_file_systems_are_known() {
        for name in ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "virtiofs", "fuse.sshfs", "fuse.unheard-of", "fuse"] {
            assert!(is_network(name), "{name}");
        }
        for name in ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuseblk", "fuse.fuse-overlayfs", "fusectl"] {
            assert!(!is_network(name), "{name}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_host_lists_its_file_systems() {
        use std::os::unix::fs::MetadataExt;
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let device = std::fs::metadata("/proc").unwrap().dev();
        assert_eq!(type_of(&mounts, device), Some("proc"));
        assert!(!has(Path::new("/proc")));
    }
}
