//! Imports results of test runs in bulk. Existing rows are skipped, so that a file may be imported again. Reads them back, a run
//! at a time.

use std::collections::BTreeMap;

use duckdb::types::{TimeUnit, Value};
use duckdb::{Connection, Row, params};
use tgen_core::model::hardware::HardwareType;
use tgen_core::results::attempt::{Attempt, Header, UnitEnd, VERSION};
use tgen_core::results::merging::merged;
use tgen_core::results::outcome::Outcome;
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

const RUNS: &str = "
    SELECT run, shard, started_at::VARCHAR, rerun_of, machine, command, git_commit, python, torch, transformers, driver,
           planned_units
    FROM runs WHERE run = ?";

const RESULTS: &str = "
    SELECT run, file, nodeid, hardware_type, attempt, unit, test_id, shard, device, device_name, model_name, test, task,
           batch_size, implementation, outcome, reason, phases, started_at::VARCHAR, seconds, memory_peak,
           device_memory_peak
    FROM results WHERE run = ?";

const UNIT_ENDS: &str = "
    SELECT run, unit, hardware_type, attempt, shard, device, device_name, model_name, batch_size, implementation, outcome,
           is_partial, started_at::VARCHAR, seconds, memory_peak, device_memory_peak
    FROM unit_ends WHERE run = ?";

impl Store {
    /// What is stored of a run, the runs that it finishes and those that finish it; nothing if there is no such run.
    pub(crate) fn recorded(&self, run: &str) -> Result<Recorded, StoreError> {
        let mut recorded = Recorded::default();
        for run in self.related_runs(run)? {
            let connection = &self.connection;
            recorded.headers.extend(rows(connection, RUNS, &run, header)?);
            recorded.attempts.extend(rows(connection, RESULTS, &run, attempt)?);
            recorded.ends.extend(rows(connection, UNIT_ENDS, &run, end)?);
        }
        Ok(merged(recorded))
    }

    fn related_runs(&self, run: &str) -> Result<Vec<String>, StoreError> {
        const RELATED: &str = "
            WITH RECURSIVE related (run) AS (
                SELECT ?
                UNION
                SELECT CASE WHEN runs.run = related.run THEN runs.rerun_of ELSE runs.run END
                FROM runs JOIN related ON runs.run = related.run OR runs.rerun_of = related.run
                WHERE runs.rerun_of IS NOT NULL
            )
            FROM related ORDER BY run";
        rows(&self.connection, RELATED, run, |row| row.get(0))
    }

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

fn rows<T>(
    connection: &Connection,
    sql: &str,
    run: &str,
    read: impl FnMut(&Row<'_>) -> duckdb::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([run], read)?.collect::<duckdb::Result<_>>()?;
    Ok(rows)
}

fn header(row: &Row<'_>) -> duckdb::Result<Header> {
    Ok(Header {
        version: VERSION,
        run: row.get(0)?,
        shard: row.get(1)?,
        started: utc(row.get(2)?).unwrap_or_default(),
        rerun_of: row.get(3)?,
        machine: row.get(4)?,
        command: row.get(5)?,
        git_commit: row.get(6)?,
        python: row.get(7)?,
        torch: row.get(8)?,
        transformers: row.get(9)?,
        driver: row.get(10)?,
        planned: row.get(11)?,
        units: BTreeMap::new(),
    })
}

fn attempt(row: &Row<'_>) -> duckdb::Result<Attempt> {
    let phases: String = row.get(17)?;
    Ok(Attempt {
        run: row.get(0)?,
        file: row.get(1)?,
        nodeid: row.get(2)?,
        platform: None,
        hardware: hardware(row, 3)?,
        attempt: row.get(4)?,
        unit: row.get(5)?,
        test_id: row.get(6)?,
        shard: row.get(7)?,
        device: row.get(8)?,
        device_name: row.get(9)?,
        model: row.get(10)?,
        test: row.get(11)?,
        task: row.get(12)?,
        batch: row.get(13)?,
        implementation: row.get(14)?,
        outcome: outcome(row, 15)?,
        reason: row.get(16)?,
        log: None,
        phases: serde_json::from_str(&phases).unwrap_or_default(),
        subtests: BTreeMap::new(),
        started: utc(row.get(18)?),
        duration: row.get(19)?,
        peak_memory: None,
        worker: None,
        memory_peak: row.get(20)?,
        device_memory_peak: row.get(21)?,
    })
}

fn end(row: &Row<'_>) -> duckdb::Result<UnitEnd> {
    Ok(UnitEnd {
        run: row.get(0)?,
        unit: row.get(1)?,
        hardware: hardware(row, 2)?,
        attempt: row.get(3)?,
        shard: row.get(4)?,
        device: row.get(5)?,
        device_name: row.get(6)?,
        model: row.get(7)?,
        batch: row.get(8)?,
        implementation: row.get(9)?,
        outcome: outcome(row, 10)?,
        partial: row.get(11)?,
        started: utc(row.get(12)?),
        duration: row.get(13)?,
        memory_peak: row.get(14)?,
        memory_expected: None,
        device_memory_peak: row.get(15)?,
    })
}

/// The hardware type of a row; a later release may have stored one that this one does not know.
fn hardware(row: &Row<'_>, column: usize) -> duckdb::Result<HardwareType> {
    Ok(HardwareType::from_name(&row.get::<_, String>(column)?).unwrap_or(HardwareType::Cpu))
}

fn outcome(row: &Row<'_>, column: usize) -> duckdb::Result<Outcome> {
    Ok(Outcome::from_name(&row.get::<_, String>(column)?).unwrap_or(Outcome::Error))
}

/// A time as results files have it, from one as DuckDB writes it.
fn utc(time: Option<String>) -> Option<String> {
    time.map(|time| time.replacen(' ', "T", 1) + "Z")
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
