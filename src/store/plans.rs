//! Stored plans: listing, paging and comparing.

use duckdb::{Connection, OptionalExt, Row, params};
use tgen_core::model::hardware::HardwareType;
use tgen_core::schedule::estimate::{Estimate, Origin};
use uuid::Uuid;

use super::error::StoreError;
use super::{Store, clock};

/// A test of a plan that is being written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewTest<'a> {
    /// The id, derived from what determines the test.
    pub(crate) test_id: Uuid,
    /// The model.
    pub(crate) model: &'a str,
    /// The model's family.
    pub(crate) family: &'a str,
    /// The hardware type that it runs on.
    pub(crate) hardware: HardwareType,
    /// The batch size, at least 1.
    pub(crate) batch_size: u32,
    /// The rendered test.
    pub(crate) content: &'a str,
    /// The kind of test.
    pub(crate) test_type: &'a str,
    /// From 1 (first) to 10.
    pub(crate) priority: u8,
    /// The memory it needs, in gigabytes.
    pub(crate) min_memory_gb: f64,
    /// Its time limit.
    pub(crate) timeout_seconds: u32,
    /// The template that it was rendered from.
    pub(crate) template: &'a str,
    /// The version of the template, if it is from the template database.
    pub(crate) template_version: Option<u32>,
    /// The tests that must pass first.
    pub(crate) dependencies: &'a [Uuid],
    /// The sources of the numbers.
    pub(crate) estimates: Estimates,
}

/// The sources of a test's numbers, and its expected duration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimates {
    /// The source of the memory.
    pub(crate) memory: Origin,
    /// The expected duration in seconds, estimated from earlier runs.
    pub(crate) seconds: Option<Estimate<f64>>,
}

/// [`Estimates`] as stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredEstimates {
    /// The source of the memory, as text.
    pub(crate) memory_origin: String,
    /// The expected duration in seconds, and its source as text.
    pub(crate) seconds: Option<(f64, String)>,
}

/// A test of a stored plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoredTest {
    /// The id.
    pub(crate) test_id: Uuid,
    /// The model.
    pub(crate) model: String,
    /// The model's family.
    pub(crate) family: String,
    /// The hardware type's name.
    pub(crate) hardware: String,
    /// The batch size.
    pub(crate) batch_size: u32,
    /// The rendered test.
    pub(crate) content: String,
    /// The kind of test.
    pub(crate) test_type: String,
    /// From 1 (first) to 10.
    pub(crate) priority: u8,
    /// The memory it needs, in gigabytes.
    pub(crate) min_memory_gb: f64,
    /// Its time limit.
    pub(crate) timeout_seconds: u32,
    /// The template that it was rendered from.
    pub(crate) template: String,
    /// The version of the template, if it is from the template database.
    pub(crate) template_version: Option<u32>,
    /// The tests that must pass first, in the plan's order.
    pub(crate) dependencies: Vec<Uuid>,
    /// The sources of the numbers; `None` for plans of earlier releases.
    pub(crate) estimates: Option<StoredEstimates>,
}

/// Whether to read the texts of planned tests, which are most of a plan's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// They are read.
    With,
    /// They are left empty.
    Without,
}

/// A plan without its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredPlan {
    /// Its unique name.
    pub(crate) name: String,
    /// When it was stored, in UTC.
    pub(crate) created_at: String,
    /// The release that wrote it.
    pub(crate) created_by: String,
    /// How many tests it has.
    pub(crate) tests: u64,
}

/// A test that differs between two plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The model.
    pub(crate) model: String,
    /// The hardware type's name.
    pub(crate) hardware: String,
    /// The batch size.
    pub(crate) batch_size: u32,
    /// The template.
    pub(crate) template: String,
    /// What differs.
    pub(crate) differing: Differing,
}

/// How a test differs between two plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Differing {
    /// Only the later plan has it.
    Added,
    /// Only the earlier plan has it.
    Removed,
    /// Both have it, with other values of these fields.
    Changed(Vec<&'static str>),
}

impl Store {
    /// Every plan, the newest first.
    pub(crate) fn plans(&self) -> Result<Vec<StoredPlan>, StoreError> {
        self.read(|connection| plans(connection, None))
    }

    /// The plan of a name.
    pub(crate) fn plan(&self, name: &str) -> Result<StoredPlan, StoreError> {
        self.read(|connection| {
            let plan = identify(connection, name)?;
            plans(connection, Some(plan))?.pop().ok_or_else(|| StoreError::unknown("plan", name, &[]))
        })
    }

