//! `cargo tgen watch --run`: the tests of what a save has changed run at once.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::Value;

use crate::project::Project;

const LIMIT: Duration = Duration::from_mins(1);

struct Watch {
    child: Child,
    events: Receiver<Value>,
}

impl Watch {
    fn start(project: &Project) -> Self {
        let mut command = project.command(&["watch", "--json", "--run", "--python"]);
        command.arg(crate::project::python()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let events = read(child.stdout.take().unwrap());
        Self { child, events }
    }

    /// The next event of a name.
    fn next(&self, name: &str) -> Value {
        loop {
            let event = self.events.recv_timeout(LIMIT).expect(name);
            if event["event"] == name {
                return event;
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It has ended already if the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(stdout: ChildStdout) -> Receiver<Value> {
    let (sender, events) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            if sender.send(serde_json::from_str(&line.unwrap()).unwrap()).is_err() {
                return;
            }
        }
    });
    events
}

#[test]
fn the_tests_of_what_a_save_has_changed_run_at_once() {
    let project = Project::new(&[("fine", ""), ("segfault", "")]);
    let watch = Watch::start(&project);
    watch.next("rebuild");
    project.write("templates/fine.py", "def test_fails():\n    assert 1 == 2\n\n\ndef test_passes():\n    pass\n");
    assert_eq!(watch.next("tests-begin")["files"], 1);
    assert_eq!(watch.next("test")["nodeid"], "tests/test_fine.py::test_fails");
    let ended = watch.next("tests-end");
    assert_eq!((&ended["passed"], &ended["failed"]), (&1.into(), &1.into()));
    project.write("templates/fine.py", "def test_passes():\n    pass\n");
    let ended = watch.next("tests-end");
    assert_eq!((&ended["passed"], &ended["failed"]), (&1.into(), &0.into()));
}

#[test]
fn a_save_ends_the_tests_of_the_save_before() {
    let project = Project::new(&[("fine", "")]);
    let watch = Watch::start(&project);
    watch.next("rebuild");
    project.write("templates/fine.py", "def test_never_ends():\n    while True:\n        pass\n");
    watch.next("tests-begin");
    project.write("templates/fine.py", "def test_ends():\n    pass\n");
    let ended = watch.next("tests-end");
    assert_eq!((&ended["passed"], &ended["failed"]), (&1.into(), &0.into()));
}
