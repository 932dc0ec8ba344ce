//! Lists the files and folders below a folder.
//!
//! Links are followed if they lead to places inside the project. To keep a listing linear, a link that is reached
//! through another link is followed only into a folder that has not been listed yet.

use std::collections::HashSet;
use std::fs::{self, DirEntry, FileType};
use std::io;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::reason;

use super::drafts::is_temporary;

/// The content of a folder. Every path begins with the caller's name for the folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) files: Vec<Utf8PathBuf>,
    /// The folder itself included.
    pub(super) folders: Vec<Utf8PathBuf>,
    /// Links that are not followed because they lead outside the project.
    pub(super) refused: Vec<Utf8PathBuf>,
    /// The real paths that the links below the folder lead to.
    pub(super) link_targets: Vec<PathBuf>,
}

/// Lists the folder at `path`, which the caller calls `name`; `root` is the project's root.
///
/// # Errors
/// If a subfolder cannot be listed; one that disappears meanwhile is skipped.
pub(super) fn list(root: &Utf8Path, path: &Utf8Path, name: &Utf8Path) -> io::Result<Listing> {
    let real = path.canonicalize()?;
    let allowed = [root.canonicalize().unwrap_or_else(|_| real.clone()), real.clone()];
    let mut walk = Walk { allowed, visited: HashSet::new(), listing: Listing::default() };
    let mut links = Vec::new();
    walk.folder(&real, name, &mut links)?;
    walk.follow_all(links)?;
    Ok(walk.listing)
}

/// The reason why a listing of `folder` leaves `path` out although a link stands there, or where a folder of it should be;
/// both are relative to the project's root.
pub(super) fn obstacle(root: &Utf8Path, folder: &Utf8Path, path: &Utf8Path) -> Option<io::Error> {
    let start = root.join(folder);
    let mut at = start.clone().into_std_path_buf();
    let mut name = folder.to_owned();
    for part in path.strip_prefix(folder).ok()?.components() {
        at.push(part);
        name.push(part);
        if !at.symlink_metadata().ok()?.is_symlink() {
            continue;
        }
        let link = if name == path { "it".to_owned() } else { format!("`{name}`") };
        match at.canonicalize() {
            Ok(target) if leads_out(root, &start, &target) => return Some(link_out(&link)),
            Ok(target) => at = target,
            Err(error) => return Some(broken_link(&link, &at, &error)),
        }
    }
    None
}

fn leads_out(root: &Utf8Path, folder: &Utf8Path, target: &Path) -> bool {
    let is_inside = |allowed: &Utf8Path| allowed.canonicalize().is_ok_and(|allowed| target.starts_with(allowed));
    !is_inside(root) && !is_inside(folder)
}