    /// At most `limit` tests of a plan, in the plan's order, after the first `offset`.
    pub(crate) fn planned_tests(
        &self,
        plan: &str,
        offset: u32,
        limit: u32,
        content: Content,
    ) -> Result<Vec<StoredTest>, StoreError> {
        self.read(|connection| {
            let plan = identify(connection, plan)?;
            let page = params![plan, offset, u64::from(offset) + u64::from(limit)];
            let mut statement = connection.prepare(&page_of_tests(content))?;
            let mut tests = statement.query_map(page, test)?.collect::<Result<Vec<_>, _>>()?;
            let mut statement = connection.prepare(PAGE_DEPENDENCIES)?;
            let mut rows = statement.query(page)?;
            while let Some(row) = rows.next()? {
                let (position, id) = (row.get::<_, u32>(0)?, uuid(row, 1)?);
                if let Some(test) = tests.get_mut((position - offset) as usize) {
                    test.dependencies.push(id);
                }
            }
            Ok(tests)
        })
    }

    /// The id of the one test of a plan whose id starts with `prefix`.
    pub(crate) fn test_id(&self, plan: &str, prefix: &str) -> Result<Uuid, StoreError> {
        let prefix = prefix.to_lowercase();
        let mut found = self.read(|connection| {
            let plan = identify(connection, plan)?;
            let mut statement = connection.prepare(
                "SELECT DISTINCT CAST(test_id AS VARCHAR) FROM planned_tests
                 WHERE plan_id = ? AND starts_with(CAST(test_id AS VARCHAR), ?) LIMIT 2",
            )?;
            Ok(statement.query_map(params![plan, prefix], |row| uuid(row, 0))?.collect::<Result<Vec<_>, _>>()?)
        })?;
        match (found.pop(), found.is_empty()) {
            (Some(id), true) => Ok(id),
            (Some(_), false) => Err(StoreError::AmbiguousTest(prefix)),
            (None, _) => Err(StoreError::unknown("planned test", &prefix, &[])),
        }
    }

    /// A test of a plan, with its text.
    pub(crate) fn planned_test(&self, plan: &str, test: Uuid) -> Result<StoredTest, StoreError> {
        let position: Option<u32> = self.read(|connection| {
            let sql = "SELECT position FROM planned_tests WHERE plan_id = ? AND test_id = ?::UUID";
            let plan = identify(connection, plan)?;
            Ok(connection.query_row(sql, params![plan, test.to_string()], |row| row.get(0)).optional()?)
        })?;
        let page = position.map(|position| self.planned_tests(plan, position, 1, Content::With)).transpose()?;
        let test_of = |page: Vec<StoredTest>| page.into_iter().next();
        page.and_then(test_of).ok_or_else(|| StoreError::unknown("planned test", &test.to_string(), &[]))
    }

    /// The tests in which the plan `later` differs from the plan `earlier`.
    pub(crate) fn compare_plans(&self, earlier: &str, later: &str) -> Result<Vec<Difference>, StoreError> {
        self.read(|connection| {
            let plans = (identify(connection, earlier)?, identify(connection, later)?);
            let mut statement = connection.prepare(COMPARISON)?;
            let differences = statement.query_map(plans, difference)?;
            Ok(differences.collect::<Result<_, _>>()?)
        })
    }
}

/// The key of a plan.
pub(super) fn identify(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    let found = connection
        .query_row("SELECT plan_id FROM plans WHERE name = ? AND is_complete", [name], |row| row.get(0))
        .optional()?;
    found.map_or_else(
        || {
            let mut statement = connection.prepare("SELECT name FROM plans WHERE is_complete ORDER BY name")?;
            let names = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Err(StoreError::unknown("plan", name, &names))
        },
        Ok,
    )
}

/// The plans, the newest first; only the one with the key `plan`, if given.
fn plans(connection: &Connection, plan: Option<i64>) -> Result<Vec<StoredPlan>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT name, strftime(created_at, $format), created_by, coalesce(tests, 0)
         FROM plans
         LEFT JOIN (SELECT plan_id, count(*) AS tests FROM planned_tests GROUP BY plan_id) USING (plan_id)
         WHERE is_complete AND ($plan IS NULL OR plan_id = $plan)
         ORDER BY plan_id DESC",
    )?;
    let plans = statement.query_map(duckdb::named_params! {"format": clock::FORMAT, "plan": plan}, |row| {
        Ok(StoredPlan { name: row.get(0)?, created_at: row.get(1)?, created_by: row.get(2)?, tests: row.get(3)? })
    })?;
    Ok(plans.collect::<Result<_, _>>()?)
}

