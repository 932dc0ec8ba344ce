use insta::assert_snapshot;
use tgen_core::results::attempt::Attempt;
use tgen_core::results::reading::{Recorded, read};
use tgen_core::results::rerun::run_with_reruns;

use super::super::{ImportedResults, Mode, migrations, schema};
use super::{Folder, ask};

/// A results file from lines without the fields that all of them share.
fn recorded(lines: &[&str]) -> Recorded {
    let header = r#"{"tgen-results":1,"run":"r1","started":"2026-01-02T03:04:05.5Z","machine":"ci","planned":2}"#;
    read(format!("{header}\n{}\n", lines.join("\n")).as_bytes()).unwrap()
}

const PASSED: &str = r#"{"run":"r1","file":"a.py","nodeid":"a.py::t[ü']","hardware":"cuda","outcome":"passed","model":"bert","batch":4,"duration":0.5,"started":"2026-01-02T04:04:05+01:00","memory_peak":18446744073709551615,"phases":{"call":"passed"}}"#;
const NOT_RUN: &str =
    r#"{"run":"r1","file":"b.py","nodeid":"b.py","hardware":"cpu","outcome":"not_run","reason":"interrupted"}"#;
const END: &str =
    r#"{"tgen-unit":"a.py","run":"r1","hardware":"cuda","outcome":"passed","duration":6,"started":"soon"}"#;

#[track_caller]
fn rows(folder: &Folder, sql: &str) -> String {
    let answer = ask(folder.open(Mode::ReadOnly).unwrap(), sql).unwrap();
    let cell = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "NULL".to_owned());
    answer.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" | ") + "\n").collect()
}

#[test]
fn results_are_imported_once_however_often_their_file_is() {
    let folder = Folder::new();
    let import = |lines: &[&str]| {
        let ImportedResults { runs, attempts } = folder.store().import_results(recorded(lines)).unwrap();
        (runs, attempts)
    };
    assert_eq!(import(&[PASSED, NOT_RUN, END, PASSED]), (1, 2));
    assert_eq!(import(&[PASSED, NOT_RUN, END]), (0, 0));
    // A test with unknown values has run meanwhile. In the opposite order, the known values are kept.
    let ran = NOT_RUN.replace("not_run", "failed");
    assert_eq!(import(&[&ran]), (0, 1));
    assert_eq!(import(&[NOT_RUN]), (0, 0));
    let sql = "SELECT nodeid, hardware_type, attempt, outcome, batch_size, seconds, started_at, memory_peak, phases \
               FROM results ORDER BY nodeid";
    assert_snapshot!(rows(&folder, sql), @r#"
    a.py::t[ü'] | cuda | 1 | passed | 4 | 0.5 | 2026-01-02 03:04:05 | 18446744073709551615 | {"call":"passed"}
    b.py | cpu | 1 | failed | NULL | 0.0 | NULL | NULL | {}
    "#);
    assert_snapshot!(rows(&folder, "SELECT * FROM unit_ends"), @"r1 | a.py | cuda | 1 | NULL | NULL | NULL | NULL | NULL | NULL | passed | false | NULL | 6.0 | NULL | NULL");
    assert_snapshot!(rows(&folder, "SELECT run, started_at, machine, planned_units FROM runs"), @"r1 | 2026-01-02 03:04:05.5 | ci | 2");
}

#[test]
fn results_of_the_earlier_schema_are_kept_by_the_upgrade() {
    let folder = Folder::new();
    let patience = super::super::Patience { limit: std::time::Duration::from_secs(20), tell: &|_| () };
    let earlier = migrations::connect(&folder.file(), Mode::ReadWrite, &schema::STEPS[..2], &patience).unwrap();
    earlier
        .execute_batch(
            "INSERT INTO plans VALUES (1, 'nightly', TIMESTAMP '2026-01-02', 'x', true);
             INSERT INTO planned_tests VALUES
                 (1, 0, 'ffffffff-0000-5000-8000-000000000001', 'bert', 'text', 'cpu', 4, '', 't', 3, 1, 600, 'text', 1);
             INSERT INTO runs VALUES (7, 1, 'ci', TIMESTAMP '2026-01-02 03:04:05', NULL);
             INSERT INTO results VALUES (7, 1, 0, 'failed', 1.5, NULL, TIMESTAMP '2026-01-02 03:05:00');",
        )
        .unwrap();
    earlier.close().unwrap();
    drop(folder.store());
    assert_eq!(folder.names(), ["templates.duckdb", "templates.duckdb.schema-2.1.bak"]);
    assert_snapshot!(rows(&folder, "SELECT run, started_at, machine, command FROM runs"), @"run-7 | 2026-01-02 03:04:05 | ci | plan nightly");
    let sql = "SELECT run, nodeid, hardware_type, model_name, batch_size, outcome, seconds FROM results";
    assert_snapshot!(rows(&folder, sql), @"run-7 | ffffffff-0000-5000-8000-000000000001 | cpu | bert | 4 | failed | 1.5");
    // A plan of the earlier release has no estimates, and can be removed.
    let mut store = folder.store();
    assert_eq!(store.planned_tests("nightly", 0, 9, super::super::Content::Without).unwrap()[0].estimates, None);
    store.remove_plan("nightly").unwrap();
    assert!(store.plans().unwrap().is_empty());
}

#[test]
fn a_run_is_read_back_with_its_reruns_and_without_others() {
    let header = |run: &str, rerun_of: &str| {
        format!(
            r#"{{"tgen-results":1,"run":"{run}","started":"2026-01-02T03:04:05.5Z","rerun_of":{rerun_of},"planned":1}}"#
        )
    };
    let end = r#"{"tgen-unit":"a.py","run":"r2","hardware":"cuda","outcome":"passed","duration":6.0,"started":"2026-01-02T03:04:05Z"}"#;
    let lines = [header("r1", "null"), header("r2", "\"r1\""), header("r3", "null"), PASSED.to_owned(), end.to_owned()];
    let all = read(lines.join("\n").as_bytes()).unwrap();
    let folder = Folder::new();
    folder.store().import_results(all.clone()).unwrap();
    for run in ["r1", "r2"] {
        let stored = folder.store().recorded(run).unwrap();
        let expected = run_with_reruns(&all, "r1");
        assert_eq!(stored.headers, expected.headers);
        let key = |attempt: &Attempt| (attempt.nodeid.clone(), attempt.outcome, attempt.batch, attempt.memory_peak);
        let keys = |recorded: &Recorded| recorded.attempts.iter().map(key).collect::<Vec<_>>();
        assert_eq!(keys(&stored), keys(&expected));
        assert_eq!(stored.ends, expected.ends);
    }
    assert_eq!(folder.store().recorded("no such run").unwrap(), Recorded::default());
}