/// The error for a link that leads out of the project.
pub(super) fn link_out(link: &str) -> io::Error {
    let message = format!(
        "{link} is a link that leads out of the project; put a copy in its place, or link to a place in the project"
    );
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// The error for a link that cannot be followed.
fn broken_link(link: &str, at: &Path, error: &io::Error) -> io::Error {
    let target = fs::read_link(at).unwrap_or_default();
    let why = match error.kind() {
        io::ErrorKind::NotFound => "which does not exist".to_owned(),
        _ if is_circle(error) => "which leads back to the link".to_owned(),
        _ => format!("which cannot be followed: {}", reason(error)),
    };
    let message = format!("{link} is a link to `{}`, {why}", target.display());
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(unix)]
fn is_circle(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_circle(_: &io::Error) -> bool {
    false
}

/// A link to a folder, which is listed under the link's name.
struct FolderLink {
    name: Utf8PathBuf,
    target: PathBuf,
}

struct Walk {
    /// Links may lead to places below these folders.
    allowed: [PathBuf; 2],
    /// The real paths of the folders that have been listed.
    visited: HashSet<PathBuf>,
    listing: Listing,
}

impl Walk {
    /// Lists a folder by its real path. Links to folders are added to `links` instead of being followed.
    fn folder(&mut self, real: &Path, name: &Utf8Path, links: &mut Vec<FolderLink>) -> io::Result<()> {
        self.visited.insert(real.to_owned());
        self.listing.folders.push(name.to_owned());
        for (file_name, kind, entry) in entries_in_order(real)? {
            let name = name.join(&file_name);
            if kind.is_dir() {
                self.subfolder(&entry.path(), &name, links)?;
            } else if kind.is_symlink() {
                self.link(&entry, name, links);
            } else {
                // A pipe or a device is listed too: reading it is an error that names it.
                self.listing.files.push(name);
            }
        }
        Ok(())
    }

    /// Lists a subfolder; an error names it.
    fn subfolder(&mut self, real: &Path, name: &Utf8Path, links: &mut Vec<FolderLink>) -> io::Result<()> {
        match self.folder(real, name, links) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // An error from a deeper level names its folder already.
            Err(error) if error.kind() == io::ErrorKind::Other => Err(error),
            Err(error) => Err(io::Error::other(format!("its folder `{name}` cannot be listed: {}", reason(&error)))),
            Ok(()) => Ok(()),
        }
    }

    fn link(&mut self, entry: &DirEntry, name: Utf8PathBuf, links: &mut Vec<FolderLink>) {
        // A dangling link is skipped: editors create such links as locks.
        let Ok(target) = entry.path().canonicalize() else { return };
        let is_folder = target.is_dir();
        if is_folder && name.file_name().is_some_and(is_never_listed) {
            return;
        }
        if !self.allowed.iter().any(|allowed| target.starts_with(allowed)) {
            self.listing.refused.push(name);
            return;
        }
        if is_folder && !entry.path().starts_with(&target) {
            self.listing.link_targets.push(target.clone());
            links.push(FolderLink { name, target });
        } else if !is_folder {
            self.listing.link_targets.push(target);
            self.listing.files.push(name);
        }
    }

    /// Lists the targets of links, then the unlisted targets of links found there, and so on.
    fn follow_all(&mut self, links: Vec<FolderLink>) -> io::Result<()> {
        let mut found = self.follow_level(links)?;
        while !found.is_empty() {
            let mut targets = HashSet::new();
            found.retain(|link| !self.visited.contains(&link.target) && targets.insert(link.target.clone()));
            found = self.follow_level(found)?;
        }
        Ok(())
    }

    /// Lists the targets of links, in an order that does not depend on the file system; returns the links found there.
    fn follow_level(&mut self, mut links: Vec<FolderLink>) -> io::Result<Vec<FolderLink>> {
        links.sort_by(|left, right| left.name.cmp(&right.name));
        let mut found = Vec::new();
        for link in links {
            self.subfolder(&link.target, &link.name, &mut found)?;
        }
        found.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(found)
    }
}

/// The entries of a folder that a listing has, in the order of the paths at and below them, so that hardly anything is left
/// to sort in the end: thousands of long paths are slow to sort.
fn entries_in_order(folder: &Path) -> io::Result<Vec<(String, FileType, DirEntry)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type()?;
        let is_left_out = is_temporary(&name) || (kind.is_dir() && is_never_listed(&name));
        if !is_left_out {
            entries.push((name, kind, entry));
        }
    }
    entries.sort_unstable_by(|(left, left_kind, _), (right, right_kind, _)| {
        if left_kind.is_dir() || right_kind.is_dir() {
            let path = |name: &str, kind: &FileType| format!("{name}{}", if kind.is_dir() { "/" } else { "" });
            path(left, left_kind).cmp(&path(right, right_kind))
        } else {
            left.cmp(right)
        }
    });
    Ok(entries)
}

