//! Writes a plan. Tests go through DuckDB's appender in separate threads, so that rendering and storing them overlap.
//!
//! A plan is written in steps: its own row, its tests in one transaction for each thread, then their dependencies and
//! estimates. No transaction sees the uncommitted rows of another, so each step is committed before the next begins.
//! The plan is visible only after the last step.

use std::collections::HashMap;
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use duckdb::arrow::array::RecordBatch;
use duckdb::{Connection, params};
use uuid::Uuid;

use super::columns::{self, TestColumns};
use super::error::StoreError;
use super::plan_support::{self, SupportFile};
use super::plans::{self, Estimates, NewTest};
use super::{Store, clock};

/// A plan that is being written. If it is dropped before [`PlanWriter::finish`], the plan stays invisible.
pub(crate) struct PlanWriter<'s> {
    connection: &'s Connection,
    plan: i64,
    waiting: TestColumns,
    tests: Appending,
    positions: HashMap<Uuid, u32>,
    dependencies: Vec<(u32, Uuid)>,
    estimates: Vec<Estimates>,
}

/// The bytes of tests that are collected before they go to the appender.
const BATCH: usize = 4 * 1024 * 1024;
/// The number of appending threads. Each has its own transaction, and DuckDB's own threads would only compete with
/// them.
const APPENDING: usize = 2;

impl Store {
    /// Begins a plan; the default name is `plan-` and a number.
    pub(crate) fn new_plan(&mut self, name: Option<&str>) -> Result<PlanWriter<'_>, StoreError> {
        self.forget_what_was_cut_short()?;
        let plan = self.write(|connection| insert_plan(connection, name))?;
        Ok(PlanWriter {
            connection: &self.connection,
            plan,
            waiting: TestColumns::default(),
            tests: Appending::begin(&self.connection)?,
            positions: HashMap::new(),
            dependencies: Vec::new(),
            estimates: Vec::new(),
        })
    }

    /// Removes a plan with its tests.
    pub(crate) fn remove_plan(&mut self, name: &str) -> Result<(), StoreError> {
        self.write(|connection| {
            let plan = plans::identify(connection, name)?;
            Ok(connection.execute("UPDATE plans SET is_complete = false WHERE plan_id = ?", [plan]).map(drop)?)
        })?;
        self.forget_what_was_cut_short()
    }

    /// Deletes plans whose writer was interrupted. DuckDB deletes a row only if the rows that refer to it were deleted
    /// in an earlier transaction.
    fn forget_what_was_cut_short(&mut self) -> Result<(), StoreError> {
        const CUT_SHORT: &str = "(SELECT plan_id FROM plans WHERE NOT is_complete)";
        if !self.read(|connection| Ok(connection.prepare("SELECT 1 FROM plans WHERE NOT is_complete")?.exists([])?))? {
            return Ok(());
        }
        for table in ["plan_support", "test_estimates", "dependencies", "planned_tests", "plans"] {
            let delete = format!("DELETE FROM {table} WHERE plan_id IN {CUT_SHORT}");
            self.write(|connection| Ok(connection.execute(&delete, [])?))?;
        }
        Ok(())
    }
}

