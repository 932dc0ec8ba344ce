//! Limits of the system, and processes that were killed.

use std::fs;

use rustix::process::{Resource, geteuid};

use crate::bounded::Project;

#[test]
fn without_a_second_thread_a_command_says_so() {
    let project = Project::new();
    let before = project.snapshot("out");
    let user: &[&str] =
        if geteuid().is_root() { &["setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups"] } else { &[] };
    fs::set_permissions(project.path(""), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let binary = project.binary_for_everybody();
    for command in ["generate", "check", "watch", "lsp", "lint"] {
        let words = [user, &[binary.as_str(), "tgen", command]].concat();
        let ended = project.run_limited(&words, &[(Resource::Nproc, 1)], &[command]);
        assert_eq!(ended.code, Some(2), "{command}: {}", ended.said);
        assert!(ended.said.contains("the system allows no more threads"), "{command}: {}", ended.said);
        assert!(!ended.said.contains("panicked"), "{command}: {}", ended.said);
    }
    assert_eq!(project.snapshot("out"), before);
}

#[test]
fn a_limit_of_the_size_of_files_is_told_and_leaves_nothing_behind() {
    let project = Project::new();
    project.write("templates/t.py.tera", &format!("X = {{{{ model_name | py_str }}}}\n{}", "# long\n".repeat(2_000)));
    let before = project.snapshot("out");
    let binary = project.binary_for_everybody();
    let words = [binary.as_str(), "tgen", "generate", "--output-dir", "new"];
    // What is printed is written into a file too.
    let ended = project.run_limited(&words, &[(Resource::Fsize, 10_000)], &words);
    assert!(matches!(ended.code, Some(1 | 2)), "{:?}: {}", ended.code, ended.said);
    assert!(ended.said.contains("file too large"), "{}", ended.said);
    assert_eq!(project.snapshot("out"), before);
    assert!(project.snapshot("new").is_empty(), "{:?}", project.snapshot("new"));
}

#[test]
fn the_next_run_deletes_what_a_killed_one_left_behind() {
    for (arguments, words) in [
        (&["generate"][..], "2 fresh"),
        (&["generate", "--dry-run"], "2 fresh"),
        (&["check"], "2 outputs are fresh"),
        (&["lint"], "2 outputs rendered"),
    ] {
        let project = Project::new();
        project.format_with("kill -9 $PPID; sleep 1");
        let ended = project.run(&["check"]);
        assert_eq!(ended.code, None, "{}", ended.said);
        let left = || {
            let names = fs::read_dir(project.path("out")).unwrap().map(|entry| entry.unwrap().file_name());
            names.filter(|name| name.to_string_lossy().starts_with(".tgen-")).count()
        };
        assert!(left() > 0);
        project.format_no_more();
        project.check(arguments, &[0], words);
        assert_eq!(left(), 0, "{arguments:?}");
    }
}
