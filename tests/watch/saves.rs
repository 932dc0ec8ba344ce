//! The ways in which editors save, and what a watch writes for each.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use super::project::{Project, codes, written};

const BOTH: [&str; 2] = ["out/test_bert.py", "out/test_vit.py"];

/// Saves in some way, and checks that one rebuild writes both outputs and that nothing more happens.
#[track_caller]
fn check_save(save: impl Fn(&Project, &str)) {
    let project = Project::new();
    let watch = project.watch(&[]);
    watch.events_until_quiet(Duration::from_millis(300));
    for text in ["y = 1\n", "z = {{ model_name | py_str }}\n"] {
        save(&project, text);
        let rebuilds: Vec<Value> = std::iter::once(watch.wait_for(|event| !written(event).is_empty()))
            .chain(watch.events_until_quiet(Duration::from_millis(300)))
            .filter(|event| !written(event).is_empty())
            .collect();
        assert_eq!(rebuilds.iter().map(written).collect::<Vec<_>>(), [BOTH]);
        project.assert_becomes_fresh();
    }
}

#[test]
fn vim_moves_the_old_file_away_and_writes_a_new_one() {
    check_save(|project, text| {
        project.write("templates/4913", "");
        project.remove("templates/4913");
        project.rename("templates/t.py.tera", "templates/t.py.tera~");
        project.write("templates/t.py.tera", text);
        project.remove("templates/t.py.tera~");
    });
}

#[test]
fn vs_code_writes_into_the_file_and_perhaps_in_two_steps() {
    check_save(|project, text| {
        let mut file = File::create(project.path("templates/t.py.tera")).unwrap();
        let (first, second) = text.split_at(3);
        file.write_all(first.as_bytes()).unwrap();
        file.sync_all().unwrap();
        file.write_all(second.as_bytes()).unwrap();
    });
}

#[test]
fn sed_and_jetbrains_rename_a_new_file_over_the_old_one() {
    check_save(|project, text| {
        project.write("templates/sedAbCdEf", text);
        project.rename("templates/sedAbCdEf", "templates/t.py.tera");
    });
}

#[test]
fn a_save_that_changes_nothing_writes_nothing() {
    let project = Project::new();
    let watch = project.watch(&[]);
    project.write("templates/t.py.tera", "x = {{ model_name | py_str }}\n");
    let event = watch.wait_for(|event| event["changed"][0] == "templates/t.py.tera");
    assert!(written(&event).is_empty());
}

#[test]
fn a_storm_of_renames_ends_where_a_fresh_generate_would() {
    let project = Project::new();
    let watch = project.watch(&[]);
    project.write("templates/own/a.tera", "a = 1\n");
    for number in 0..300 {
        project.rename("templates/own/a.tera", "templates/own/bert.py.tera");
        project.write("templates/own/bert.py.tera", &format!("a = {number}\n"));
        project.rename("templates/own/bert.py.tera", "templates/own/a.tera");
    }
    project.rename("templates/own/a.tera", "templates/own/bert.py.tera");
    watch.wait_for(|_| project.read("out/test_bert.py").ends_with("a = 299\n"));
    project.assert_becomes_fresh();
}

#[test]
fn only_what_a_change_affects_is_written() {
    let project = Project::new();
    let watch = project.watch(&[]);
    project.write("templates/own/vit.py.tera", "own = 1\n");
    assert_eq!(watch.wait_for_written(), ["out/test_vit.py"]);
    project.remove("templates/own/vit.py.tera");
    assert_eq!(watch.wait_for_written(), ["out/test_vit.py"]);
    let config = project.read("tgen.toml").replace("[\"bert\", \"vit\"]", "[\"bert\", \"vit\", \"gpt2\"]");
    project.write("tgen.toml", &config);
    assert_eq!(watch.wait_for_written(), ["out/test_gpt2.py"]);
}

#[test]
fn a_broken_template_leaves_the_last_good_outputs_and_recovers() {
    let project = Project::new();
    project.write("templates/t.py.tera", "{% extends \"base.tera\" %}{% block b %}x = 1{% endblock %}");
    project.write("templates/base.tera", "{% block b %}{% endblock %}\n");
    let watch = project.watch(&[]);
    let good = project.read("out/test_bert.py");
    project.remove("templates/base.tera");
    watch.wait_for(|event| codes(event) == ["broken-inheritance"]);
    assert_eq!(project.read("out/test_bert.py"), good);
    project.write("templates/base.tera", "{{ oops }}\n{% block b %}{% endblock %}\n");
    let event = watch.wait_for(|event| codes(event) == ["unknown-placeholder"]);
    assert_eq!((&event["held"], &event["problems"][0]["place"]["line"]), (&2.into(), &1.into()));
    project.write("templates/base.tera", "# {% block b %}{% endblock %}\n");
    let event = watch.wait_for(|event| !written(event).is_empty());
    assert!(codes(&event).is_empty());
    project.assert_becomes_fresh();
}

