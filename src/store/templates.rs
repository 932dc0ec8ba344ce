//! Templates with their versions: adding, finding, removing.

use duckdb::{Connection, OptionalExt, Row, params};
use tgen_core::base::suggest::did_you_mean;
use tgen_core::model::hardware::HardwareType;
use tgen_core::template::Dialect;

use super::error::StoreError;
use super::{Store, clock};

/// A template to be added.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewTemplate<'a> {
    /// Its unique name.
    pub(crate) name: &'a str,
    /// The family of its models.
    pub(crate) family: &'a str,
    /// Its hardware types; empty for all.
    pub(crate) hardware: &'a [HardwareType],
    /// A description; `None` keeps the existing one.
    pub(crate) description: Option<&'a str>,
    /// Its dialect.
    pub(crate) dialect: Dialect,
    /// Its text.
    pub(crate) content: &'a str,
}

/// The result of adding a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Added {
    /// The name was new.
    Created,
    /// The text is new; the number of the new version.
    NewVersion(u32),
    /// The text is that of the newest version, whose number this is; the family, hardware types or description changed.
    Redescribed(u32),
    /// Nothing changed; the number of the newest version.
    Unchanged(u32),
}

/// A template without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// Its name.
    pub(crate) name: String,
    /// The family of its models.
    pub(crate) family: String,
    /// Its hardware types; empty for all.
    pub(crate) hardware: Vec<HardwareType>,
    /// Its description.
    pub(crate) description: Option<String>,
    /// Its newest version.
    pub(crate) newest: Version,
}

/// A version of a template without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// Its dialect.
    pub(crate) dialect: Dialect,
    /// When it was added, in UTC.
    pub(crate) added_at: String,
    /// The BLAKE3 hash of its text.
    pub(crate) content_hash: String,
    /// The length of its text in bytes.
    pub(crate) size: u64,
}

/// A version of a template, with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// Which version it is.
    pub(crate) version: u32,
    /// Its dialect.
    pub(crate) dialect: Dialect,
    /// The text.
    pub(crate) content: String,
}

impl Store {
    /// Adds a template, or a new version if the text differs from the newest one.
    pub(crate) fn add_template(&mut self, new: &NewTemplate<'_>) -> Result<Added, StoreError> {
        self.write(|connection| add(connection, new))
    }

    /// Every template, by name.
    pub(crate) fn templates(&self) -> Result<Vec<Template>, StoreError> {
        self.read(|connection| templates(connection, None))
    }

    /// The template of a name.
    pub(crate) fn template(&self, name: &str) -> Result<Template, StoreError> {
        self.read(|connection| {
            templates(connection, Some(name))?.pop().map_or_else(|| Err(unknown_template(connection, name)?), Ok)
        })
    }

    /// A version of a template; the newest if no number is given.
    pub(crate) fn text(&self, name: &str, version: Option<u32>) -> Result<Text, StoreError> {
        self.read(|connection| {
            let (template, newest) = identify(connection, name)?;
            let version = version.unwrap_or(newest);
            let found = connection
                .query_row(
                    "SELECT dialect, content FROM template_versions WHERE template_id = ? AND version = ?",
                    (template, version),
                    |row| Ok(Text { version, dialect: dialect(row, 0)?, content: row.get(1)? }),
                )
                .optional()?;
            found.ok_or_else(|| StoreError::UnknownVersion { name: name.to_owned(), version, newest })
        })
    }

    /// Every version of a template, the newest first.
    pub(crate) fn history(&self, name: &str) -> Result<Vec<Version>, StoreError> {
        self.read(|connection| {
            let (template, _) = identify(connection, name)?;
            let mut statement = connection.prepare(
                "SELECT version, dialect, strftime(added_at, ?), content_hash, strlen(content)
                 FROM template_versions WHERE template_id = ? ORDER BY version DESC",
            )?;
            let versions = statement.query_map((clock::FORMAT, template), |row| version(row, 0))?;
            Ok(versions.collect::<Result<_, _>>()?)
        })
    }

