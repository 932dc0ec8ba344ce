//! Exports templates and mappings to a folder and imports them from one, without loss.
//!
//! The folder has a file for each version of each template, readable for people and `git diff`, and an index with
//! everything else, mappings included. Times are preserved, so that the newest template of a family stays the newest.

use std::collections::HashSet;
use std::io;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use duckdb::{Connection, params};
use serde::{Deserialize, Serialize};
use tgen_core::base::files::{Files, reason};
use tgen_core::model::hardware::HardwareType;

use super::error::StoreError;
use super::mappings::{self, Mapping};
use super::templates::{self, Template};
use super::{Store, clock};
use crate::world::disk::{Disk, Writer};

/// What was exported, or what an import added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Templates.
    pub(crate) templates: usize,
    /// Versions of templates.
    pub(crate) versions: usize,
    /// Model mappings.
    pub(crate) mappings: usize,
}

/// The file that describes the others.
const INDEX: &str = "index.json";
const FORMAT: &str = "cargo-tgen template archive 1";
/// How many templates are held in memory at once.
const BATCH: usize = 200;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    format: String,
    templates: Vec<IndexedTemplate>,
    mappings: Vec<IndexedMapping>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexedTemplate {
    name: String,
    family: String,
    hardware: Vec<String>,
    description: Option<String>,
    /// From the oldest to the newest.
    versions: Vec<IndexedVersion>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexedVersion {
    file: Utf8PathBuf,
    dialect: String,
    added_at: String,
    content_hash: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexedMapping {
    model: String,
    family: String,
    template: Option<String>,
    description: Option<String>,
}

impl Store {
    /// Writes all templates and mappings into a folder that is new, empty, or an earlier export.
    pub(crate) fn export(&self, folder: &Utf8Path) -> Result<Counts, StoreError> {
        let folder = super::opening::absolute(folder)?;
        let earlier = files_of_earlier_export(&folder)?;
        let writer = Writer::new(&folder).map_err(StoreError::io("create", &folder))?;
        let index = self.export_contents(&writer, &folder)?;
        let text = serde_json::to_vec_pretty(&index).map_err(|error| StoreError::Failed(error.to_string()))?;
        writer.write(INDEX.into(), &text).map_err(StoreError::io("write", &folder.join(INDEX)))?;
        let current: HashSet<_> = index.files().collect();
        for file in earlier.iter().filter(|file| !current.contains(file.as_path())) {
            writer.delete(file).map_err(StoreError::io("delete", &folder.join(file)))?;
        }
        Ok(index.counts())
    }

    /// Adds the templates, versions and mappings of an exported folder, all or none. The versions of a template that exists
    /// already must agree with the imported ones as far as both go.
    pub(crate) fn import(&mut self, folder: &Utf8Path) -> Result<Counts, StoreError> {
        let disk = Disk::new(super::opening::absolute(folder)?);
        let index = read_index(&disk)?;
        self.write(|connection| {
            let mut counts = Counts::default();
            for template in &index.templates {
                let added = import_template(connection, &disk, template)?;
                counts.templates += usize::from(added == template.versions.len());
                counts.versions += added;
            }
            for mapping in index.mappings {
                let mapping = Mapping::from(mapping);
                counts.mappings += usize::from(mappings::set(connection, &mapping)? != mappings::Mapped::Unchanged);
            }
            Ok(counts)
        })
    }

    fn export_contents(&self, writer: &Writer, folder: &Utf8Path) -> Result<Index, StoreError> {
        let mut folders = Folders::default();
        let mut templates = Vec::new();
        for batch in self.templates()?.chunks(BATCH) {
            let exported = self.read(|connection| export_batch(connection, batch, &mut folders, writer, folder))?;
            templates.extend(exported);
        }
        let mappings = self.mappings()?.into_iter().map(IndexedMapping::from).collect();
        Ok(Index { format: FORMAT.to_owned(), templates, mappings })
    }
}

/// Writes all versions of consecutive templates, by name.
fn export_batch(
    connection: &Connection,
    batch: &[Template],
    folders: &mut Folders,
    writer: &Writer,
    folder: &Utf8Path,
) -> Result<Vec<IndexedTemplate>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT version, dialect, content, strftime(added_at, ?), content_hash
         FROM templates JOIN template_versions USING (template_id)
         WHERE name BETWEEN ? AND ? ORDER BY name, version",
    )?;
    let names = (batch.first().map(|first| &first.name), batch.last().map(|last| &last.name));
    let mut rows = statement.query(params![clock::FORMAT, names.0, names.1])?;
    let mut exported = Vec::new();
    for template in batch {
        let own_folder = folders.own(&template.name);
        let mut versions = Vec::new();
        for _ in 0..template.newest.number {
            let Some(row) = rows.next()? else { break };
            let (number, dialect, content): (u32, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let file = Utf8PathBuf::from(format!("{own_folder}/{number}.{dialect}"));
            writer.write(&file, content.as_bytes()).map_err(StoreError::io("write", &folder.join(&file)))?;
            versions.push(IndexedVersion { file, dialect, added_at: row.get(3)?, content_hash: row.get(4)? });
        }
        exported.push(IndexedTemplate::new(template, versions));
    }
    Ok(exported)
}

impl Index {
    fn files(&self) -> impl Iterator<Item = &Utf8Path> {
        self.templates.iter().flat_map(|template| &template.versions).map(|version| version.file.as_path())
    }

    fn counts(&self) -> Counts {
        Counts { templates: self.templates.len(), versions: self.files().count(), mappings: self.mappings.len() }
    }
}

impl IndexedTemplate {
    fn new(template: &Template, versions: Vec<IndexedVersion>) -> Self {
        let hardware = template.hardware.iter().map(|hardware| hardware.name().to_owned()).collect();
        let Template { name, family, description, .. } = template.clone();
        Self { name, family, hardware, description, versions }
    }
}

impl From<Mapping> for IndexedMapping {
    fn from(Mapping { model, family, template, description }: Mapping) -> Self {
        Self { model, family, template, description }
    }
}

impl From<IndexedMapping> for Mapping {
    fn from(IndexedMapping { model, family, template, description }: IndexedMapping) -> Self {
        Self { model, family, template, description }
    }
}

/// Allocates folder names: the templates' names, changed where a file system would not allow them, without duplicates.
#[derive(Default)]
struct Folders(HashSet<String>);

impl Folders {
    fn own(&mut self, name: &str) -> String {
        const LONGEST: usize = 100;
        let safe = |letter: char| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '_' };
        let base: String = name.chars().take(LONGEST).map(safe).collect();
        let base = if base.is_empty() { "_".to_owned() } else { base };
        let numbered = (1_u32..).map(|number| if number == 1 { base.clone() } else { format!("{base}.{number}") });
        // Some file systems ignore case.
        let free = numbered.into_iter().find(|folder| self.0.insert(folder.to_lowercase()));
        format!("templates/{}", free.unwrap_or(base))
    }
}