#[test]
fn a_broken_configuration_leaves_the_outputs_and_loses_no_change() {
    let project = Project::new();
    let config = project.read("tgen.toml");
    let watch = project.watch(&[]);
    project.write("tgen.toml", "suite = [[[");
    watch.wait_for(|event| codes(event) == ["invalid-config"]);
    project.write("templates/t.py.tera", "later = 1\n");
    project.write("tgen.toml", &config);
    assert_eq!(watch.wait_for_written(), BOTH);
    project.rename("templates", "elsewhere");
    let event = watch.wait_for(|event| event["readable"] == false);
    assert!(codes(&event).contains(&"unreadable-file".to_owned()), "{event:#}");
    project.rename("elsewhere", "templates");
    let event = watch.wait_for(|event| event["readable"] == true);
    assert!(written(&event).is_empty(), "nothing has changed in the end");
    project.assert_becomes_fresh();
}

#[test]
fn a_watch_begins_with_a_broken_configuration_too() {
    let project = Project::new();
    let config = project.read("tgen.toml");
    project.write("tgen.toml", "oops =");
    let watch = project.watch_unsettled(&[]);
    watch.wait_for(|event| codes(event) == ["invalid-config"]);
    assert!(!project.path("out").exists());
    project.write("tgen.toml", &config);
    assert_eq!(watch.wait_for_written(), BOTH);
}

#[test]
fn an_edited_output_is_reported_once_and_never_written_over() {
    let project = Project::new();
    let watch = project.watch(&[]);
    let mut file = OpenOptions::new().append(true).open(project.path("out/test_bert.py")).unwrap();
    file.write_all(b"# mine\n").unwrap();
    let event = watch.wait_for(|event| event["left_alone"][0]["path"] == "out/test_bert.py");
    assert_eq!(event["left_alone"][0]["state"], "edited");
    project.write("templates/t.py.tera", "y = 1\n");
    let event = watch.wait_for(|event| written(event) == ["out/test_vit.py"]);
    assert_eq!(event["left_alone"].as_array().unwrap().len(), 0, "it was reported before");
    assert!(project.read("out/test_bert.py").ends_with("# mine\n"));
    drop((watch, file));
    project.watch(&["--force"]);
    project.assert_becomes_fresh();
}

#[test]
fn an_output_that_is_deleted_comes_back() {
    let project = Project::new();
    let watch = project.watch(&[]);
    project.remove("out/test_vit.py");
    assert_eq!(watch.wait_for_written(), ["out/test_vit.py"]);
    fs::remove_dir_all(project.path("out")).unwrap();
    watch.wait_for(|_| BOTH.iter().all(|path| project.path(path).exists()));
    project.write("templates/t.py.tera", "again = 1\n");
    watch.wait_for(|_| BOTH.iter().all(|path| project.read(path).ends_with("again = 1\n")));
}

#[test]
fn folders_come_and_go() {
    let project = Project::new();
    let watch = project.watch(&[]);
    project.write("templates/new/deep/part.tera", "deep = 1\n");
    project.write("templates/t.py.tera", "{% include \"new/deep/part.tera\" %}");
    watch.wait_for(|_| project.read("out/test_vit.py").ends_with("deep = 1\n"));
    project.write("templates/new/deep/part.tera", "deep = 2\n");
    watch.wait_for(|_| project.read("out/test_vit.py").ends_with("deep = 2\n"));
    fs::remove_dir_all(project.path("templates/new")).unwrap();
    watch.wait_for(|event| codes(event) == ["broken-inheritance"]);
    project.write("templates/new/deep/part.tera", "deep = 3\n");
    watch.wait_for(|_| project.read("out/test_vit.py").ends_with("deep = 3\n"));
    project.assert_becomes_fresh();
}

#[test]
fn other_inputs_are_watched_wherever_they_stand() {
    let project = Project::new();
    let config = project.read("tgen.toml").replace("[\"bert\", \"vit\"]", "\"all\"");
    project.write("tgen.toml", &format!("pipeline-map = \"maps/map.json\"\nskillset = \"skills/here\"\n{config}"));
    project.write("templates/t.py.tera", "x = {{ primary_task | py_str }}\ny = {{ reference.class_name | py_str }}\n");
    project.write("maps/map.json", r#"{"bert": ["fill-mask"], "vit": ["image-classification"]}"#);
    project.write("skills/here/hf_bert.py", "class hf_bert:\n    pass\n");
    project.write("skills/here/hf_vit.py", "class hf_vit:\n    pass\n");
    let watch = project.watch(&[]);
    project.write("maps/map.json", r#"{"bert": ["fill-mask"], "vit": ["object-detection"]}"#);
    assert_eq!(watch.wait_for_written(), ["out/test_vit.py"]);
    project.write("skills/here/hf_bert.py", "class Other:\n    def init_cpu(self): pass\n");
    assert_eq!(watch.wait_for_written(), ["out/test_bert.py"]);
    fs::remove_dir_all(project.path("maps")).unwrap();
    watch.wait_for(|event| event["readable"] == false);
    project.write("maps/map.json", r#"{"bert": ["text-generation"], "vit": ["object-detection"]}"#);
    assert_eq!(watch.wait_for_written(), ["out/test_bert.py"]);
    project.assert_becomes_fresh();
}
