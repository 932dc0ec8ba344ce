//! Opens a transformers release: a folder, a wheel or another zip file, or an sdist.
//!
//! It finds the package and passes the few files that core needs to core, which parses them. This module must not know
//! their content. An archive is untrusted: the size of each unpacked file and of all together is limited.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read, Seek};

use anyhow::{Context as _, Result, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use flate2::bufread::GzDecoder;
use tgen_core::base::files::{Files, MemoryFiles, reason};
use tgen_core::base::problem::{Code, Problem};
use tgen_core::pipeline_map::PipelineMap;
use tgen_core::pipeline_map::release::{find_package, read_release, release_version};
use zip::ZipArchive;

use crate::world::disk;

/// A release and its package.
pub(crate) struct Release<'disk> {
    source: Source<'disk>,
    package: Utf8PathBuf,
}

enum Source<'disk> {
    Disk(&'disk dyn Files),
    Archive(MemoryFiles),
}

impl<'disk> Release<'disk> {
    /// Opens the release at `path`: an installed package, the folder or the virtual environment it is installed in, a
    /// source checkout, a wheel or an sdist. A folder is read through `disk`.
    pub(crate) fn open(path: &Utf8Path, disk: &'disk dyn Files) -> Result<Self> {
        let metadata = std::fs::metadata(path)
            .map_err(|error| anyhow!("`{path}` cannot be read: {}; name {WHAT_TO_NAME}", reason(&error)))?;
        let (source, package) = if metadata.is_dir() {
            (Source::Disk(disk), package_in_folder(path, disk))
        } else {
            let files = ArchiveFiles::read(path)?;
            let package = files.package();
            (Source::Archive(files.held), package)
        };
        let package =
            package.with_context(|| format!("there is no transformers package in `{path}`; name {WHAT_TO_NAME}"))?;
        Ok(Self { source, package })
    }

    /// The pipeline map of the release, and the problems of its source.
    pub(crate) fn read(&self) -> (PipelineMap, Vec<Problem>) {
        let (map, mut problems) = read_release(self.files(), &self.package);
        problems.extend(self.unprintable_names(&map));
        (map, problems)
    }

    /// An error for each name in a release that contains control characters: no real one does, and a terminal would
    /// obey them.
    fn unprintable_names(&self, map: &PipelineMap) -> Vec<Problem> {
        let version = release_version(self.files(), &self.package);
        let classes = map.model_types().flat_map(|name| {
            map.tasks(name).unwrap_or_default().iter().filter_map(move |task| map.auto_class(name, task))
        });
        let names: BTreeSet<&str> =
            map.model_types().chain(map.task_names()).chain(classes).chain(version.as_deref()).collect();
        let unprintable = names.into_iter().filter(|name| name.chars().any(char::is_control));
        let problem = |name: &str| {
            let message = format!("the release holds the name `{}` with control characters", name.escape_debug());
            Problem::error(Code::UnreadableRelease, message).help("name a release from a source that you trust")
        };
        unprintable.map(problem).collect()
    }

    /// The text of a file that a problem refers to.
    pub(crate) fn text(&self, path: &Utf8Path) -> Option<String> {
        self.files().read_text(path).ok()
    }

    /// The release's own version, if it is printable.
    pub(crate) fn version(&self) -> Option<String> {
        let version = release_version(self.files(), &self.package)?;
        (!version.chars().any(char::is_control)).then_some(version)
    }

    fn files(&self) -> &dyn Files {
        match &self.source {
            Source::Disk(disk) => *disk,
            Source::Archive(files) => files,
        }
    }
}

const WHAT_TO_NAME: &str =
    "the folder of an installed or unpacked transformers, a source checkout, a wheel or an sdist";

fn package_in_folder(folder: &Utf8Path, disk: &dyn Files) -> Option<Utf8PathBuf> {
    let folders = std::iter::once(folder.to_owned()).chain(site_packages(folder));
    folders.into_iter().find_map(|folder| find_package(disk, &folder))
}

/// The package folders of a virtual environment.
fn site_packages(environment: &Utf8Path) -> Vec<Utf8PathBuf> {
    let pythons = environment.join("lib").read_dir_utf8().into_iter().flatten().flatten();
    let mut folders: Vec<Utf8PathBuf> = pythons
        .filter(|entry| entry.file_name().starts_with("python"))
        .map(|entry| entry.path().join("site-packages"))
        .chain([environment.join("Lib/site-packages")])
        .collect();
    folders.sort();
    folders
}

/// The needed files of an archive, keyed by the archive's path joined with the path inside it.
struct ArchiveFiles<'a> {
    archive: &'a Utf8Path,
    held: MemoryFiles,
    /// The total size of these files, in bytes.
    size: u64,
    packages: BTreeSet<Utf8PathBuf>,
}

/// The limits for one unpacked file and for their sum. The files of a real release have 2 MB together.
const LARGEST_FILE: u64 = 16 << 20;
const LARGEST_SUM: u64 = 64 << 20;