/// The files of an earlier export; empty for a new or empty folder.
fn files_of_earlier_export(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>, StoreError> {
    let mut entries = match folder.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("read", folder)(error)),
    };
    if entries.next().is_none() {
        return Ok(Vec::new());
    }
    let disk = Disk::new(folder.to_owned());
    if !disk.is_file(INDEX.into()) {
        return Err(StoreError::NotAnArchive(folder.to_owned()));
    }
    let index = read_index(&disk).map_err(|_| StoreError::NotAnArchive(folder.to_owned()))?;
    Ok(index.files().map(Utf8Path::to_owned).collect())
}

/// Reads and validates an index; every path in it must be inside the folder.
fn read_index(disk: &Disk) -> Result<Index, StoreError> {
    let path = disk.absolute(INDEX.into());
    let invalid = |reason: String| StoreError::InvalidArchive { path: path.clone(), reason };
    let text = disk.read_text(INDEX.into()).map_err(|error| invalid(reason(&error)))?;
    let index: Index = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    if index.format != FORMAT {
        return Err(invalid(format!("its format is `{}`, not `{FORMAT}`", index.format)));
    }
    let leaves = |path: &&Utf8Path| !path.components().all(|component| matches!(component, Utf8Component::Normal(_)));
    if let Some(path) = index.files().find(leaves) {
        return Err(invalid(format!("the path `{path}` leads out of the folder")));
    }
    if let Some(template) = index.templates.iter().find(|template| template.versions.is_empty()) {
        return Err(invalid(format!("template `{}` has no version", template.name)));
    }
    Ok(index)
}

