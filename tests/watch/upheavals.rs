//! Changes of what a watch stands on: its root, its configuration, and links.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::project::{Project, written};

fn warns_of(event: &Value, words: &str) -> bool {
    event["event"] == "warning" && event["message"].as_str().is_some_and(|message| message.contains(words))
}

#[test]
fn a_root_that_is_moved_away_and_back_is_reported_and_taken_up_again() {
    let project = Project::new();
    let watch = project.watch(&[]);
    // Without the slash at its end, which a rename to it forbids.
    let root: PathBuf = project.path("").components().collect();
    let elsewhere = tempfile::tempdir_in(root.parent().unwrap()).unwrap();
    let moved = elsewhere.path().join("moved");
    fs::rename(&root, &moved).unwrap();
    watch.wait_for(|event| warns_of(event, "was moved or deleted"));
    assert!(!root.exists(), "a watch makes no root");
    fs::rename(&moved, &root).unwrap();
    watch.wait_for(|event| warns_of(event, "is back"));
    project.write("templates/t.py.tera", "y = 1\n");
    watch.wait_for_written();
    project.assert_becomes_fresh();
}

#[test]
fn a_root_that_is_deleted_and_made_anew_is_built_again() {
    let project = Project::new();
    let config = project.read("tgen.toml");
    let watch = project.watch(&[]);
    fs::remove_dir_all(project.path("")).unwrap();
    watch.wait_for(|event| warns_of(event, "was moved or deleted"));
    project.write("templates/t.py.tera", "y = 1\n");
    project.write("tgen.toml", &config);
    watch.wait_for(|event| written(event).len() == 2);
    project.assert_becomes_fresh();
}

#[test]
fn an_emptied_configuration_writes_nothing() {
    let project = Project::new();
    let config = project.read("tgen.toml");
    let watch = project.watch(&[]);
    project.write("tgen.toml", "");
    let event = watch.wait_for(|event| event["readable"] == false);
    assert!(event["problems"][0]["message"].as_str().unwrap().contains("has no `[[suite]]`"), "{event}");
    assert!(!project.path("test").exists());
    project.write("tgen.toml", &config);
    watch.wait_for(|event| event["readable"] == true);
    project.write("templates/t.py.tera", "y = 1\n");
    watch.wait_for(|event| written(event).len() == 2);
    project.assert_becomes_fresh();
}

#[cfg(unix)]
#[test]
fn a_linked_configuration_changes_with_its_target_and_with_the_link() {
    use std::os::unix::fs::symlink;

    let project = Project::new();
    let config = project.read("tgen.toml");
    project.write("configs/a.toml", &config);
    project.write("configs/b.toml", &config.replace("out/test_", "out/b_"));
    project.remove("tgen.toml");
    symlink("current.toml", project.path("tgen.toml")).unwrap();
    symlink("configs/a.toml", project.path("current.toml")).unwrap();
    let watch = project.watch(&[]);
    project.write("configs/a.toml", &config.replace("out/test_", "out/a_"));
    let event = watch.wait_for(|event| !written(event).is_empty());
    assert_eq!(written(&event), ["out/a_bert.py", "out/a_vit.py"]);
    symlink("configs/b.toml", project.path("next.toml")).unwrap();
    project.rename("next.toml", "current.toml");
    let event = watch.wait_for(|event| !written(event).is_empty());
    assert_eq!(written(&event), ["out/b_bert.py", "out/b_vit.py"]);
}
