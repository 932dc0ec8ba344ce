//! Several processes that use one file. The other process is this test binary, started with the part to play.

use std::cell::{Cell, RefCell};
use std::env;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use insta::assert_snapshot;

use super::super::{Mode, Patience, Store};
use super::{Folder, message, open, template};

const FILE: &str = "TGEN_TEST_DATABASE";

/// Another process, killed at the end of the test.
struct Other {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(part: &str, file: &Utf8Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.arg(format!("store::tests::processes::{part}")).env(FILE, file);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// A process that has reported that it holds the file.
    #[track_caller]
    fn holding(part: &str, file: &Utf8Path) -> Self {
        let mut other = Self::start(part, file);
        assert!(other.lines.any(|line| line.unwrap().ends_with("held")), "the other process ended early");
        other
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn file_of_part() -> camino::Utf8PathBuf {
    env::var(FILE).unwrap().into()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "a part that another test starts"]
fn hold_until_told() {
    let store = open(&file_of_part(), Mode::ReadWrite).unwrap();
    say("held");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(store);
}

#[test]
#[ignore = "a part that another test starts"]
fn read_until_told() {
    let store = open(&file_of_part(), Mode::ReadOnly).unwrap();
    say("held");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(store);
}

#[test]
#[ignore = "a part that another test starts"]
fn add_without_end() {
    for number in 0_u32.. {
        let content = format!("{number}\n").repeat(1 + number as usize % 1000 * 10);
        let mut store = open(&file_of_part(), Mode::ReadWrite).unwrap();
        // Some changes are in the log, some in the file.
        for part in 0..=number % 3 {
            let name = format!("{number}.{part}");
            store.add_template(&template(&name, "vision", &[], &content)).unwrap();
            say(&format!("added {name}"));
        }
    }
}

#[test]
#[ignore = "a part that another test starts"]
fn add_twenty() {
    for number in 0..20 {
        let name = format!("{} {number}", std::process::id());
        open(&file_of_part(), Mode::ReadWrite).unwrap().add_template(&template(&name, "vision", &[], "x")).unwrap();
    }
}

fn hurried<T>(folder: &Folder, mode: Mode, then: impl FnOnce(Store) -> T) -> Result<T, super::StoreError> {
    let patience = Patience { limit: Duration::from_millis(50), tell: &|_| () };
    Store::open(&folder.file(), mode, &patience).map(then)
}

/// The message names the other process.
#[track_caller]
fn check_busy(folder: &Folder, mode: Mode, other: &Other) {
    let message = message(folder, hurried(folder, mode, drop));
    assert!(message.starts_with("`[folder]/templates.duckdb` is in use by process "), "{message}");
    assert!(message.contains(&format!("process {} (`", other.process.id())), "{message}");
}

#[test]
fn a_writer_keeps_others_out_and_a_reader_only_writers() {
    let folder = Folder::new();
    drop(folder.store());
    let writer = Other::holding("hold_until_told", &folder.file());
    check_busy(&folder, Mode::ReadOnly, &writer);
    check_busy(&folder, Mode::ReadWrite, &writer);
    drop(writer);
    let reader = Other::holding("read_until_told", &folder.file());
    hurried(&folder, Mode::ReadOnly, |store| store.templates().unwrap()).unwrap();
    check_busy(&folder, Mode::ReadWrite, &reader);
}

#[test]
fn who_waits_is_told_and_goes_on_when_the_file_is_free() {
    let folder = Folder::new();
    let mut other = Other::holding("hold_until_told", &folder.file());
    let release = Cell::new(other.process.stdin.take());
    let told = RefCell::new(Vec::new());
    let tell = |message: &str| {
        told.borrow_mut().push(message.replace(folder.path().as_str(), "[folder]"));
        drop(release.take());
    };
    let patience = Patience { limit: Duration::from_mins(1), tell: &tell };
    Store::open(&folder.file(), Mode::ReadWrite, &patience).unwrap();
    let told = told.borrow().join("\n").replace(&other.process.id().to_string(), "[number]");
    let (before, _) = told.split_once(" (`").unwrap();
    assert_snapshot!(before, @"
    waiting for `[folder]/templates.duckdb`, which is in use by process [number]
    ");
}

#[test]
fn two_writers_at_once_lose_nothing() {
    let folder = Folder::new();
    let mut writers = [(); 2].map(|()| Other::start("add_twenty", &folder.file()));
    for writer in &mut writers {
        assert!(writer.process.wait().unwrap().success());
    }
    assert_eq!(folder.open(Mode::ReadOnly).unwrap().templates().unwrap().len(), 40);
    assert_eq!(folder.names(), ["templates.duckdb"]);
}

#[test]
fn a_writer_that_is_killed_leaves_all_that_it_said_it_added() {
    for lifetime in [0, 3, 10, 40, 90, 200, 350, 600] {
        let folder = Folder::new();
        let mut writer = Other::start("add_without_end", &folder.file());
        let start = Instant::now();
        let mut acknowledged = Vec::new();
        for line in writer.lines.by_ref().map_while(Result::ok) {
            if let Some((_, name)) = line.split_once("added ") {
                acknowledged.push(name.to_owned());
            }
            if start.elapsed() > Duration::from_millis(lifetime) && !acknowledged.is_empty() {
                writer.process.kill().unwrap();
            }
        }
        let reading: Vec<_> = folder.open(Mode::ReadOnly).unwrap().templates().unwrap();
        let mut store = folder.store();
        let names: Vec<_> = store.templates().unwrap().into_iter().map(|template| template.name).collect();
        assert_eq!(names.len(), reading.len());
        // One more may have been added before it could be reported.
        assert!((acknowledged.len()..=acknowledged.len() + 1).contains(&names.len()), "{acknowledged:?} {names:?}");
        assert!(acknowledged.iter().all(|name| names.contains(name)), "{acknowledged:?} {names:?}");
        for name in &names {
            let (number, _) = name.split_once('.').unwrap();
            let text = store.text(name, None).unwrap().content;
            assert!(text.lines().all(|line| line == number), "{name}");
        }
        store.add_template(&template("after", "vision", &[], "x")).unwrap();
    }
}
