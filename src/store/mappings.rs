//! Model mappings: the family of a model, and optionally its own template.

use duckdb::{Connection, OptionalExt, params};

use super::error::StoreError;
use super::{Store, templates};

/// The mapping of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// The model's name.
    pub(crate) model: String,
    /// Its family.
    pub(crate) family: String,
    /// The name of the template that takes precedence for it.
    pub(crate) template: Option<String>,
    /// A description; `None` keeps the existing one.
    pub(crate) description: Option<String>,
}

/// The result of setting a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mapped {
    /// The model had no mapping.
    Created,
    /// The mapping was changed.
    Updated,
    /// The mapping was the same already.
    Unchanged,
}

impl Store {
    /// Adds or updates the mapping of a model.
    pub(crate) fn set_mapping(&mut self, mapping: &Mapping) -> Result<Mapped, StoreError> {
        self.write(|connection| set(connection, mapping))
    }

    /// Every mapping, by model.
    pub(crate) fn mappings(&self) -> Result<Vec<Mapping>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!("{MAPPINGS} ORDER BY model"))?;
            let mappings = statement.query_map([], mapping)?;
            Ok(mappings.collect::<Result<_, _>>()?)
        })
    }

    /// Removes the mapping of a model.
    pub(crate) fn remove_mapping(&mut self, model: &str) -> Result<(), StoreError> {
        self.write(|connection| {
            if connection.execute("DELETE FROM model_mappings WHERE model = ?", [model])? == 1 {
                return Ok(());
            }
            let mut statement = connection.prepare("SELECT model FROM model_mappings ORDER BY model")?;
            let models = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Err(StoreError::unknown("model mapping", model, &models))
        })
    }
}

const MAPPINGS: &str = "SELECT model, model_mappings.family, templates.name, model_mappings.description \
                        FROM model_mappings LEFT JOIN templates ON templates.template_id = model_mappings.template_id";

/// Sets a mapping within a transaction.
pub(super) fn set(connection: &Connection, new: &Mapping) -> Result<Mapped, StoreError> {
    let old = connection.query_row(&format!("{MAPPINGS} WHERE model = ?"), [&new.model], mapping).optional()?;
    let description = new.description.as_ref().or(old.as_ref().and_then(|old| old.description.as_ref()));
    let mapped = match &old {
        None => Mapped::Created,
        Some(old)
            if old.family == new.family && old.template == new.template && old.description.as_ref() == description =>
        {
            return Ok(Mapped::Unchanged);
        }
        Some(_) => Mapped::Updated,
    };
    let template = new.template.as_deref().map(|name| templates::identify(connection, name)).transpose()?;
    connection.execute(
        "INSERT INTO model_mappings VALUES ($1, $2, $3, $4)
         ON CONFLICT (model) DO UPDATE SET family = $2, template_id = $3, description = $4",
        params![new.model, new.family, template.map(|(id, _)| id), description],
    )?;
    Ok(mapped)
}

fn mapping(row: &duckdb::Row<'_>) -> duckdb::Result<Mapping> {
    Ok(Mapping { model: row.get(0)?, family: row.get(1)?, template: row.get(2)?, description: row.get(3)? })
}