fn page_of_tests(content: Content) -> String {
    let content = match content {
        Content::With => "test_content",
        Content::Without => "''",
    };
    format!(
        "SELECT CAST(test_id AS VARCHAR), model_name, model_family, hardware_type, batch_size, {content}, test_type,
                priority, min_memory_gb, test_timeout_seconds, template_name, template_version, memory_origin,
                expected_seconds, duration_origin
         FROM planned_tests LEFT JOIN test_estimates USING (plan_id, position)
         WHERE plan_id = ? AND position >= ? AND position < ?
         ORDER BY position"
    )
}

const PAGE_DEPENDENCIES: &str = "
    SELECT dependencies.position, CAST(earlier.test_id AS VARCHAR)
    FROM dependencies
    JOIN planned_tests AS earlier
        ON earlier.plan_id = dependencies.plan_id AND earlier.position = dependencies.depends_on
    WHERE dependencies.plan_id = ? AND dependencies.position >= ? AND dependencies.position < ?
    ORDER BY dependencies.position, dependencies.depends_on";

fn test(row: &Row<'_>) -> duckdb::Result<StoredTest> {
    Ok(StoredTest {
        test_id: uuid(row, 0)?,
        model: row.get(1)?,
        family: row.get(2)?,
        hardware: row.get(3)?,
        batch_size: row.get(4)?,
        content: row.get(5)?,
        test_type: row.get(6)?,
        priority: row.get(7)?,
        min_memory_gb: row.get(8)?,
        timeout_seconds: row.get(9)?,
        template: row.get(10)?,
        template_version: row.get(11)?,
        dependencies: Vec::new(),
        estimates: estimates(row)?,
    })
}

fn estimates(row: &Row<'_>) -> duckdb::Result<Option<StoredEstimates>> {
    let (seconds, origin): (Option<f64>, Option<String>) = (row.get(13)?, row.get(14)?);
    let memory_origin: Option<String> = row.get(12)?;
    Ok(memory_origin.map(|memory_origin| StoredEstimates { memory_origin, seconds: seconds.zip(origin) }))
}

fn uuid(row: &Row<'_>, column: usize) -> duckdb::Result<Uuid> {
    let text: String = row.get(column)?;
    Uuid::parse_str(&text)
        .map_err(|error| duckdb::Error::FromSqlConversionFailure(column, duckdb::types::Type::Text, Box::new(error)))
}

/// The fields that may differ, in the order of the flags in [`COMPARISON`].
const FIELDS: [&str; 6] =
    ["test_content", "model_family", "test_type", "priority", "min_memory_gb", "test_timeout_seconds"];

/// Two tests correspond if they have the same template, model, hardware type and batch size. Their texts are compared
/// by hash, so that a million of them need not be in memory.
const COMPARISON: &str = "
    WITH tests AS (SELECT * REPLACE (hash(test_content) AS test_content) FROM planned_tests),
         earlier AS (SELECT * FROM tests WHERE plan_id = ?),
         later AS (SELECT * FROM tests WHERE plan_id = ?)
    SELECT coalesce(later.model_name, earlier.model_name),
           coalesce(later.hardware_type, earlier.hardware_type),
           coalesce(later.batch_size, earlier.batch_size),
           coalesce(later.template_name, earlier.template_name),
           earlier.plan_id IS NULL,
           later.plan_id IS NULL,
           earlier.test_content <> later.test_content,
           earlier.model_family <> later.model_family,
           earlier.test_type <> later.test_type,
           earlier.priority <> later.priority,
           earlier.min_memory_gb <> later.min_memory_gb,
           earlier.test_timeout_seconds <> later.test_timeout_seconds
    FROM earlier FULL JOIN later
        ON later.model_name = earlier.model_name AND later.hardware_type = earlier.hardware_type
        AND later.batch_size = earlier.batch_size AND later.template_name = earlier.template_name
    WHERE earlier.plan_id IS NULL OR later.plan_id IS NULL
        OR earlier.test_content <> later.test_content
        OR earlier.model_family <> later.model_family
        OR earlier.test_type <> later.test_type
        OR earlier.priority <> later.priority
        OR earlier.min_memory_gb <> later.min_memory_gb
        OR earlier.test_timeout_seconds <> later.test_timeout_seconds
    ORDER BY 1, 2, 3, 4";

fn difference(row: &Row<'_>) -> duckdb::Result<Difference> {
    const FIRST_FLAG: usize = 6;
    let differing = match (row.get(4)?, row.get(5)?) {
        (true, _) => Differing::Added,
        (_, true) => Differing::Removed,
        _ => {
            let mut fields = Vec::new();
            for (column, field) in (FIRST_FLAG..).zip(FIELDS) {
                if row.get(column)? {
                    fields.push(field);
                }
            }
            Differing::Changed(fields)
        }
    };
    Ok(Difference {
        model: row.get(0)?,
        hardware: row.get(1)?,
        batch_size: row.get(2)?,
        template: row.get(3)?,
        differing,
    })
}
