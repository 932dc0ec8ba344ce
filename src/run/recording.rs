//! The results file of a run: a line is appended as soon as there is something to record, so that a run that is killed loses
//! nothing. Only the runner writes it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use tgen_core::results::reading;

/// A results file that is being written.
pub(crate) struct Recording {
    file: File,
    path: Utf8PathBuf,
}

impl Recording {
    /// Opens a results file, to append to it.
    pub(crate) fn open(path: &Utf8Path) -> anyhow::Result<Self> {
        let failed = || format!("cannot write the results to `{path}`");
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(failed)?;
        }
        let mut file = File::options().read(true).append(true).create(true).open(path).with_context(failed)?;
        if is_cut(&mut file).with_context(failed)? {
            file.write_all(b"\n").with_context(failed)?;
        }
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends a line.
    pub(crate) fn add(&mut self, record: &impl Serialize) -> anyhow::Result<()> {
        let line = reading::line(record);
        self.file.write_all(line.as_bytes()).with_context(|| format!("cannot write the results to `{}`", self.path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }
}

/// Whether the last line has no end, because its writer was killed.
fn is_cut(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_does_not_spoil_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("new/results.jsonl");
        Recording::open(&path).unwrap().add(&1).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"{\"cut").unwrap();
        Recording::open(&path).unwrap().add(&2).unwrap();
        Recording::open(&path).unwrap().add(&3).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n{\"cut\n2\n3\n");
    }
}
