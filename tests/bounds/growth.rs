//! Templates, configurations and maps that are far larger than any real one: the work grows with them, and not faster.

use crate::bounded::Project;

#[test]
fn a_suite_may_have_very_many_batch_sizes() {
    let project = Project::new();
    let sizes: Vec<String> = (1..=200_000).map(|size| size.to_string()).collect();
    let suite = "templates = \"templates\"\n[[suite]]\nname = \"s\"\ntemplate = \"t.py.tera\"\nmodels = [\"bert\"]\n";
    let output = "output = \"out/test_{{ normalized_name }}.py\"\n";
    project.write("tgen.toml", &format!("{suite}{output}batch-sizes = [{}]\n", sizes.join(", ")));
    project.check(&["generate"], &[0], "wrote");
}

#[test]
fn a_pipeline_map_may_have_very_many_names() {
    let project = Project::new();
    let names: Vec<String> = (0..200_000).map(|number| format!("\"name{number}\": [\"fill-mask\"]")).collect();
    project.write("map.json", &format!("{{{}}}", names.join(", ")));
    project.check(&["generate", "--model", "name7"], &[0], "wrote 1 of 1 output");
}

#[test]
fn a_model_may_have_very_many_tasks() {
    let project = Project::new();
    let tasks: Vec<String> = (0..300_000).map(|number| format!("\"task-{number}\"")).collect();
    project.write("map.json", &format!("{{\"bert\": [{}], \"vit\": []}}", tasks.join(", ")));
    project.check(&["generate"], &[0], "wrote 0 of 2 outputs");
}

/// Templates that are not valid, or render to what is not valid Python: the command must say so and write nothing.
#[test]
fn templates_may_be_very_large() {
    let large = [
        ("{{ nope }}".repeat(100_000), "there is no placeholder `nope`"),
        ("{% if model_name %}".repeat(8_000), "an `if` is never closed"),
        (format!("{}{}", "{% if model_name %}".repeat(8_000), "{% endif %}".repeat(8_000)), "nest too deeply for Tera"),
        ("{{ model_name }}".repeat(300_000), "it has more than 250000 placeholders and tags"),
        ("${".repeat(1_000_000), "got unexpected token $"),
        ("(".repeat(100_000), "more than 200 brackets are open"),
        ("-".repeat(100_000) + "1", "nests more than 10000 operators"),
        ("not ".repeat(50_000) + "1", "nests more than 10000 operators"),
    ];
    for (template, words) in large {
        let project = Project::new();
        project.write("templates/t.py.tera", &template);
        project.check_refused(&["generate"], words);
    }
}

#[test]
fn very_many_templates_may_extend_each_other() {
    let project = Project::new();
    project.write("templates/t.py.tera", "{% extends '0.tera' %}");
    for number in 0..2_000 {
        project.write(&format!("templates/{number}.tera"), &format!("{{% extends '{}.tera' %}}", number + 1));
    }
    project.write("templates/2000.tera", "X = 1\n");
    project.check_refused(&["generate"], "extends");
}
