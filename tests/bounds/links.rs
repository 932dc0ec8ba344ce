//! Links in a circle, and links that lead out.

use std::fs;
use std::os::unix::fs::symlink;

use crate::bounded::Project;

#[test]
fn folders_that_link_to_each_other_are_read_once() {
    let project = Project::new();
    for from in 0..8 {
        project.write(&format!("templates/f{from}/part{from}.tera"), "");
        for to in 0..8 {
            symlink(format!("../f{to}"), project.path(&format!("templates/f{from}/to{to}"))).unwrap();
        }
    }
    project.check(&["generate"], &[0], "2 fresh");
}

#[test]
fn a_template_that_links_out_of_the_project_is_refused_by_name() {
    let project = Project::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("t.py.tera"), "X = 1\n").unwrap();
    fs::remove_file(project.path("templates/t.py.tera")).unwrap();
    symlink(outside.path().join("t.py.tera"), project.path("templates/t.py.tera")).unwrap();
    project.check_refused(&["generate"], "it is a link that leads out of the project");
    project.check(&["lint"], &[1], "it is a link that leads out of the project");
}

#[test]
fn a_link_in_the_way_of_a_template_is_named_with_its_reason() {
    let project = Project::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("t.py.tera"), "X = 1\n").unwrap();
    let template = project.path("templates/t.py.tera");
    fs::remove_file(&template).unwrap();
    symlink("nosuch", &template).unwrap();
    project.check_refused(&["generate"], "it is a link to `nosuch`, which does not exist");
    fs::remove_file(&template).unwrap();
    symlink("t.py.tera", &template).unwrap();
    project.check_refused(&["generate"], "it is a link to `t.py.tera`, which leads back to the link");
    fs::remove_file(&template).unwrap();
    symlink(outside.path(), project.path("templates/sub")).unwrap();
    project.write("templates/t.py.tera", "{% include \"sub/t.py.tera\" %}\n");
    project.check_refused(&["generate"], "`templates/sub` is a link that leads out of the project");
    let configuration = fs::read_to_string(project.path("tgen.toml")).unwrap();
    project.write("tgen.toml", &configuration.replace("\"t.py.tera\"", "\"sub/t.py.tera\", \"t.py.tera\""));
    project.write("templates/t.py.tera", "X = 1\n");
    project.check_refused(&["generate"], "`templates/sub` is a link that leads out of the project");
    project.check(&["check"], &[1, 2], "`templates/sub` is a link that leads out of the project");
    fs::remove_file(project.path("templates/sub")).unwrap();
    project.check(&["generate"], &[0], "2 outputs");
    symlink("nosuch", project.path("templates/skillset.py.tera")).unwrap();
    project.write("tgen.toml", &configuration.replace("\"t.py.tera\"", "\"skillset.py.tera\""));
    project.check_refused(&["generate"], "`templates/skillset.py.tera`: it is a link to `nosuch`");
}

#[test]
fn a_template_that_links_into_the_project_is_followed() {
    let project = Project::new();
    project.write("shared/t.py.tera", "LINKED = 1\n");
    fs::remove_file(project.path("templates/t.py.tera")).unwrap();
    symlink("../shared/t.py.tera", project.path("templates/t.py.tera")).unwrap();
    project.check(&["generate"], &[0], "wrote 2 of 2 outputs");
    assert!(fs::read_to_string(project.path("out/test_bert.py")).unwrap().contains("LINKED"));
}

#[test]
fn a_folder_of_outputs_that_links_out_of_the_project_is_not_written_to() {
    let project = Project::new();
    let outside = tempfile::tempdir().unwrap();
    fs::remove_dir_all(project.path("out")).unwrap();
    symlink(outside.path(), project.path("out")).unwrap();
    project.check(&["generate"], &[1], "is a link that leads out of");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}
