//! Control groups of Linux (version 2), one for each process of a test file: the kernel tells the peak of its memory.
//!
//! They can be made only where the system lets the user do so, as in a session of systemd. This module must not know tests.

use std::fs;
use std::process;

use camino::{Utf8Path, Utf8PathBuf};

use super::messages::StartId;

/// Where the groups are mounted.
const MOUNT: &str = "/sys/fs/cgroup";
/// How the names of our groups begin; the runner's process id and the number of the start follow.
const PREFIX: &str = "tgen-run-";

/// The group in which others may be made.
#[derive(Debug)]
pub(super) struct ControlGroups {
    folder: Utf8PathBuf,
}

/// The group of a process and all that it starts. Dropping it removes it, once nothing is left in it.
#[derive(Debug)]
pub(super) struct ControlGroup {
    pub(super) folder: Utf8PathBuf,
}

impl ControlGroups {
    /// Where this process may make groups; `None` if it may not.
    pub(super) fn delegated() -> Option<Self> {
        let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
        let groups = Self::find(MOUNT.into(), &membership)?;
        groups.remove_stale();
        Some(groups)
    }

    /// The kernel allows no process in a group that controls the memory of subgroups, except in the root group. So the new groups
    /// are made beside the group of this process.
    fn find(mount: &Utf8Path, membership: &str) -> Option<Self> {
        let own = membership.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let own = mount.join(own);
        let above = own.parent().filter(|above| above.starts_with(mount)).map(Utf8Path::to_owned);
        let candidates = [Some(own), above].into_iter().flatten();
        let mut groups = candidates.filter(|folder| counts_memory_below(folder)).map(|folder| Self { folder });
        groups.find(|groups| groups.create(StartId(0)).is_some())
    }

    /// Makes the group of a start.
    pub(super) fn create(&self, id: StartId) -> Option<ControlGroup> {
        let folder = self.folder.join(format!("{PREFIX}{}-{}", process::id(), id.0));
        fs::create_dir(&folder).ok()?;
        Some(ControlGroup { folder })
    }

    /// Removes the groups of runners that were killed, unless processes are left in them.
    fn remove_stale(&self) {
        for entry in self.folder.read_dir_utf8().into_iter().flatten().flatten() {
            let runner = entry.file_name().strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
            if runner.is_some_and(|(runner, _)| !Utf8Path::new("/proc").join(runner).exists()) {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

fn counts_memory_below(folder: &Utf8Path) -> bool {
    let controllers = fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
    controllers.split_whitespace().any(|controller| controller == "memory")
}

impl ControlGroup {
    /// The most memory that its processes have used together, in bytes; `None` before Linux 5.19.
    pub(super) fn peak(&self) -> Option<u64> {
        fs::read_to_string(self.folder.join("memory.peak")).ok()?.trim().parse().ok()
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // The next run tries again.
        let _ = fs::remove_dir(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that stands for a mount of control groups, with the controllers that each group has for those below it.
    fn mount(groups: &[(&str, &str)]) -> (tempfile::TempDir, Utf8PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let mount = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        for (group, controllers) in groups {
            fs::create_dir_all(mount.join(group)).unwrap();
            fs::write(mount.join(group).join("cgroup.subtree_control"), controllers).unwrap();
        }
        (folder, mount)
    }

    #[track_caller]
    fn check(groups: &[(&str, &str)], membership: &str, expected: Option<&str>) {
        let (_folder, mount) = mount(groups);
        let found = ControlGroups::find(&mount, membership).map(|groups| groups.folder);
        assert_eq!(found, expected.map(|group| mount.join(group)));
    }

    #[test]
    fn groups_are_made_where_memory_is_handed_on() {
        check(&[("", "cpu memory pids\n")], "0::/\n", Some(""));
        check(&[("app", "memory\n"), ("app/own", "")], "0::/app/own\n", Some("app"));
        check(&[("app", "cpu\n"), ("app/own", "")], "0::/app/own\n", None);
        check(&[("", "memory\n")], "4:memory:/x\n", None);
        check(&[], "0::/gone/own\n", None);
    }

    #[test]
    fn a_group_tells_its_peak_and_goes_with_its_process() {
        let (_folder, mount) = mount(&[("", "memory\n")]);
        let groups = ControlGroups::find(&mount, "0::/\n").unwrap();
        let group = groups.create(StartId(7)).unwrap();
        assert_eq!(group.peak(), None);
        let told = group.folder.join("memory.peak");
        fs::write(&told, "4096\n").unwrap();
        assert_eq!(group.peak(), Some(4096));
        // The files of a real group go with it.
        fs::remove_file(told).unwrap();
        let folder = group.folder.clone();
        drop(group);
        assert!(!folder.exists());
    }

    #[test]
    fn the_groups_of_runners_that_are_gone_are_removed() {
        let (_folder, mount) = mount(&[("", "memory\n")]);
        let groups = ControlGroups::find(&mount, "0::/\n").unwrap();
        let own = groups.create(StartId(1)).unwrap();
        let stale = mount.join(format!("{PREFIX}4194305-1"));
        fs::create_dir(&stale).unwrap();
        groups.remove_stale();
        assert!(own.folder.exists() && !stale.exists());
    }
}
