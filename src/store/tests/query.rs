use std::fs;

use insta::assert_snapshot;

use std::str::FromStr;
use std::time::{Duration, Instant};

use tgen_core::base::bytes::Bytes;

use super::super::{Kind, Limits, Mode, StoreError};
use super::{Answer, Folder, message, template};

fn filled() -> Folder {
    let folder = Folder::new();
    folder.store().add_template(&template("it's", "vision", &[], "text")).unwrap();
    folder
}

#[track_caller]
fn ask(folder: &Folder, sql: &str) -> Result<Answer, StoreError> {
    super::ask(folder.open(Mode::Query(Bytes::from_str("1GB").unwrap())).unwrap(), sql)
}

#[test]
fn an_answer_has_columns_with_kinds_and_rows_as_text() {
    let sql = "SELECT name, template_id, template_id > 5 AS big, 1.50 AS price, NULL AS nothing, DATE '2026-01-02', \
               'b' AS name FROM templates -- why";
    let answer = ask(&filled(), sql).unwrap();
    let columns: Vec<_> = answer.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
    assert_eq!(
        columns,
        [
            ("name", Kind::Text),
            ("template_id", Kind::Number),
            ("big", Kind::Boolean),
            ("price", Kind::Number),
            ("nothing", Kind::Number),
            ("CAST('2026-01-02' AS \"DATE\")", Kind::Text),
            ("name_1", Kind::Text),
        ]
    );
    let row: Vec<_> = answer.rows[0].iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
    assert_eq!(row, ["it's", "1", "false", "1.50", "NULL", "2026-01-02", "b"]);
    assert_eq!(answer.rows.len(), 1);
}

