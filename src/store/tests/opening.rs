use std::fs;
use std::io::Read;

use insta::assert_snapshot;

use super::super::{Mode, migrations, schema};
use super::{Folder, message, open, template};

/// Checks that the file is rejected in both modes with the same message, and is not changed.
#[track_caller]
fn check_refused(bytes: &[u8]) -> String {
    let folder = Folder::new();
    fs::write(folder.file(), bytes).unwrap();
    let reading = message(&folder, folder.open(Mode::ReadOnly));
    let writing = message(&folder, folder.open(Mode::ReadWrite));
    assert_eq!(reading, writing);
    assert!(fs::read(folder.file()).unwrap() == bytes, "the file was changed");
    assert_eq!(folder.names(), ["templates.duckdb"]);
    reading
}

/// A valid template database with some content.
fn good_file() -> Vec<u8> {
    let folder = Folder::new();
    folder.store().add_template(&template("a", "vision", &[], &"text\n".repeat(100_000))).unwrap();
    fs::read(folder.file()).unwrap()
}

#[test]
fn a_new_database_is_one_whole_file_and_nothing_else() {
    let folder = Folder::new();
    drop(folder.store());
    assert_eq!(folder.names(), ["templates.duckdb"]);
    assert!(folder.open(Mode::ReadOnly).unwrap().templates().unwrap().is_empty());
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    assert_snapshot!(check_refused(b""), @"
    `[folder]/templates.duckdb` is not a DuckDB database; give `--template-db` another file
    ");
    assert_snapshot!(check_refused(b"DUCK"), @"
    `[folder]/templates.duckdb` is not a DuckDB database; give `--template-db` another file
    ");
    assert_snapshot!(check_refused(&b"name,family\n".repeat(1000)), @"
    `[folder]/templates.duckdb` is not a DuckDB database; give `--template-db` another file
    ");
    assert_snapshot!(check_refused(&[b"SQLite format 3\0".as_slice(), &[0; 8192]].concat()), @"
    `[folder]/templates.duckdb` is not a DuckDB database; give `--template-db` another file
    ");
}

#[test]
fn a_file_that_was_cut_short_is_refused_and_left_alone() {
    let whole = good_file();
    for eighths in 0..8 {
        let cut = &whole[..whole.len() / 8 * eighths + 100];
        let folder = Folder::new();
        fs::write(folder.file(), cut).unwrap();
        for mode in [Mode::ReadOnly, Mode::ReadWrite] {
            let read = folder.open(mode).and_then(|store| store.text("a", None));
            let message = message(&folder, read);
            assert!(message.contains("`[folder]/templates.duckdb` is damaged: "), "{eighths}: {message}");
            assert!(fs::read(folder.file()).unwrap() == cut, "{eighths}: the file was changed");
        }
    }
}

#[test]
fn a_file_of_a_newer_duckdb_is_named_with_its_release() {
    let packed = include_bytes!("duckdb_2_0_1.db.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    let refused = check_refused(&bytes).replace(super::super::library::VERSION, "[known]");
    assert_snapshot!(refused, @"
    `[folder]/templates.duckdb` was made by DuckDB v2.0.1, whose files this cargo-tgen cannot read (it has DuckDB [known]); update cargo-tgen, or copy it with that release: `ATTACH '[folder]/templates.duckdb' AS old; ATTACH 'copy.duckdb' AS copy (STORAGE_VERSION 'v1.2.0'); COPY FROM DATABASE old TO copy`
    ");
}

#[test]
fn a_damaged_log_is_not_blamed_on_the_database() {
    let folder = Folder::new();
    drop(folder.store());
    let script = "PRAGMA disable_checkpoint_on_shutdown; INSERT INTO templates (name, family) SELECT 'n' || i, 'f' FROM range(99) r(i)";
    duckdb::Connection::open(folder.file()).unwrap().execute_batch(script).unwrap();
    let log = folder.path().join("templates.duckdb.wal");
    let mut bytes = fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&log, &bytes).unwrap();
    for mode in [Mode::ReadOnly, Mode::ReadWrite] {
        let refused = message(&folder, folder.open(mode));
        assert!(
            refused.starts_with("the log `[folder]/templates.duckdb.wal` of the template database is damaged: "),
            "{refused}"
        );
        assert!(fs::read(&log).unwrap() == bytes, "the log was changed");
    }
    fs::remove_file(log).unwrap();
    assert!(folder.open(Mode::ReadOnly).unwrap().templates().unwrap().is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_to_a_database_is_the_database() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    fs::create_dir(folder.path().join("real")).unwrap();
    symlink("real/there.duckdb", folder.file()).unwrap();
    folder.store().add_template(&template("a", "vision", &[], "text")).unwrap();
    assert_eq!(folder.open(Mode::ReadOnly).unwrap().templates().unwrap().len(), 1);
    assert!(folder.file().is_symlink() && folder.path().join("real/there.duckdb").is_file());
    symlink("loop.duckdb", folder.path().join("loop.duckdb")).unwrap();
    let refused = message(&folder, open(&folder.path().join("loop.duckdb"), Mode::ReadWrite));
    assert_snapshot!(refused, @"cannot open `[folder]/loop.duckdb`: it is a link that leads back to itself");
}

#[test]
fn a_database_of_something_else_is_refused_and_left_alone() {
    let folder = Folder::new();
    duckdb::Connection::open(folder.file()).unwrap().execute_batch("CREATE TABLE templates (name VARCHAR)").unwrap();
    let bytes = fs::read(folder.file()).unwrap();
    assert_snapshot!(check_refused(&bytes), @"
    `[folder]/templates.duckdb` is a DuckDB database, but not a template database; give `--template-db` another file
    ");
}

#[test]
fn an_empty_database_becomes_a_template_database() {
    let folder = Folder::new();
    drop(duckdb::Connection::open(folder.file()).unwrap());
    assert_snapshot!(message(&folder, folder.open(Mode::ReadOnly)), @"
    there is no template database `[folder]/templates.duckdb`; `cargo tgen template add` creates it
    ");
    assert!(folder.store().templates().unwrap().is_empty());
}

#[test]
fn a_place_where_no_file_can_be_is_refused() {
    let folder = Folder::new();
    assert_snapshot!(message(&folder, folder.open(Mode::ReadOnly)), @"
    there is no template database `[folder]/templates.duckdb`; `cargo tgen template add` creates it
    ");
    assert_snapshot!(message(&folder, open(folder.path(), Mode::ReadWrite)), @"
    `[folder]` is a folder, not a template database; give `--template-db` a file
    ");
    assert_snapshot!(message(&folder, open(&folder.path().join("no/such/x.duckdb"), Mode::ReadWrite)), @"
    cannot create a file in `[folder]/no/such`: it does not exist
    ");
    fs::write(folder.path().join("file"), "").unwrap();
    assert_snapshot!(message(&folder, open(&folder.path().join("file/x.duckdb"), Mode::ReadWrite)), @"
    cannot open `[folder]/file/x.duckdb`: a part of its path is not a folder
    ");
    assert_eq!(folder.names(), ["file"]);
}

#[test]
fn names_that_mean_something_to_duckdb_are_just_names() {
    let folder = Folder::new();
    for name in [
        "system.duckdb",
        "temp.duckdb",
        "main.duckdb",
        "templates",
        "a b'\"c.db",
        ":memory:",
        "md:x",
        "sqlite:x",
        "ü.duckdb",
    ] {
        let path = folder.path().join(name);
        open(&path, Mode::ReadWrite).unwrap().add_template(&template("a", "vision", &[], name)).unwrap();
        let store = open(&path, Mode::ReadOnly).unwrap();
        assert_eq!(store.text("a", None).unwrap().content, name);
    }
}

/// A schema before the current one, and one after it.
const OLDER: &[&str] = &["CREATE TABLE schema_version (version INTEGER, reached_at TIMESTAMP, reached_by VARCHAR);
                          CREATE TABLE notes (note VARCHAR); INSERT INTO notes VALUES ('kept')"];
const NEWER_STEP: &str = "ALTER TABLE notes ADD COLUMN author VARCHAR DEFAULT 'nobody'";

#[track_caller]
fn notes(folder: &Folder, file: &str, columns: &str) -> String {
    let connection = duckdb::Connection::open(folder.path().join(file)).unwrap();
    connection.query_row(&format!("SELECT concat_ws(' ', {columns}) FROM notes"), [], |row| row.get(0)).unwrap()
}

#[test]
fn an_older_schema_is_upgraded_and_the_old_file_kept() {
    let folder = Folder::new();
    let patience = super::super::Patience { limit: std::time::Duration::ZERO, tell: &|_| () };
    let connect = |mode, steps: &[&str]| migrations::connect(&folder.file(), mode, steps, &patience);
    let steps = [OLDER[0], NEWER_STEP];
    drop(connect(Mode::ReadWrite, OLDER).unwrap());

    assert_snapshot!(message(&folder, connect(Mode::ReadOnly, &steps)), @"
    `[folder]/templates.duckdb` was made by an older cargo-tgen: its schema is 1, this one needs 2; `cargo tgen template upgrade` upgrades it and keeps a copy
    ");
    assert_eq!(folder.names(), ["templates.duckdb"]);
    drop(connect(Mode::ReadWrite, &steps).unwrap());
    drop(connect(Mode::ReadOnly, &steps).unwrap());
    assert_eq!(folder.names(), ["templates.duckdb", "templates.duckdb.schema-1.1.bak"]);
    assert_eq!(notes(&folder, "templates.duckdb", "note, author"), "kept nobody");
    assert_eq!(notes(&folder, "templates.duckdb.schema-1.1.bak", "note"), "kept");
}

#[test]
fn an_upgrade_that_fails_changes_nothing() {
    let folder = Folder::new();
    let patience = super::super::Patience { limit: std::time::Duration::ZERO, tell: &|_| () };
    let connect = |steps: &[&str]| migrations::connect(&folder.file(), Mode::ReadWrite, steps, &patience);
    drop(connect(OLDER).unwrap());
    let broken = [OLDER[0], NEWER_STEP, "DROP TABLE notes; SELECT * FROM notes"];
    assert!(message(&folder, connect(&broken)).contains("Table with name notes does not exist"));
    drop(connect(OLDER).unwrap());
    assert_eq!(notes(&folder, "templates.duckdb", "note"), "kept");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = Folder::new();
    folder.store().connection.execute_batch("INSERT INTO schema_version VALUES (99, now(), 'the future')").unwrap();
    let newer = message(&folder, folder.open(Mode::ReadWrite));
    assert_snapshot!(newer.replace(&schema::STEPS.len().to_string(), "[known]"), @"
    `[folder]/templates.duckdb` was made by a newer cargo-tgen: its schema is 99, this one knows [known]; update cargo-tgen
    ");
    assert_eq!(newer, message(&folder, folder.open(Mode::ReadOnly)));
}
