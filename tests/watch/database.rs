//! A suite that takes its templates from the template database.

use super::project::{Project, codes};

#[test]
fn the_template_database_is_an_input_like_any_other() {
    let project = Project::new();
    let config =
        project.read("tgen.toml").replace("[\"own/{{ normalized_name }}.py.tera\", \"t.py.tera\"]", "\"database\"");
    project.write("tgen.toml", &format!("template-db = \"kept/t.duckdb\"\n{config}"));
    project.write("kept/README", "");
    let add = |family: &str, text: &str| {
        project.write("text.py", text);
        let name = format!("{family}_template");
        let added = project.run(&["template", "add", "--name", &name, "--family", family, "--file", "text.py"]);
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    };
    add("text_embedding", "x = '${model_name}'\n");
    let watch = project.watch_unsettled(&[]);
    watch.wait_for(|event| !codes(event).is_empty() && event["written"][0] == "out/test_bert.py");
    add("vision", "y = '${model_name}'\n");
    watch.wait_for(|event| codes(event).is_empty() && event["written"][0] == "out/test_vit.py");
    add("text_embedding", "z = '${model_name}'\n");
    watch.wait_for(|event| event["written"][0] == "out/test_bert.py");
    assert!(project.read("out/test_bert.py").ends_with("z = 'bert'\n"));
    project.assert_becomes_fresh();
}

#[test]
fn a_database_that_the_command_line_names_has_a_suite_of_its_own() {
    let project = Project::new();
    project.write("text.py", "x = '${model_name}'\n");
    let add = ["--template-db", "given.duckdb", "template", "add", "--name", "t", "--file", "text.py", "--family"];
    let added = project.run(&[&add[..], &["text_embedding"]].concat());
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let watch = project.watch_unsettled(&["--template-db", "given.duckdb", "--suite", "database", "--model", "bert"]);
    watch.wait_for(|event| event["written"][0] == "test/database/test_bert_cpu_b1.py");
}