#[test]
fn everything_that_reads_the_database_is_answered() {
    let folder = filled();
    for sql in [
        "FROM templates",
        "WITH t AS (SELECT 1) FROM t;",
        "VALUES (1), (2)",
        "SHOW TABLES",
        "DESCRIBE templates",
        "SUMMARIZE templates",
        "SELECT * FROM current_templates",
        "SELECT * FROM test_dependencies",
    ] {
        ask(&folder, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    assert!(ask(&folder, "SELECT name FROM templates WHERE false").unwrap().rows.is_empty());
    assert_snapshot!(message(&folder, ask(&folder, "SELECT nme FROM templates")), @r#"
    cannot answer the query: Binder Error: Referenced column "nme" not found in FROM clause!
    Candidate bindings: "name", "family"
    "#);
}

#[test]
fn a_value_too_large_to_be_copied_is_refused() {
    let folder = filled();
    for sql in ["SELECT 1, repeat('a', 16777217)", "SELECT range(4000000)", "SELECT {'a': repeat('é', 10000000)}"] {
        let expected = "cannot answer the query: a value is larger than the 16 MB that are shown; cut it, for example with `left(value, 1000)`";
        assert_eq!(message(&folder, ask(&folder, sql)), expected);
    }
    let largest = ask(&folder, "SELECT repeat('a', 16777216), NULL").unwrap();
    assert_eq!(largest.rows[0][0].as_deref().map(str::len), Some(16_777_216));
}

#[test]
fn nothing_can_be_changed_reached_or_loaded() {
    let folder = filled();
    let outside = folder.path().join("outside");
    fs::write(outside.with_extension("csv"), "a\n1\n").unwrap();
    drop(duckdb::Connection::open(outside.with_extension("duckdb")).unwrap());
    let names = folder.names();
    let bytes = fs::read(folder.file()).unwrap();
    for sql in [
        "INSERT INTO templates (name, family) VALUES ('b', 'vision')",
        "UPDATE templates SET family = 'audio'",
        "DELETE FROM templates",
        "DROP TABLE templates",
        "CREATE TABLE t (a INTEGER)",
        "CREATE TEMP TABLE t (a INTEGER)",
        "ALTER TABLE templates ADD COLUMN a INTEGER",
        "SELECT nextval('template_ids')",
        "TRUNCATE templates",
        "WITH gone AS (DELETE FROM templates RETURNING *) FROM gone",
        "SELECT 1; DROP TABLE templates",
        "SELECT * FROM query('DROP TABLE templates')",
        "BEGIN",
        "ATTACH ':memory:' AS m",
        "ATTACH 'OUTSIDE.duckdb' AS m",
        "ATTACH 'OUTSIDE.new.duckdb' AS m",
        "SELECT * FROM read_duckdb('OUTSIDE.duckdb')",
        "COPY templates TO 'OUTSIDE.copy.csv'",
        "COPY (SELECT 1) TO 'OUTSIDE.copy.csv'",
        "COPY templates FROM 'OUTSIDE.csv'",
        "EXPORT DATABASE 'OUTSIDE.export'",
        "IMPORT DATABASE 'OUTSIDE.export'",
        "SELECT * FROM 'OUTSIDE.csv'",
        "SELECT * FROM read_csv('OUTSIDE.csv')",
        "SELECT * FROM sniff_csv('OUTSIDE.csv')",
        "SELECT * FROM read_text('OUTSIDE.csv')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM 'https://127.0.0.1:9/a.csv'",
        "INSTALL sqlite",
        "INSTALL json",
        "LOAD sqlite",
        "LOAD 'OUTSIDE.duckdb_extension'",
        "UPDATE EXTENSIONS",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "SET autoload_known_extensions = true",
        "SET memory_limit = '100GB'",
        "SET temp_directory = 'OUTSIDE.tmp'",
        "PRAGMA threads = 8",
        "PRAGMA enable_profiling",
        "CALL enable_logging(storage = 'file', storage_path = 'OUTSIDE.log')",
        "CREATE SECRET s (TYPE s3)",
        "USE temp",
        "PREPARE p AS SELECT 1",
        "SELECT getenv('HOME')",
        "CHECKPOINT",
        "VACUUM",
        "EXPLAIN ANALYZE SELECT 1",
        "",
        ";",
        "\0",
    ] {
        let refused = ask(&folder, &sql.replace("OUTSIDE", outside.as_str()));
        assert!(refused.is_err(), "{sql} was answered: {refused:?}");
    }
    assert_eq!(folder.names(), names);
    assert!(fs::read(folder.file()).unwrap() == bytes, "the file was changed");
}

#[test]
fn a_log_file_is_not_written_either() {
    let folder = filled();
    let log = folder.path().join("log");
    let sql = format!("SELECT * FROM enable_logging(storage = 'file', storage_path = '{log}')");
    let answer = ask(&folder, &sql);
    assert!(!log.exists(), "{answer:?}");
}

#[test]
fn a_store_for_writing_does_not_write_either() {
    let folder = filled();
    assert!(super::ask(folder.store(), "DELETE FROM templates").is_err());
    assert_eq!(super::ask(folder.store(), "SELECT name FROM templates").unwrap().rows, [[Some("it's".to_owned())]]);
}

/// The result of a query under limits, and its duration.
#[track_caller]
fn limited(sql: &str, memory: &str, limits: &Limits<'_>) -> (String, Duration) {
    let folder = filled();
    let store = folder.open(Mode::Query(Bytes::from_str(memory).unwrap())).unwrap();
    let started = Instant::now();
    let mut answer = Answer::default();
    let refused = message(&folder, store.query(sql, limits, &mut answer));
    assert_eq!(folder.names(), ["templates.duckdb"]);
    (refused, started.elapsed())
}

const ENDLESS: &str = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t";

#[test]
fn a_question_without_end_is_stopped_when_its_time_is_up() {
    let limits = Limits { time: Some(Duration::from_millis(300)), is_interrupted: &|| false };
    let (refused, took) = limited(ENDLESS, "1GB", &limits);
    assert_snapshot!(refused, @"the query was stopped after 0.3 s; `--timeout` gives it more time, and `LIMIT` or a filter less to do");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn the_user_can_stop_a_question() {
    let started = Instant::now();
    let limits = Limits { time: None, is_interrupted: &|| started.elapsed() > Duration::from_millis(300) };
    assert_snapshot!(limited(ENDLESS, "1GB", &limits).0, @"the query was interrupted");
}

#[test]
fn a_question_that_needs_too_much_memory_is_refused() {
    let limits = Limits { time: Some(Duration::from_mins(1)), is_interrupted: &|| false };
    let sql = "SELECT list(n ORDER BY n DESC) FROM range(50000000) AS t(n)";
    let (refused, _) = limited(sql, "50MB", &limits);
    assert!(
        refused.starts_with("the query needs more memory than it may have; `--memory` gives it more: "),
        "{refused}"
    );
}
