//! Inputs that cannot be read, and what is not a file of a sensible size.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

use crate::bounded::Project;

/// A kind of thing that can be where a file should be: its name, how to make it, and what is said of it.
type Kind = (&'static str, fn(&Path), &'static str);

const KINDS: [Kind; 3] = [
    ("a pipe", make_pipe, "it is a pipe or a device"),
    ("a link to a device", |path| symlink("/dev/zero", path).unwrap(), "link"),
    ("a sparse file", |path| File::create(path).unwrap().set_len(4 << 30).unwrap(), "larger than 128 MiB"),
];

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Puts each kind of odd file in the place of a project's file; the command must refuse it.
#[track_caller]
fn check_odd_files(path: &str, arguments: &[&str]) {
    for (kind, make, words) in KINDS {
        let project = Project::new();
        let _ = fs::remove_file(project.path(path));
        fs::create_dir_all(project.path(path).parent().unwrap()).unwrap();
        make(&project.path(path));
        let ended = project.run(arguments);
        let is_named = ended.said.contains(words) || ended.said.contains("it is a pipe or a device");
        assert!(matches!(ended.code, Some(1 | 2)) && is_named, "{kind} as {path}: {:?}: {}", ended.code, ended.said);
        let written = project.snapshot("out").into_values().any(|content| content.starts_with(b"X"));
        assert!(!written, "{kind} as {path}: something was written");
    }
}

#[test]
fn only_files_are_read() {
    for input in ["tgen.toml", "map.json", "templates/t.py.tera", "skillset/hf_bert.py", "out/test_bert.py"] {
        check_odd_files(input, &["generate"]);
    }
}

#[test]
fn no_pipe_is_replaced_by_a_file() {
    for arguments in [["bundle"].as_slice(), &["emit", "slurm", "--shards", "2"]] {
        let project = Project::new();
        make_pipe(&project.path("pipe"));
        let ended = project.run(&[arguments, &["--output", "pipe"]].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.said);
        assert!(ended.said.contains("a pipe or a device; give `--output` the name of a file"), "{}", ended.said);
        assert!(!fs::metadata(project.path("pipe")).unwrap().is_file());
    }
}

#[test]
fn only_releases_that_are_files_are_read() {
    for (kind, make, _) in KINDS {
        let project = Project::new();
        make(&project.path("release.whl"));
        let ended = project.run(&["map", "sync", "--from", "release.whl"]);
        assert_eq!(ended.code, Some(2), "{kind}: {}", ended.said);
        assert!(ended.said.contains("`--from`") || ended.said.contains("release.whl"), "{kind}: {}", ended.said);
    }
}

#[cfg(feature = "store")]
#[test]
fn only_databases_and_templates_that_are_files_are_read() {
    let database = ["--template-db", "odd", "template", "list"];
    let add = ["template", "add", "--family", "vision", "--hardware", "cpu", "--file", "odd"];
    let import = ["template", "import", "odd"];
    for (kind, make, _) in KINDS {
        for arguments in [&database[..], &add, &import] {
            let project = Project::new();
            make(&project.path("odd"));
            let ended = project.run(arguments);
            assert!(matches!(ended.code, Some(1 | 2)), "{kind}, {arguments:?}: {:?}: {}", ended.code, ended.said);
        }
    }
}

#[test]
fn nothing_is_written_while_an_input_cannot_be_read() {
    let check = |damage: &dyn Fn(&Project), words: &str| {
        let project = Project::new();
        project.write("templates/own/bert.py.tera", "OWN = 1\n");
        damage(&project);
        project.check_refused(&["generate"], words);
        if cfg!(feature = "store") {
            project.check(&["plan", "--dry-run"], &[2], "an input cannot be read; nothing was planned");
        }
    };
    check(&|project| project.write("map.json", r#"{"bert": ["fill-m"#), "map.json");
    check(&|project| fs::remove_dir_all(project.path("templates")).unwrap(), "cannot read the templates folder");
    check(&|project| fs::remove_dir_all(project.path("skillset")).unwrap(), "cannot read the skillset folder");
    check(&|project| fs::remove_file(project.path("map.json")).unwrap(), "cannot read the pipeline map");
    let not_text = |project: &Project| fs::write(project.path("skillset/hf_vit.py"), [0xff]).unwrap();
    check(&not_text, "cannot read the reference implementation `skillset/hf_vit.py`");
}

#[test]
fn a_reference_implementation_that_no_template_asks_for_may_be_unreadable() {
    let project = Project::new();
    project.write("templates/own/bert.py.tera", "OWN = 1\n");
    fs::write(project.path("skillset/hf_bert.py"), [0xff]).unwrap();
    project.check(&["generate"], &[0], "wrote 1 of 2 outputs");
    project.check(&["check"], &[0], "2 outputs are fresh");
}

/// Permissions do not hold root back, so as root the command runs as another user.
#[test]
fn a_folder_of_templates_without_permission_is_named() {
    let project = Project::new();
    project.write("templates/own/bert.py.tera", "OWN = 1\n");
    let locked = project.path("templates/own");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let before = project.snapshot("out");
    let user: &[&str] =
        if geteuid().is_root() { &["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] } else { &[] };
    if geteuid().is_root() {
        let everybody = fs::Permissions::from_mode(0o777);
        for path in ["", "out", "out/test_bert.py", "out/test_vit.py"] {
            fs::set_permissions(project.path(path), everybody.clone()).unwrap();
        }
    }
    let binary = project.binary_for_everybody();
    for arguments in [["tgen", "generate"], ["tgen", "lint"]] {
        let words = [user, &[binary.as_str()], &arguments].concat();
        let ended = project.run_limited(&words, &[], &arguments);
        assert!(matches!(ended.code, Some(1 | 2)), "{:?}: {}", ended.code, ended.said);
        assert!(ended.said.contains("its folder `templates/own` cannot be listed"), "{}", ended.said);
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(project.snapshot("out"), before);
}
