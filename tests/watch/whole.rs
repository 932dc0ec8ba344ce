//! A watch as a whole: many files at once, its own writing, other processes beside it.

use std::time::Duration;

use super::project::{Project, copy_folder, wait_until, written};

const MANY: usize = 500;

/// A template of its own for each of many models, and a commit of it all.
fn commit_many(project: &Project, value: &str) {
    for number in 0..MANY {
        project.write(&format!("templates/own/m{number}.py.tera"), &format!("x{number} = {value}\n"));
    }
    project.git(&["add", "templates", "tgen.toml"]);
    project.git(&["commit", "-q", "-m", value]);
}

#[test]
fn a_checkout_of_many_files_ends_where_a_fresh_generate_would() {
    let project = Project::new();
    let names: Vec<_> = (0..MANY).map(|number| format!("\"m{number}\"")).collect();
    let config = project.read("tgen.toml").replace("\"bert\", \"vit\"", &names.join(", "));
    project.write("tgen.toml", &config);
    project.git(&["init", "-q", "-b", "one"]);
    commit_many(&project, "1");
    project.git(&["checkout", "-q", "-b", "two"]);
    commit_many(&project, "2");
    let watch = project.watch(&[]);
    for (branch, end) in [("one", " = 1\n"), ("two", " = 2\n"), ("one", " = 1\n")] {
        project.git(&["checkout", "-q", branch]);
        let is_done = || (0..MANY).all(|number| project.read(&format!("out/test_m{number}.py")).ends_with(end));
        watch.wait_for(|_| is_done());
        project.assert_becomes_fresh();
    }
}

#[test]
fn a_watch_does_not_react_to_its_own_writing() {
    let project = Project::new();
    let watch = project.watch(&[]);
    watch.events_until_quiet(Duration::from_millis(300));
    project.write("templates/t.py.tera", "y = 1\n");
    watch.wait_for(|event| written(event).len() == 2);
    assert_eq!(watch.events_until_quiet(Duration::from_secs(5)), Vec::<serde_json::Value>::new());
}

#[test]
fn a_second_watch_says_who_writes_and_ends_and_one_that_looks_on_may_stay() {
    let project = Project::new();
    let first = project.watch(&[]);
    let (code, said) = project.watch_unsettled(&[]).said();
    assert_eq!(code, Some(2));
    let holder = format!("another `cargo tgen watch` (process {}) writes the outputs of", first.child.id());
    assert!(said.contains(&holder), "{said}");
    let second = project.watch(&["--check"]);
    project.write("templates/t.py.tera", "y = 1\n");
    first.wait_for(|event| written(event).len() == 2);
    second.wait_for(|event| event["outputs"]["fresh"] == 2);
}

#[test]
fn a_watch_that_checks_writes_nothing() {
    let project = Project::new();
    let watch = project.watch_unsettled(&["--check"]);
    watch.wait_for(|event| event["outputs"]["missing"] == 2);
    assert!(!project.path("out").exists());
    assert!(project.run(&["generate"]).status.success());
    watch.wait_for(|event| event["outputs"]["fresh"] == 2);
    project.write("templates/t.py.tera", "y = 1\n");
    watch.wait_for(|event| event["outputs"]["stale"] == 2);
    assert!(project.read("out/test_bert.py").ends_with("x = \"bert\"\n"));
}

#[test]
fn polling_sees_what_events_would_tell() {
    let project = Project::new();
    let watch = project.watch(&["--poll"]);
    project.write("templates/t.py.tera", "y = 1\n");
    assert_eq!(watch.wait_for_written().len(), 2);
    project.write("templates/own/vit.py.tera", "z = 1\n");
    assert_eq!(watch.wait_for_written(), ["out/test_vit.py"]);
    project.remove("out/test_vit.py");
    assert_eq!(watch.wait_for_written(), ["out/test_vit.py"]);
    project.assert_becomes_fresh();
}

#[test]
fn a_pipe_gets_lines_without_escape_codes() {
    let project = Project::new();
    // No folder has to be made, so nothing but the saves below is told.
    assert!(project.run(&["generate"]).status.success());
    let log = project.path("log");
    let file = std::fs::File::create(&log).unwrap();
    let mut child = project.command(&["watch", "--clear"]).env_remove("NO_COLOR").stdout(file).spawn().unwrap();
    let said = || std::fs::read_to_string(&log).unwrap();
    wait_until(|| said().contains("watching: wrote 0 of 2 outputs, 2 fresh ("));
    project.write("templates/t.py.tera", "{{ oops }}\n");
    wait_until(|| said().contains("error[unknown-placeholder]: there is no placeholder `oops`"));
    project.write("templates/t.py.tera", "y = 1\n");
    wait_until(|| said().contains("no problems any more"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!said().contains('\x1b'), "{}", said());
    assert!(said().contains("templates/t.py.tera: wrote 2 of 2 outputs ("), "{}", said());
}

#[test]
fn the_problems_are_those_of_lint() {
    let project = Project::new();
    project.write("templates/idle.tera", "{% if %}");
    project.write("templates/t.py.tera", "x = {{ model_nam }}\n{{ timestamp }}\n");
    let watch = project.watch_unsettled(&[]);
    let event = watch.wait_for(|event| event["occasion"] == "start");
    let lint = String::from_utf8(project.run(&["lint"]).stdout).unwrap();
    let problems = event["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 3, "{event:#}");
    for problem in problems {
        let title = format!("[{}]: {}", problem["code"].as_str().unwrap(), problem["message"].as_str().unwrap());
        assert!(lint.contains(&title), "lint does not say {title}:\n{lint}");
    }
}

#[test]
fn several_projects_of_a_workspace_are_watched_at_once() {
    let folder = Project::new();
    folder.write("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"\n");
    let other = Project::new();
    for member in ["a", "b"] {
        copy_folder(&other.path(""), &folder.path(member));
        let manifest = format!("[package]\nname = \"{member}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        folder.write(&format!("{member}/Cargo.toml"), &manifest);
        folder.write(&format!("{member}/src/lib.rs"), "");
    }
    folder.remove("tgen.toml");
    let watch = folder.watch_unsettled(&["--workspace"]);
    for _ in ["a", "b"] {
        watch.wait_for(|event| written(event).len() == 2);
    }
    folder.write("b/templates/t.py.tera", "y = 1\n");
    let event = watch.wait_for(|event| !written(event).is_empty());
    assert!(event["root"].as_str().unwrap().ends_with("/b"), "{event:#}");
    assert!(folder.read("a/out/test_bert.py").ends_with("x = \"bert\"\n"));
}