    /// Removes a template with all its versions.
    pub(crate) fn remove_template(&mut self, name: &str) -> Result<(), StoreError> {
        let template = self.write(|connection| {
            let (template, _) = identify(connection, name)?;
            refuse_if_mapped(connection, name, template)?;
            for statement in [
                "DELETE FROM template_versions WHERE template_id = ?",
                "DELETE FROM template_hardware WHERE template_id = ?",
                "UPDATE templates SET current_version = NULL, description = NULL WHERE template_id = ?",
            ] {
                connection.execute(statement, [template])?;
            }
            Ok(template)
        })?;
        // Within one transaction, DuckDB still sees references to the template. From here on it counts as removed.
        self.write(|connection| {
            Ok(connection.execute("DELETE FROM templates WHERE template_id = ?", [template]).map(drop)?)
        })
    }
}

/// The key and the newest version of a template.
pub(super) fn identify(connection: &Connection, name: &str) -> Result<(i64, u32), StoreError> {
    let found = connection
        .query_row(
            "SELECT template_id, current_version FROM templates WHERE name = ? AND current_version IS NOT NULL",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    found.map_or_else(|| Err(unknown_template(connection, name)?), Ok)
}

/// The error for an unknown template.
fn unknown_template(connection: &Connection, name: &str) -> Result<StoreError, StoreError> {
    let mut statement =
        connection.prepare("SELECT name FROM templates WHERE current_version IS NOT NULL ORDER BY name")?;
    let names = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(StoreError::unknown("template", name, &names))
}

impl StoreError {
    /// The error for a name that is not in `known`.
    pub(super) fn unknown(kind: &'static str, name: &str, known: &[String]) -> Self {
        let hint = did_you_mean(name, known.iter().map(String::as_str));
        Self::Unknown { kind, name: name.to_owned(), hint }
    }
}

/// An existing template, before something is added to it.
struct Present {
    id: i64,
    family: String,
    description: Option<String>,
    version: Option<u32>,
}

fn add(connection: &Connection, new: &NewTemplate<'_>) -> Result<Added, StoreError> {
    let hash = content_hash(new.content);
    let Some(present) = present(connection, new.name)? else {
        let id = insert_template(connection, new)?;
        set_hardware(connection, id, new.hardware)?;
        insert_version(connection, id, 1, new, &hash)?;
        return Ok(Added::Created);
    };
    let is_current =
        present.version.map_or(Ok(false), |version| is_text(connection, present.id, version, new, &hash))?;
    let moved = set_hardware(connection, present.id, new.hardware)?;
    let version = present.version.unwrap_or(0) + u32::from(!is_current);
    let added = match present.version {
        None => Added::Created,
        Some(_) if !is_current => Added::NewVersion(version),
        Some(_) if moved || present.differs(new) => Added::Redescribed(version),
        Some(_) => return Ok(Added::Unchanged(version)),
    };
    if !is_current {
        insert_version(connection, present.id, version, new, &hash)?;
    }
    connection.execute(
        "UPDATE templates SET family = ?, description = coalesce(?, description), current_version = ? WHERE template_id = ?",
        params![new.family, new.description, version, present.id],
    )?;
    Ok(added)
}

impl Present {
    fn differs(&self, new: &NewTemplate<'_>) -> bool {
        self.family != new.family
            || new.description.is_some_and(|description| self.description.as_deref() != Some(description))
    }
}

fn present(connection: &Connection, name: &str) -> Result<Option<Present>, StoreError> {
    let sql = "SELECT template_id, family, description, current_version FROM templates WHERE name = ?";
    let read = |row: &Row<'_>| {
        Ok(Present { id: row.get(0)?, family: row.get(1)?, description: row.get(2)?, version: row.get(3)? })
    };
    Ok(connection.query_row(sql, [name], read).optional()?)
}

fn insert_template(connection: &Connection, new: &NewTemplate<'_>) -> Result<i64, StoreError> {
    let sql =
        "INSERT INTO templates (name, family, description, current_version) VALUES (?, ?, ?, 1) RETURNING template_id";
    Ok(connection.query_row(sql, params![new.name, new.family, new.description], |row| row.get(0))?)
}

fn insert_version(
    connection: &Connection,
    template: i64,
    version: u32,
    new: &NewTemplate<'_>,
    hash: &str,
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO template_versions VALUES (?, ?, ?, ?, ?, make_timestamp(?::BIGINT))",
        params![template, version, new.dialect.name(), new.content, hash, clock::now()],
    )?;
    Ok(())
}

