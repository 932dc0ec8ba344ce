//! One watch writes a project's outputs at a time. The system lets go of the lock when the process ends, however it ends.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};

/// Held as long as this watch writes.
pub(super) struct Lock {
    _file: Option<File>,
}

impl Lock {
    /// Takes the lock of the outputs below `root`.
    pub(super) fn take(root: &Utf8Path) -> anyhow::Result<Self> {
        // Without a place for it two watches are not told apart; they write the same bytes, each file whole.
        let Some(mut file) = location(root).and_then(|path| open(&path).ok()) else { return Ok(Self { _file: None }) };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => bail!(
                "another `cargo tgen watch`{} writes the outputs of `{root}`; stop it, or look on with `--check`",
                holder(&mut file)
            ),
            Err(TryLockError::Error(_)) => Ok(Self { _file: None }),
            Ok(()) => {
                sign(&mut file);
                Ok(Self { _file: Some(file) })
            }
        }
    }
}

fn location(root: &Utf8Path) -> Option<Utf8PathBuf> {
    let real = root.canonicalize_utf8().unwrap_or_else(|_| root.to_owned());
    let name = blake3::hash(real.as_str().as_bytes()).to_hex();
    let folder = dirs::cache_dir().unwrap_or_else(std::env::temp_dir);
    Some(Utf8PathBuf::from_path_buf(folder).ok()?.join("cargo-tgen").join(format!("watch-{}", &name[..32])))
}

fn open(path: &Utf8Path) -> std::io::Result<File> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Says whose lock it is. Only the message of another watch needs it.
fn sign(file: &mut File) {
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
}

fn holder(file: &mut File) -> String {
    let mut process = String::new();
    match file.read_to_string(&mut process) {
        Ok(_) if process.parse::<u32>().is_ok() => format!(" (process {process})"),
        _ => String::new(),
    }
}