/// Adds the missing versions of a template and returns their number.
fn import_template(connection: &Connection, disk: &Disk, template: &IndexedTemplate) -> Result<usize, StoreError> {
    let id = import_description(connection, template)?;
    let present = present_versions(connection, id)?;
    let same = |(version, present): (&IndexedVersion, &(String, String))| {
        (version.dialect.as_str(), version.content_hash.as_str()) == (present.0.as_str(), present.1.as_str())
    };
    if !template.versions.iter().zip(&present).all(same) {
        return Err(StoreError::InvalidArchive {
            path: disk.absolute(INDEX.into()),
            reason: format!(
                "template `{}` is in the database with other versions; export or remove it first",
                template.name
            ),
        });
    }
    let missing = template.versions.iter().skip(present.len());
    let mut added = 0;
    for (number, version) in (present.len() + 1..).zip(missing) {
        import_version(connection, disk, id, number, version)?;
        added += 1;
    }
    let newest = present.len() + added;
    connection.execute("UPDATE templates SET current_version = ? WHERE template_id = ?", params![newest, id])?;
    Ok(added)
}

/// Updates a template's row to match the index, and returns its key.
fn import_description(connection: &Connection, template: &IndexedTemplate) -> Result<i64, StoreError> {
    let names = Some(template.hardware.join(","));
    let hardware: Vec<HardwareType> = templates::hardware(&template.name, names)?;
    connection.execute(
        "INSERT INTO templates (name, family, description) SELECT $1, $2, $3 WHERE NOT EXISTS (FROM templates WHERE name = $1)",
        params![template.name, template.family, template.description],
    )?;
    let id =
        connection.query_row("SELECT template_id FROM templates WHERE name = ?", [&template.name], |row| row.get(0))?;
    connection.execute(
        "UPDATE templates SET family = ?, description = ? WHERE template_id = ?",
        params![template.family, template.description, id],
    )?;
    templates::set_hardware(connection, id, &hardware)?;
    Ok(id)
}

/// The dialect and hash of each version, from the oldest to the newest.
fn present_versions(connection: &Connection, template: i64) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = connection
        .prepare("SELECT dialect, content_hash FROM template_versions WHERE template_id = ? ORDER BY version")?;
    let versions = statement.query_map([template], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(versions.collect::<Result<_, _>>()?)
}

/// The text that was exported, whose line ends a checkout may have changed since; none if more was changed.
fn as_exported(content: String, hash: &str) -> Option<String> {
    let is_exported = |content: &String| templates::content_hash(content) == hash;
    if is_exported(&content) {
        return Some(content);
    }
    let unix = content.replace("\r\n", "\n");
    let windows = unix.replace('\n', "\r\n");
    [unix, windows].into_iter().find(is_exported)
}

fn import_version(
    connection: &Connection,
    disk: &Disk,
    template: i64,
    number: usize,
    version: &IndexedVersion,
) -> Result<(), StoreError> {
    let invalid = |reason: String| StoreError::InvalidArchive { path: disk.absolute(&version.file), reason };
    let content = disk.read_text(&version.file).map_err(|error| invalid(reason(&error)))?;
    let content = as_exported(content, &version.content_hash).ok_or_else(|| {
        invalid(format!("it is not what `{INDEX}` says; if it was edited, add it with `template add`"))
    })?;
    connection.execute(
        "INSERT INTO template_versions VALUES (?, ?, ?, ?, ?, strptime(?, ?))",
        params![template, number, version.dialect, content, version.content_hash, version.added_at, clock::FORMAT],
    )?;
    Ok(())
}
