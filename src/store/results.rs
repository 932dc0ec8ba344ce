//! Imports results of test runs in bulk. Existing rows are skipped, so that a file may be imported again.

use duckdb::types::{TimeUnit, Value};
use duckdb::{Connection, params};
use tgen_core::results::attempt::{Attempt, Header, UnitEnd};
use tgen_core::results::merging::merged;
use tgen_core::results::reading::Recorded;

use super::Store;
use super::error::StoreError;

/// What an import added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImportedResults {
    /// Runs; all shards of a run count as one.
    pub(crate) runs: usize,
    /// Attempts at tests.
    pub(crate) attempts: usize,
}

const STAGE: &str = "
    CREATE OR REPLACE TEMP TABLE staged_runs AS FROM runs LIMIT 0;
    CREATE OR REPLACE TEMP TABLE staged_results AS FROM results LIMIT 0;
    CREATE OR REPLACE TEMP TABLE staged_unit_ends AS FROM unit_ends LIMIT 0;";

/// Unknown values of a test are replaced by known ones.
const FORGET_UNKNOWN: &str = "
    DELETE FROM results USING staged_results AS staged
    WHERE results.run = staged.run AND results.file = staged.file AND results.nodeid = staged.nodeid
        AND results.hardware_type = staged.hardware_type AND results.attempt = staged.attempt
        AND results.outcome IN ('blocked', 'not_run', 'infra_error')
        AND staged.outcome NOT IN ('blocked', 'not_run', 'infra_error')";

const COUNT_NEW_RUNS: &str = "SELECT count(DISTINCT run) FROM staged_runs ANTI JOIN runs USING (run)";

const ADD_RUNS: &str = "INSERT INTO runs (FROM staged_runs EXCEPT FROM runs)";

const ADD_RESULTS: &str = "
    INSERT INTO results
    FROM staged_results AS staged ANTI JOIN results USING (run, file, nodeid, hardware_type, attempt)";

const ADD_UNIT_ENDS: &str = "
    INSERT INTO unit_ends
    FROM staged_unit_ends AS staged ANTI JOIN unit_ends USING (run, unit, hardware_type, attempt)";

impl Store {
    /// Adds recorded results, all or nothing.
    pub(crate) fn import_results(&mut self, recorded: Recorded) -> Result<ImportedResults, StoreError> {
        let recorded = merged(recorded);
        self.write(|connection| {
            connection.execute_batch(STAGE)?;
            stage(connection, &recorded)?;
            connection.execute(FORGET_UNKNOWN, [])?;
            let runs = connection.query_row(COUNT_NEW_RUNS, [], |row| row.get(0))?;
            connection.execute(ADD_RUNS, [])?;
            let attempts = connection.execute(ADD_RESULTS, [])?;
            connection.execute(ADD_UNIT_ENDS, [])?;
            Ok(ImportedResults { runs, attempts })
        })
    }
}

fn stage(connection: &Connection, recorded: &Recorded) -> Result<(), StoreError> {
    let appender = |table| connection.appender_to_catalog_and_db(table, "temp", "main");
    let mut runs = appender("staged_runs")?;
    recorded.headers.iter().try_for_each(|header| append_run(&mut runs, header))?;
    runs.flush()?;
    let mut results = appender("staged_results")?;
    recorded.attempts.iter().try_for_each(|attempt| append_attempt(&mut results, attempt))?;
    results.flush()?;
    let mut ends = appender("staged_unit_ends")?;
    recorded.ends.iter().try_for_each(|end| append_end(&mut ends, end))?;
    Ok(ends.flush()?)
}

fn append_run(runs: &mut duckdb::Appender<'_>, header: &Header) -> duckdb::Result<()> {
    runs.append_row(params![
        header.run,
        header.shard,
        time(Some(&header.started)),
        header.rerun_of,
        header.machine,
        header.command,
        header.git_commit,
        header.python,
        header.torch,
        header.transformers,
        header.driver,
        header.planned,
    ])
}

fn append_attempt(results: &mut duckdb::Appender<'_>, attempt: &Attempt) -> duckdb::Result<()> {
    results.append_row(params![
        attempt.run,
        attempt.file,
        attempt.nodeid,
        attempt.hardware.name(),
        attempt.attempt,
        attempt.unit_name(),
        attempt.test_id,
        attempt.shard,
        attempt.device,
        attempt.device_name,
        attempt.model,
        attempt.test,
        attempt.task,
        attempt.batch,
        attempt.implementation,
        attempt.outcome.name(),
        attempt.reason,
        serde_json::to_string(&attempt.phases).unwrap_or_default(),
        time(attempt.started.as_deref()),
        attempt.duration,
        attempt.memory_peak,
        attempt.device_memory_peak,
    ])
}

fn append_end(ends: &mut duckdb::Appender<'_>, end: &UnitEnd) -> duckdb::Result<()> {
    ends.append_row(params![
        end.run,
        end.unit,
        end.hardware.name(),
        end.attempt,
        end.shard,
        end.device,
        end.device_name,
        end.model,
        end.batch,
        end.implementation,
        end.outcome.name(),
        end.partial,
        time(end.started.as_deref()),
        end.duration,
        end.memory_peak,
        end.device_memory_peak,
    ])
}

/// A time from a results file; NULL if it is not a time.
fn time(text: Option<&str>) -> Value {
    let parsed = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    parsed.map_or(Value::Null, |time| Value::Timestamp(TimeUnit::Microsecond, time.as_microsecond()))
}
