//! Chooses the templates of many cases in one query.

use std::collections::HashMap;

use duckdb::{Connection, params};
use tgen_core::model::hardware::HardwareType;
use tgen_core::project::registered::{ChosenTemplates, Offer, Registered, Wanted};

use super::error::StoreError;
use super::{Store, templates};

/// The newest template for each family and hardware type; if two are equally new, the one whose name sorts last.
/// Nothing else decides, so an import of the same export elsewhere chooses the same templates.
const BEST: &str = "
    SELECT family, hardware_type, arg_max(templates.template_id, (added_at, name)) AS template_id
    FROM templates
    JOIN template_versions AS v ON v.template_id = templates.template_id AND v.version = templates.current_version
    LEFT JOIN template_hardware AS h ON h.template_id = templates.template_id
    GROUP BY family, hardware_type";

/// The mapping's own template if it supports the hardware type, else the family's template for the hardware type, else
/// the family's template for all. A template for another hardware type is never chosen.
fn choice() -> String {
    format!(
        "CREATE OR REPLACE TEMP TABLE choices AS
         WITH best AS ({BEST}),
         own AS (
             SELECT model, m.template_id, hardware_type
             FROM model_mappings AS m LEFT JOIN template_hardware AS h ON h.template_id = m.template_id
             WHERE m.template_id IS NOT NULL
         )
         SELECT wanted.position, coalesce(own.template_id, exact.template_id, general.template_id) AS template_id
         FROM wanted
         LEFT JOIN own
             ON own.model = wanted.model AND (own.hardware_type IS NULL OR own.hardware_type = wanted.hardware_type)
         LEFT JOIN best AS exact ON exact.family = wanted.family AND exact.hardware_type = wanted.hardware_type
         LEFT JOIN best AS general ON general.family = wanted.family AND general.hardware_type IS NULL"
    )
}

impl Store {
    /// The template of each case.
    pub(crate) fn select(&self, cases: &[Wanted]) -> Result<ChosenTemplates, StoreError> {
        self.read(|connection| {
            ask(connection, cases)?;
            connection.execute_batch(&choice())?;
            let (templates, places) = chosen(connection)?;
            let mut choices = vec![None; cases.len()];
            let mut statement =
                connection.prepare("SELECT position, template_id FROM choices WHERE template_id IS NOT NULL")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (position, template): (usize, i64) = (row.get(0)?, row.get(1)?);
                if let Some(choice) = choices.get_mut(position) {
                    *choice = places.get(&template).copied();
                }
            }
            Ok(ChosenTemplates { templates, choices })
        })
    }

    /// The combinations that have a template.
    pub(crate) fn offers(&self) -> Result<Vec<Offer>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!(
                "SELECT best.family, best.hardware_type, name FROM ({BEST}) AS best JOIN templates USING (template_id)
                 ORDER BY ALL NULLS FIRST"
            ))?;
            let mut rows = statement.query([])?;
            let mut offers = Vec::new();
            while let Some(row) = rows.next()? {
                let template: String = row.get(2)?;
                let hardware = templates::hardware(&template, row.get(1)?)?.pop();
                offers.push(Offer { family: row.get(0)?, hardware, template });
            }
            Ok(offers)
        })
    }
}

/// Inserts the cases into the table that the query reads.
fn ask(connection: &Connection, cases: &[Wanted]) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE OR REPLACE TEMP TABLE wanted (position BIGINT, model VARCHAR, family VARCHAR, hardware_type VARCHAR)",
    )?;
    let mut appender = connection.appender_to_catalog_and_db("wanted", "temp", "main")?;
    for (position, case) in cases.iter().enumerate() {
        appender.append_row(params![
            position as u64,
            case.model,
            case.family.name(),
            case.hardware.map(HardwareType::name)
        ])?;
    }
    Ok(appender.flush()?)
}

/// The chosen templates, and their indices by key.
fn chosen(connection: &Connection) -> Result<(Vec<Registered>, HashMap<i64, usize>), StoreError> {
    let mut statement = connection.prepare(
        "SELECT templates.template_id, name, version, dialect, content
         FROM templates
         JOIN template_versions AS v ON v.template_id = templates.template_id AND v.version = templates.current_version
         WHERE templates.template_id IN (SELECT template_id FROM choices)
         ORDER BY name",
    )?;
    let mut rows = statement.query([])?;
    let (mut templates, mut places) = (Vec::new(), HashMap::new());
    while let Some(row) = rows.next()? {
        places.insert(row.get(0)?, templates.len());
        let dialect = templates::dialect(row, 3)?;
        templates.push(Registered { name: row.get(1)?, version: row.get(2)?, dialect, content: row.get(4)? });
    }
    Ok((templates, places))
}
