//! A zip file with the tests, what they import, the plan and the driver: the same files give the same bytes.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use camino::{Utf8Path, Utf8PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::run::WORKER_SCRIPTS;

/// The folder of the bundle that has the project's files.
const PROJECT_FILES: &str = "files";
/// The largest bundle: Ray 2.60 takes no larger package.
const MOST_BYTES: usize = 100 << 20;

/// The driver.
const DRIVER: [(&str, &str); 11] = [
    ("driver.py", include_str!("driver/driver.py")),
    ("tgen_driver/__init__.py", include_str!("driver/tgen_driver/__init__.py")),
    ("tgen_driver/command_line.py", include_str!("driver/tgen_driver/command_line.py")),
    ("tgen_driver/launcher.py", include_str!("driver/tgen_driver/launcher.py")),
    ("tgen_driver/local.py", include_str!("driver/tgen_driver/local.py")),
    ("tgen_driver/machine.py", include_str!("driver/tgen_driver/machine.py")),
    ("tgen_driver/on_ray.py", include_str!("driver/tgen_driver/on_ray.py")),
    ("tgen_driver/plan.py", include_str!("driver/tgen_driver/plan.py")),
    ("tgen_driver/results.py", include_str!("driver/tgen_driver/results.py")),
    ("tgen_driver/schedule.py", include_str!("driver/tgen_driver/schedule.py")),
    ("tgen_driver/unit.py", include_str!("driver/tgen_driver/unit.py")),
];
/// The folder of the bundle that has the scripts which `cargo tgen run` starts tests with: the driver does so too.
const WORKER: &str = "tgen_driver/worker";

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    #[error(
        "the bundle would be larger than {} MiB; select fewer tests with `--model` or `--suite`, or leave out what `--include` adds",
        MOST_BYTES >> 20
    )]
    TooLarge,
    #[error("cannot make the zip file")]
    Zip(#[from] zip::result::ZipError),
    #[error("cannot make the zip file")]
    Io(#[from] std::io::Error),
}

/// The files of a bundle, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Bundle {
    entries: BTreeMap<Utf8PathBuf, Vec<u8>>,
}

impl Bundle {
    /// A bundle of the driver and its plan.
    pub(crate) fn new(plan: Vec<u8>) -> Self {
        let driver = DRIVER.iter().map(|(name, text)| (Utf8PathBuf::from(*name), text.as_bytes().to_vec()));
        let worker =
            WORKER_SCRIPTS.iter().map(|(name, text)| (Utf8Path::new(WORKER).join(name), text.as_bytes().to_vec()));
        let mut entries: BTreeMap<_, _> = driver.chain(worker).collect();
        entries.insert("plan.json".into(), plan);
        Self { entries }
    }

    /// Adds a file of the project.
    pub(crate) fn add(&mut self, path: &Utf8Path, content: Vec<u8>) {
        self.entries.insert(Utf8Path::new(PROJECT_FILES).join(path), content);
    }

    /// The zip file.
    ///
    /// # Errors
    /// It is larger than [`MOST_BYTES`].
    pub(crate) fn zip(&self) -> Result<Vec<u8>, BundleError> {
        self.zip_up_to(MOST_BYTES)
    }

    fn zip_up_to(&self, most: usize) -> Result<Vec<u8>, BundleError> {
        // What compresses so well that it fits is no reason to fill the memory first.
        if self.entries.values().map(Vec::len).sum::<usize>() > most.saturating_mul(16) {
            return Err(BundleError::TooLarge);
        }
        let bytes = zip_of(&self.entries)?;
        if bytes.len() > most { Err(BundleError::TooLarge) } else { Ok(bytes) }
    }
}

/// A zip file of these files: the same files give the same bytes.
///
/// # Errors
/// The format cannot hold them.
pub(crate) fn zip_of(files: &BTreeMap<Utf8PathBuf, Vec<u8>>) -> Result<Vec<u8>, zip::result::ZipError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(zip_name(name), options)?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The name in the zip file, which has forward slashes everywhere.
fn zip_name(path: &Utf8Path) -> String {
    path.components().map(|part| part.as_str().to_owned()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(files: &[(&str, &str)]) -> Bundle {
        let mut bundle = Bundle::new(b"{}".to_vec());
        for (path, text) in files {
            bundle.add(Utf8Path::new(path), text.as_bytes().to_vec());
        }
        bundle
    }

    #[test]
    fn the_same_files_give_the_same_bytes_in_whatever_order_they_are_added() {
        let one = bundle(&[("a.py", "1"), ("b/c.py", "2")]).zip().unwrap();
        assert_eq!(one, bundle(&[("b/c.py", "2"), ("a.py", "1")]).zip().unwrap());
        assert_ne!(one, bundle(&[("a.py", "1"), ("b/c.py", "3")]).zip().unwrap());
    }

    #[test]
    fn a_bundle_that_ray_would_refuse_is_refused_with_the_next_step() {
        let large = bundle(&[("one.py", "1")]);
        let size = large.zip().unwrap().len();
        assert!(large.zip_up_to(size).is_ok());
        let error = large.zip_up_to(size - 1).unwrap_err().to_string();
        assert!(error.contains("100 MiB") && error.contains("`--model`"), "{error}");
    }
}