/// Folders of other tools, which contain no files of a project.
fn is_never_listed(name: &str) -> bool {
    matches!(name, ".git" | ".hg" | ".svn" | "__pycache__" | "node_modules" | ".venv")
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Project(tempfile::TempDir);

    impl Project {
        fn new(files: &[&str]) -> Self {
            let project = Self(tempfile::tempdir().unwrap());
            for file in files {
                let path = project.0.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            project
        }

        fn link(&self, link: &str, target: &str) {
            symlink(target, self.0.path().join(link)).unwrap();
        }

        #[track_caller]
        fn check(&self, files: &[&str], refused: &[&str]) {
            let root = Utf8Path::from_path(self.0.path()).unwrap();
            let mut listing = list(root, &root.join("t"), Utf8Path::new("t")).unwrap();
            listing.files.sort();
            assert_eq!(listing.files, files);
            assert_eq!(listing.refused, refused);
        }
    }

    #[test]
    fn links_inside_the_project_are_followed_and_others_are_named() {
        let project = Project::new(&["t/v1/a", "shared/b", "t/.git/c", "t/d.tmp", "t/.tgen-1.tmp"]);
        project.link("t/v2", "v1");
        project.link("t/shared", "../shared");
        project.link("t/b", "../shared/b");
        project.link("t/passwd", "/etc/passwd");
        project.link("t/etc", "/etc");
        project.link("t/nowhere", "gone");
        project.link("t/self", ".");
        let refused = ["t/etc", "t/passwd"];
        let root = Utf8Path::from_path(project.0.path()).unwrap();
        let mut listing = list(root, &root.join("t"), Utf8Path::new("t")).unwrap();
        listing.files.sort();
        listing.refused.sort();
        assert_eq!(listing.files, ["t/b", "t/d.tmp", "t/shared/b", "t/v1/a", "t/v2/a"]);
        assert_eq!(listing.refused, refused);
    }

    #[test]
    fn a_link_that_hides_a_file_is_an_obstacle_with_its_reason() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("a"), "").unwrap();
        let project = Project::new(&["t/a", "shared/a"]);
        project.link("t/out", outside.path().to_str().unwrap());
        project.link("t/out_a", outside.path().join("a").to_str().unwrap());
        project.link("t/gone", "nosuch");
        project.link("t/self", "self");
        project.link("t/one", "two");
        project.link("t/two", "one");
        project.link("t/shared", "../shared");
        project.link("shared/deeper", "nosuch");
        let root = Utf8Path::from_path(project.0.path()).unwrap();
        let obstacle = |path: &str| {
            super::obstacle(root, Utf8Path::new("t"), &Utf8Path::new("t").join(path)).map(|error| error.to_string())
        };
        let out = "a link that leads out of the project; put a copy in its place, or link to a place in the project";
        assert_eq!(obstacle("out/a"), Some(format!("`t/out` is {out}")));
        assert_eq!(obstacle("out_a"), Some(format!("it is {out}")));
        assert_eq!(obstacle("gone").as_deref(), Some("it is a link to `nosuch`, which does not exist"));
        assert_eq!(obstacle("gone/a").as_deref(), Some("`t/gone` is a link to `nosuch`, which does not exist"));
        assert_eq!(obstacle("self").as_deref(), Some("it is a link to `self`, which leads back to the link"));
        assert_eq!(obstacle("one/a").as_deref(), Some("`t/one` is a link to `two`, which leads back to the link"));
        assert_eq!(obstacle("shared/deeper").as_deref(), Some("it is a link to `nosuch`, which does not exist"));
        assert_eq!(["a", "nothing", "shared/a", "a/b", "nothing/b"].map(obstacle), [const { None }; 5]);
    }

    #[test]
    fn folders_that_link_to_each_other_are_listed_in_linear_time() {
        let folders: Vec<String> = (0..40).map(|number| format!("t/f{number:02}/x")).collect();
        let project = Project::new(&folders.iter().map(String::as_str).collect::<Vec<_>>());
        for from in 0..40 {
            for to in 0..40 {
                project.link(&format!("t/f{from:02}/to{to:02}"), &format!("../f{to:02}"));
            }
        }
        let root = Utf8Path::from_path(project.0.path()).unwrap();
        let listing = list(root, &root.join("t"), Utf8Path::new("t")).unwrap();
        assert_eq!(listing.files.len(), 40 + 40 * 39);
    }

    #[test]
    fn a_link_to_the_folder_above_ends() {
        let project = Project::new(&["t/a/x"]);
        project.link("t/a/up", "..");
        project.check(&["t/a/x"], &[]);
    }

    #[test]
    fn a_folder_that_cannot_be_listed_is_named() {
        use std::os::unix::fs::PermissionsExt;

        let project = Project::new(&["t/open/x", "t/open/locked/y"]);
        let locked = project.0.path().join("t/open/locked");
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        let root = Utf8Path::from_path(project.0.path()).unwrap();
        let listed = list(root, &root.join("t"), Utf8Path::new("t"));
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
        // Permissions do not restrict root.
        if !rustix::process::geteuid().is_root() {
            let error = listed.unwrap_err().to_string();
            assert_eq!(error, "its folder `t/open/locked` cannot be listed: permission denied");
        }
    }
}