impl<'a> ArchiveFiles<'a> {
    /// Reads a zip file or a gzipped tar, recognised by its first bytes.
    fn read(archive: &'a Utf8Path) -> Result<Self> {
        let mut files = Self { archive, held: MemoryFiles::default(), size: 0, packages: BTreeSet::new() };
        let unreadable = || format!("`{archive}` cannot be read");
        let file = disk::open_regular(archive)
            .map_err(|error| anyhow!("`{archive}` cannot be read: {}; name {WHAT_TO_NAME}", reason(&error)))?;
        let mut reader = BufReader::new(file);
        match reader.fill_buf().with_context(unreadable)? {
            [b'P', b'K', ..] => files.read_zip(reader).with_context(unreadable)?,
            [0x1f, 0x8b, ..] => files.read_tar(GzDecoder::new(reader)).with_context(unreadable)?,
            _ => bail!("`{archive}` is neither a zip file nor a gzipped tar; name {WHAT_TO_NAME}"),
        }
        Ok(files)
    }

    /// The package that is closest to the root of the archive.
    fn package(&self) -> Option<Utf8PathBuf> {
        let found = self.packages.iter().filter_map(|package| find_package(&self.held, package));
        found.min_by_key(|package| package.components().count())
    }

    fn read_zip(&mut self, reader: impl Read + Seek) -> Result<()> {
        let mut archive = ZipArchive::new(reader)?;
        for index in 0..archive.len() {
            let Some(Ok(name)) = archive.name_for_index(index) else { continue };
            let Some(path) = NeededPath::of(Utf8Path::new(&*name)) else { continue };
            self.hold(&path, archive.by_index(index)?)?;
        }
        Ok(())
    }

    fn read_tar(&mut self, reader: impl Read) -> Result<()> {
        for entry in tar::Archive::new(reader).entries()? {
            let entry = entry?;
            let name = entry.path()?.into_owned();
            if let Some(path) = Utf8Path::from_path(&name).and_then(NeededPath::of) {
                self.hold(&path, entry)?;
            }
        }
        Ok(())
    }

    fn hold(&mut self, path: &NeededPath, content: impl Read) -> Result<()> {
        let mut bytes = Vec::new();
        content.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST_FILE {
            bail!("`{}` in it is larger than any source file of transformers", path.inside);
        }
        self.size += bytes.len() as u64;
        if self.size > LARGEST_SUM {
            bail!("the source files in it are larger than those of any release of transformers");
        }
        self.packages.insert(self.archive.join(&path.package));
        self.held.insert(self.archive.join(&path.inside), bytes);
        Ok(())
    }
}

/// The path in an archive of a file that core may need.
struct NeededPath {
    package: Utf8PathBuf,
    inside: Utf8PathBuf,
}

