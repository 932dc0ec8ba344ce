//! Answers users' SQL queries, without letting them change anything or exhaust the machine.
//!
//! Three measures prevent changes, and each alone prevents most: the file is open read-only, the database may not
//! access anything outside it (see [`super::opening`]), and DuckDB's table function `query` takes only a single SELECT.
//! Against exhaustion, the database has a memory limit, rows are streamed, and a thread interrupts the statement at its
//! time limit or when the user asks for it.

use std::mem;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use duckdb::arrow::array::{Array, StringArray, StructArray};
use duckdb::{Connection, InterruptHandle};

use super::Store;
use super::error::StoreError;

/// The type of a column, as far as output formats distinguish it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Anything else, as DuckDB writes it.
    Text,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// Its type.
    pub(crate) kind: Kind,
}

/// Receives an answer, row by row; a value is text, or `None` for NULL.
pub(crate) trait Rows<E> {
    /// Receives the columns, before the first row.
    fn begin(&mut self, columns: Vec<Column>) -> Result<(), E>;
    /// Receives a row.
    fn row(&mut self, values: &[Option<&str>]) -> Result<(), E>;
}

/// When to interrupt a query.
pub(crate) struct Limits<'a> {
    /// The longest time that DuckDB may work on it; `None` for no limit.
    pub(crate) time: Option<Duration>,
    /// Whether the user has interrupted it.
    pub(crate) is_interrupted: &'a (dyn Fn() -> bool + Sync),
}

/// The largest value that is handed over, in bytes. Each is copied several times, and while it is, nothing counts the
/// memory and nothing interrupts.
const LARGEST_VALUE: usize = 16 << 20;
/// What DuckDB says of a larger one.
const TOO_LARGE: &str = "a value is larger than the 16 MB that are shown; cut it, for example with `left(value, 1000)`";

/// The interval at which the watching thread checks the limits.
const TICK: Duration = Duration::from_millis(50);

impl Store {
    /// Answers a SQL query; the store must be open for querying. This is the last use of the store: a query may leave
    /// the database unusable.
    pub(crate) fn query<E: From<StoreError>>(
        self,
        sql: &str,
        limits: &Limits<'_>,
        rows: &mut dyn Rows<E>,
    ) -> Result<(), E> {
        let answered = watched(&self.connection, limits, |stopwatch| answer(&self.connection, sql, stopwatch, rows));
        close(self.connection);
        answered
    }
}

/// A query may enable a log file that may not be written. After that everything fails, and closing the database would
/// abort the process. It is open read-only, so nothing is lost by leaking it.
fn close(connection: Connection) {
    if connection.execute_batch("SELECT 1").is_err() {
        mem::forget(connection);
    }
}

/// The time that DuckDB has spent on a query, without the time that the receiver takes.
#[derive(Default)]
struct Stopwatch(Mutex<(Duration, Option<Instant>)>);

impl Stopwatch {
    /// Runs and measures a part of the work.
    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        self.with(|(_, since)| *since = Some(Instant::now()));
        let done = work();
        self.with(|(spent, since)| *spent += since.take().map(|since| since.elapsed()).unwrap_or_default());
        done
    }

    fn elapsed(&self) -> Duration {
        self.with(|(spent, since)| *spent + since.map(|since| since.elapsed()).unwrap_or_default())
    }

    fn with<T>(&self, use_of: impl FnOnce(&mut (Duration, Option<Instant>)) -> T) -> T {
        use_of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The reason for an interrupt.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Time(Duration),
    User,
}

/// Runs work while a thread watches its limits.
fn watched<E: From<StoreError>>(
    connection: &Connection,
    limits: &Limits<'_>,
    work: impl FnOnce(&Stopwatch) -> Result<(), E>,
) -> Result<(), E> {
    let stopwatch = Stopwatch::default();
    let handle = connection.interrupt_handle();
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let (handle, stopwatch) = (&handle, &stopwatch);
        let watcher = scope.spawn(move || watch(handle, limits, stopwatch, &is_done));
        let worked = work(stopwatch);
        drop(done);
        let stop = watcher.join().unwrap_or_default();
        match (worked, stop) {
            (Err(_), Some(Stop::Time(limit))) => Err(StoreError::QueryTimedOut(limit).into()),
            (Err(_), Some(Stop::User)) => Err(StoreError::QueryInterrupted.into()),
            (worked, _) => worked,
        }
    })
}

