//! A planned test that leaves the database as one file.

use std::process::Command;

use serde_json::Value;

use crate::project::{Project, python};

/// The one test of a plan, as `plan show --test` prints it, and its id.
fn printed_test(project: &Project) -> (Vec<u8>, Value) {
    let stdout = |arguments: &[&str]| {
        let output = project.command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    stdout(&["plan", "--name", "nightly"]);
    let planned: Value = serde_json::from_slice(&stdout(&["plan", "show", "nightly", "--format", "jsonl"])).unwrap();
    let id = planned["test_id"].as_str().unwrap().to_owned();
    (stdout(&["plan", "show", "nightly", "--test", &id]), planned)
}

#[test]
fn a_printed_test_runs_alone_with_what_it_imports() {
    let project = Project::new(&[("fine", "")]);
    project.write(
        "tgen.toml",
        "[[suite]]\nname = \"s\"\ntemplate = \"tasks/{{ primary_task }}.py.tera\"\nmodels = [\"bert\"]\nhardware = [\"cpu\"]\n\
         output = \"tests/test_{{ normalized_name }}.py\"\n",
    );
    let (printed, planned) = printed_test(&project);
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("f.py"), printed).unwrap();
    let mut pytest = Command::new(python());
    // Nothing may warn, nor use a mark that is not registered.
    pytest.args(["-m", "pytest", "-q", "-W", "error", "--strict-markers", "f.py"]).current_dir(elsewhere.path());
    pytest.env("TGEN_RESULTS", "results.jsonl").env("TMPDIR", elsewhere.path());
    let output = pytest.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));

    let results = std::fs::read_to_string(elsewhere.path().join("results.jsonl")).unwrap();
    let lines: Vec<Value> = results.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_tests: Vec<_> = lines.iter().filter(|line| line["nodeid"].is_string()).collect();
    assert!(of_tests.len() > 3 && of_tests.iter().all(|line| line["test_id"] == planned["test_id"]), "{results}");
    let names = std::fs::read_dir(elsewhere.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let unpacked = names.filter(|name| name.to_string_lossy().starts_with("tgen-support-"));
    assert_eq!(unpacked.count(), 0);
}

#[test]
fn a_printed_test_that_imports_nothing_of_the_plan_is_printed_as_it_is() {
    let project = Project::new(&[("fine", "")]);
    let (printed, planned) = printed_test(&project);
    assert_eq!(String::from_utf8(printed).unwrap(), planned["test_content"].as_str().unwrap());
}