fn is_text(
    connection: &Connection,
    template: i64,
    version: u32,
    new: &NewTemplate<'_>,
    hash: &str,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM template_versions \
               WHERE template_id = ? AND version = ? AND dialect = ? AND content_hash = ?";
    Ok(connection.prepare(sql)?.exists(params![template, version, new.dialect.name(), hash])?)
}

/// Sets the hardware types of a template without touching unchanged rows; returns whether anything changed.
pub(super) fn set_hardware(
    connection: &Connection,
    template: i64,
    hardware: &[HardwareType],
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare("SELECT hardware_type FROM template_hardware WHERE template_id = ?")?;
    let old = statement.query_map([template], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let gone = old.iter().filter(|old| hardware.iter().all(|new| new.name() != *old));
    let new: Vec<_> = HardwareType::ALL
        .iter()
        .filter(|new| hardware.contains(new) && old.iter().all(|old| old != new.name()))
        .collect();
    let mut changed = !new.is_empty();
    for gone in gone {
        let sql = "DELETE FROM template_hardware WHERE template_id = ? AND hardware_type = ?";
        connection.execute(sql, params![template, gone])?;
        changed = true;
    }
    for new in new {
        connection.execute("INSERT INTO template_hardware VALUES (?, ?)", params![template, new.name()])?;
    }
    Ok(changed)
}

fn refuse_if_mapped(connection: &Connection, name: &str, template: i64) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT model FROM model_mappings WHERE template_id = ? ORDER BY model")?;
    let models = statement.query_map([template], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    if models.is_empty() { Ok(()) } else { Err(StoreError::InUse { name: name.to_owned(), models }) }
}

/// The templates by name; only the one called `name`, if given.
fn templates(connection: &Connection, name: Option<&str>) -> Result<Vec<Template>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT version, dialect, strftime(added_at, $format), content_hash, strlen(content),
                name, family, description, hardware
         FROM templates
         JOIN template_versions AS v ON v.template_id = templates.template_id AND v.version = templates.current_version
         LEFT JOIN (
             SELECT template_id, string_agg(hardware_type, ',') AS hardware FROM template_hardware GROUP BY template_id
         ) AS h ON h.template_id = templates.template_id
         WHERE $name IS NULL OR name = $name
         ORDER BY name",
    )?;
    let mut rows = statement.query(duckdb::named_params! {"format": clock::FORMAT, "name": name})?;
    let mut templates = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(5)?;
        let hardware = hardware(&name, row.get(8)?)?;
        let (family, description) = (row.get(6)?, row.get(7)?);
        templates.push(Template { name, family, hardware, description, newest: version(row, 0)? });
    }
    Ok(templates)
}

/// The hardware types of a template, from their names separated by commas.
pub(super) fn hardware(template: &str, names: Option<String>) -> Result<Vec<HardwareType>, StoreError> {
    let unknown =
        |hardware: &str| StoreError::UnknownHardware { name: template.to_owned(), hardware: hardware.to_owned() };
    let names = names.unwrap_or_default();
    let known = |name| HardwareType::from_name(name).ok_or_else(|| unknown(name));
    let mut hardware = names.split_terminator(',').map(known).collect::<Result<Vec<_>, _>>()?;
    hardware.sort_unstable();
    Ok(hardware)
}

/// A version from five columns: number, dialect, time, hash, size.
fn version(row: &Row<'_>, first: usize) -> duckdb::Result<Version> {
    Ok(Version {
        number: row.get(first)?,
        dialect: dialect(row, first + 1)?,
        added_at: row.get(first + 2)?,
        content_hash: row.get(first + 3)?,
        size: row.get(first + 4)?,
    })
}

/// The hash by which texts are compared.
pub(super) fn content_hash(content: &str) -> String {
    blake3::hash(content.as_bytes()).to_hex().to_string()
}

/// The dialect in a column; a constraint of the table ensures that it is valid.
pub(super) fn dialect(row: &Row<'_>, column: usize) -> duckdb::Result<Dialect> {
    let name: String = row.get(column)?;
    Ok(if name == Dialect::Tera.name() { Dialect::Tera } else { Dialect::Dollar })
}