/// Interrupts the statement at its limits, repeatedly until the work is done: DuckDB drops an interrupt between two
/// statements.
fn watch(
    handle: &InterruptHandle,
    limits: &Limits<'_>,
    stopwatch: &Stopwatch,
    is_done: &mpsc::Receiver<()>,
) -> Option<Stop> {
    let mut stop = None;
    while is_done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        let timed_out = limits.time.filter(|limit| stopwatch.elapsed() >= *limit).map(Stop::Time);
        stop = stop.or(timed_out).or_else(|| (limits.is_interrupted)().then_some(Stop::User));
        if stop.is_some() {
            handle.interrupt();
        }
    }
    stop
}

fn answer<E: From<StoreError>>(
    connection: &Connection,
    sql: &str,
    stopwatch: &Stopwatch,
    rows: &mut dyn Rows<E>,
) -> Result<(), E> {
    let columns = stopwatch.run(|| columns(connection, sql)).map_err(refusal)?;
    rows.begin(columns)?;
    let text = "CAST(COLUMNS(*) AS VARCHAR)";
    let sql_of_text = format!(
        "SELECT CASE WHEN strlen({text}) > {LARGEST_VALUE} THEN error('{TOO_LARGE}') ELSE {text} END FROM query(?)"
    );
    let mut statement = connection.prepare(&sql_of_text).map_err(refusal)?;
    // The iterator that this call returns aborts the process if DuckDB fails; `step` returns the same batches, or the
    // error.
    stopwatch.run(|| statement.stream_arrow([sql]).map(drop)).map_err(refusal)?;
    while let ControlFlow::Continue(batch) = stopwatch.run(|| next(&statement))? {
        hand_over(&batch, rows)?;
    }
    Ok(())
}

fn next(statement: &duckdb::Statement<'_>) -> Result<ControlFlow<(), StructArray>, StoreError> {
    let batch = statement.step().map_err(refusal)?;
    Ok(batch.map_or(ControlFlow::Break(()), ControlFlow::Continue))
}

fn hand_over<E: From<StoreError>>(batch: &StructArray, rows: &mut dyn Rows<E>) -> Result<(), E> {
    let texts: Option<Vec<&StringArray>> =
        batch.columns().iter().map(|column| column.as_any().downcast_ref::<StringArray>()).collect();
    let Some(texts) = texts else { return Err(StoreError::Failed("a column is no text".to_owned()).into()) };
    for row in 0..batch.len() {
        let values: Vec<Option<&str>> =
            texts.iter().map(|column| column.is_valid(row).then(|| column.value(row))).collect();
        rows.row(&values)?;
    }
    Ok(())
}

/// The error of a query, without the position, which refers to our own statement around it.
#[expect(clippy::needless_pass_by_value, reason = "an adapter for `map_err`")]
fn refusal(error: duckdb::Error) -> StoreError {
    let message = error.to_string();
    let reason = message.split("\n\nLINE ").next().unwrap_or(&message).to_owned();
    if reason.ends_with(TOO_LARGE) {
        StoreError::Query(TOO_LARGE.to_owned())
    } else if reason.starts_with("Out of Memory Error") {
        StoreError::QueryMemory(reason.lines().next().unwrap_or_default().to_owned())
    } else {
        StoreError::Query(reason)
    }
}

fn columns(connection: &Connection, sql: &str) -> duckdb::Result<Vec<Column>> {
    let mut statement = connection.prepare("SELECT column_name, column_type FROM (DESCRIBE FROM query(?))")?;
    let columns = statement.query_map([sql], |row| {
        let data_type: String = row.get(1)?;
        Ok(Column { name: row.get(0)?, kind: kind(&data_type) })
    })?;
    columns.collect()
}

fn kind(data_type: &str) -> Kind {
    match data_type {
        "BOOLEAN" => Kind::Boolean,
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "UTINYINT" | "USMALLINT" | "UINTEGER"
        | "UBIGINT" | "UHUGEINT" | "FLOAT" | "DOUBLE" => Kind::Number,
        other if other.starts_with("DECIMAL(") => Kind::Number,
        _ => Kind::Text,
    }
}