impl PlanWriter<'_> {
    /// Adds the next test. Its dependencies may be added before or after it.
    pub(crate) fn add(&mut self, test: &NewTest<'_>) -> Result<(), StoreError> {
        let position = u32::try_from(self.positions.len())
            .map_err(|_| StoreError::InvalidPlan("it has too many tests".to_owned()))?;
        if self.positions.insert(test.test_id, position).is_some() {
            return Err(StoreError::InvalidPlan(format!("it has the test `{}` twice", test.test_id)));
        }
        self.estimates.push(test.estimates);
        self.dependencies.extend(test.dependencies.iter().map(|id| (position, *id)));
        self.waiting.add(self.plan, position, test);
        if self.waiting.size() >= BATCH { self.flush() } else { Ok(()) }
    }

    /// Stores the plan with its support files, and returns its name.
    pub(crate) fn finish(mut self, support: &[SupportFile]) -> Result<String, StoreError> {
        self.flush()?;
        let pairs = self.dependencies.iter().map(|(position, id)| Ok((*position, self.position(id)?)));
        let pairs = pairs.collect::<Result<Vec<_>, StoreError>>()?;
        mem::take(&mut self.tests).commit()?;
        let transaction = self.connection.unchecked_transaction()?;
        let mut appender = self.connection.appender("dependencies")?;
        appender.append_record_batch(columns::dependencies(self.plan, &pairs)?)?;
        appender.flush()?;
        let mut estimates = self.connection.appender("test_estimates")?;
        estimates.append_record_batch(columns::estimates(self.plan, &self.estimates)?)?;
        estimates.flush()?;
        plan_support::insert(&transaction, self.plan, support)?;
        transaction.execute("UPDATE plans SET is_complete = true WHERE plan_id = ?", [self.plan])?;
        let name = "SELECT name FROM plans WHERE plan_id = ?";
        let name = transaction.query_row(name, [self.plan], |row| row.get(0))?;
        // The appenders must be dropped before their transaction.
        drop((appender, estimates));
        transaction.commit()?;
        Ok(name)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.tests.append(self.waiting.take()?)
    }

    fn position(&self, id: &Uuid) -> Result<u32, StoreError> {
        let missing = || StoreError::InvalidPlan(format!("a test depends on `{id}`, which is not in it"));
        self.positions.get(id).copied().ok_or_else(missing)
    }
}

/// Inserts a plan that is marked as incomplete.
fn insert_plan(connection: &Connection, name: Option<&str>) -> Result<i64, StoreError> {
    if let Some(name) = name
        && connection.prepare("SELECT 1 FROM plans WHERE name = ?")?.exists([name])?
    {
        return Err(StoreError::PlanExists(name.to_owned()));
    }
    let id: i64 = connection.query_row("SELECT nextval('plan_ids')", [], |row| row.get(0))?;
    connection.execute(
        "INSERT INTO plans VALUES ($1, coalesce($2, 'plan-' || $1), make_timestamp($3::BIGINT), $4, false)",
        params![id, name, clock::now(), clock::GENERATOR],
    )?;
    Ok(id)
}

/// The threads that append tests, each in its own transaction. If this is dropped before [`Appending::commit`], the
/// transactions are rolled back.
#[derive(Default)]
struct Appending {
    batches: Option<SyncSender<RecordBatch>>,
    threads: Vec<JoinHandle<Result<Connection, StoreError>>>,
}

impl Appending {
    fn begin(connection: &Connection) -> Result<Self, StoreError> {
        // One batch waits while others are appended; more would only take memory.
        let (sender, batches) = sync_channel(1);
        let batches = Arc::new(Mutex::new(batches));
        let appending = || {
            let (connection, batches) = (connection.try_clone()?, Arc::clone(&batches));
            Ok(thread::spawn(move || append(connection, &batches)))
        };
        let threads = (0..APPENDING).map(|_| appending()).collect::<Result<_, StoreError>>()?;
        Ok(Self { batches: Some(sender), threads })
    }

    fn append(&mut self, batch: RecordBatch) -> Result<(), StoreError> {
        match &self.batches {
            Some(sender) if sender.send(batch).is_ok() => Ok(()),
            // The threads stop receiving only if they have failed.
            _ => self.end().map(drop),
        }
    }

    fn commit(mut self) -> Result<(), StoreError> {
        self.end()?.iter().try_for_each(|connection| Ok(connection.execute_batch("COMMIT")?))
    }

    /// Waits until the threads have appended everything, and returns their connections with open transactions.
    fn end(&mut self) -> Result<Vec<Connection>, StoreError> {
        self.batches = None;
        let ended: Vec<_> = self.threads.drain(..).map(JoinHandle::join).collect();
        let connection = |joined: thread::Result<_>| joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        ended.into_iter().map(connection).collect()
    }
}

impl Drop for Appending {
    fn drop(&mut self) {
        // Dropping a connection rolls back its transaction.
        drop(self.end());
    }
}

fn append(connection: Connection, batches: &Mutex<Receiver<RecordBatch>>) -> Result<Connection, StoreError> {
    connection.execute_batch("BEGIN TRANSACTION")?;
    let mut appender = connection.appender("planned_tests")?;
    let next = || batches.lock().ok()?.recv().ok();
    while let Some(batch) = next() {
        appender.append_record_batch(batch)?;
        appender.flush()?;
    }
    drop(appender);
    Ok(connection)
}
