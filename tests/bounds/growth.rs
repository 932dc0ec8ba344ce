//! Configurations and maps that are far larger than any real one: the work grows with them, and not faster.

use crate::bounded::Project;

#[test]
fn a_suite_may_have_very_many_batch_sizes() {
    let project = Project::new();
    let sizes: Vec<String> = (1..=100_000).map(|size| size.to_string()).collect();
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