impl NeededPath {
    fn of(inside: &Utf8Path) -> Option<Self> {
        let is_package = |folder: &&Utf8Path| folder.file_name() == Some("transformers");
        let package = inside.ancestors().skip(1).find(is_package)?;
        let (folder, file) = (inside.strip_prefix(package).ok()?.parent()?, inside.file_name()?);
        let needed = match folder.as_str() {
            "" | "pipelines" => file == "__init__.py",
            "models/auto" => inside.extension() == Some("py"),
            _ => false,
        };
        needed.then(|| Self { package: package.to_owned(), inside: inside.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{self, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    const PIPELINES: &str = "from ..models.auto.modeling_auto import AutoModelForSeq2SeqLM\n\
                             SUPPORTED_TASKS = {'text2text-generation': {'pt': (AutoModelForSeq2SeqLM,)}}\n";
    const MODELING_AUTO: &str =
        "class AutoModelForSeq2SeqLM:\n    _model_mapping = {'t5': 'T5ForConditionalGeneration'}\n";

    /// The files of a small release, below `folder`.
    fn release<'a>(folder: &str) -> Vec<(String, &'a str)> {
        let files = [
            ("__init__.py", "__version__ = \"5.23.0\"\n"),
            ("models/auto/modeling_auto.py", MODELING_AUTO),
            ("models/t5/modeling_t5.py", "import torch\n"),
            ("pipelines/__init__.py", PIPELINES),
        ];
        files.into_iter().map(|(path, content)| (format!("{folder}/{path}"), content)).collect()
    }

    struct TestFolder(tempfile::TempDir);

    impl TestFolder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> Utf8PathBuf {
            Utf8Path::from_path(self.0.path()).unwrap().join(name)
        }

        fn write(&self, files: &[(String, &str)]) {
            for (path, content) in files {
                let path = self.path(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, content).unwrap();
            }
        }

        fn wheel(&self, name: &str, files: &[(String, &str)]) -> Utf8PathBuf {
            let path = self.path(name);
            let mut zip = ZipWriter::new(File::create(&path).unwrap());
            for (path, content) in files {
                zip.start_file(path, SimpleFileOptions::default()).unwrap();
                zip.write_all(content.as_bytes()).unwrap();
            }
            zip.finish().unwrap();
            path
        }

        fn sdist(&self, name: &str, files: &[(String, &str)]) -> Utf8PathBuf {
            let path = self.path(name);
            let mut tar = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
            for (path, content) in files {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                tar.append_data(&mut header, path, content.as_bytes()).unwrap();
            }
            tar.into_inner().unwrap().finish().unwrap();
            path
        }
    }

    struct TestDisk;

    impl Files for TestDisk {
        fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> io::Result<()> {
            *buffer = std::fs::read(path)?;
            Ok(())
        }

        fn list(&self, _: &Utf8Path) -> io::Result<Vec<Utf8PathBuf>> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn is_file(&self, path: &Utf8Path) -> bool {
            path.is_file()
        }
    }

    #[track_caller]
    fn check(path: &Utf8Path) {
        let release = Release::open(path, &TestDisk).unwrap();
        let (map, problems) = release.read();
        assert_eq!(problems, []);
        assert_eq!(map.to_json(), "{\n  \"t5\": [\"text2text-generation\"]\n}\n");
        assert_eq!(release.version().as_deref(), Some("5.23.0"));
    }

    #[track_caller]
    fn check_error(path: &Utf8Path, expected: &str) {
        let error = Release::open(path, &TestDisk).err().map(|error| format!("{error:#}"));
        let error = error.unwrap().replace(path.as_str(), "PATH");
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn a_release_is_found_in_every_folder_that_may_be_named() {
        let folder = TestFolder::new();
        folder.write(&release("venv/lib/python3.12/site-packages/transformers"));
        folder.write(&release("checkout/src/transformers"));
        check(&folder.path("venv/lib/python3.12/site-packages/transformers"));
        check(&folder.path("venv/lib/python3.12/site-packages"));
        check(&folder.path("venv"));
        check(&folder.path("checkout"));
    }

    #[test]
    fn a_release_is_read_from_an_archive_whatever_the_archive_is_called() {
        let folder = TestFolder::new();
        check(&folder.wheel("transformers-5.23.0-py3-none-any.whl", &release("transformers")));
        check(&folder.wheel("main.zip", &release("transformers-main/src/transformers")));
        check(&folder.sdist("transformers-5.23.0.tar.gz", &release("transformers-5.23.0/src/transformers")));
        check(&folder.sdist("download", &release("transformers-5.23.0/src/transformers")));
    }

    #[test]
    fn a_name_with_control_characters_is_an_error() {
        let folder = TestFolder::new();
        let mut files = release("transformers");
        files[0].1 = "__version__ = \"5.23.0\u{1b}[31m\"\n";
        let wheel = folder.wheel("odd.whl", &files);
        let release = Release::open(&wheel, &TestDisk).unwrap();
        let messages: Vec<_> = release.read().1.into_iter().map(|problem| problem.message).collect();
        assert_eq!(messages, ["the release holds the name `5.23.0\\u{1b}[31m` with control characters"]);
        assert_eq!(release.version(), None);
    }

    #[test]
    fn an_archive_that_unpacks_to_more_than_a_release_is_refused() {
        let folder = TestFolder::new();
        let large = "#".repeat(usize::try_from(LARGEST_FILE).unwrap());
        let mut files = release("transformers");
        files.extend((0..8).map(|number| (format!("transformers/models/auto/m{number}.py"), large.as_str())));
        let message = "`PATH` cannot be read: the source files in it are larger than those of any release";
        check_error(&folder.wheel("large.whl", &files), message);
        check_error(&folder.sdist("large.tar.gz", &files), message);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = TestFolder::new();
        let pipe = folder.path("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        check_error(&pipe, "`PATH` cannot be read: it is a pipe or a device");
    }

    #[test]
    fn the_package_that_lies_highest_in_an_archive_counts() {
        let folder = TestFolder::new();
        let mut files = vec![("a/vendored/transformers/models/auto/modeling_auto.py".to_owned(), "")];
        files.extend(release("transformers"));
        check(&folder.wheel("two.whl", &files));
    }

    #[test]
    fn what_is_not_a_release_is_said() {
        let folder = TestFolder::new();
        folder.write(&[("notes.txt".to_owned(), "hello"), ("empty".to_owned(), ""), ("broken.whl".to_owned(), "PK..")]);
        let other = release("torch");
        check_error(&folder.path("nowhere"), "`PATH` cannot be read: it does not exist; name the folder of");
        check_error(&folder.path("notes.txt"), "`PATH` is neither a zip file nor a gzipped tar; name the folder of");
        check_error(&folder.path("empty"), "`PATH` is neither a zip file nor a gzipped tar; name the folder of");
        check_error(&folder.path("broken.whl"), "`PATH` cannot be read: ");
        check_error(&folder.path(""), "there is no transformers package in `PATH`; name the folder of");
        check_error(
            &folder.wheel("torch.whl", &other),
            "there is no transformers package in `PATH`; name the folder of",
        );
        check_error(
            &folder.sdist("torch.tar.gz", &other),
            "there is no transformers package in `PATH`; name the folder",
        );
    }

    #[test]
    fn an_archive_that_is_cut_short_is_said() {
        let folder = TestFolder::new();
        let path = folder.sdist("transformers.tar.gz", &release("transformers-5.23.0/src/transformers"));
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        check_error(&path, "`PATH` cannot be read: ");
    }
}
