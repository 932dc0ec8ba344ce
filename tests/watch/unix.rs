//! What only Unix has: signals, links, terminals, and commands that are scripts.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::project::{Project, codes, wait_until, written};

#[test]
fn ctrl_c_ends_with_0_and_leaves_no_file_by_half() {
    let project = Project::new();
    let config = project.read("tgen.toml").replace("[\"bert\", \"vit\"]", "\"all\"");
    project.write("tgen.toml", &config);
    project.write("templates/t.py.tera", &"x = {{ model_name | py_str }}\n".repeat(500));
    let watch = project.watch_unsettled(&[]);
    wait_until(|| project.path("out").is_dir());
    assert_eq!(watch.interrupt(), Some(0));
    assert_eq!(project.temporary_files(), 0);
    for entry in fs::read_dir(project.path("out")).unwrap().flatten() {
        assert_eq!(
            fs::read_to_string(entry.path()).unwrap().lines().count(),
            501,
            "{} is torn",
            entry.path().display()
        );
    }
    let idle = project.watch(&[]);
    assert_eq!(idle.interrupt(), Some(0));
    project.assert_becomes_fresh();
}

#[test]
fn what_a_watch_keeps_to_write_again_is_out_of_sight_and_goes_with_it() {
    let project = Project::new();
    project.git(&["init", "-q"]);
    let killed = "out/.tgen-killed.tmp";
    project.write(&format!("{killed}/.tgen-1.tmp"), "");
    let long_ago = SystemTime::now() - Duration::from_hours(1);
    fs::File::open(project.path(killed)).unwrap().set_modified(long_ago).unwrap();
    let watch = project.watch(&[]);
    for number in 0..3 {
        project.write("templates/t.py.tera", &format!("y = {number}\n"));
        watch.wait_for_written();
    }
    let status = project.git(&["status", "--porcelain", "--untracked-files=all", "out"]);
    assert_eq!(status, "?? out/test_bert.py\n?? out/test_vit.py\n");
    assert_eq!(watch.interrupt(), Some(0));
    assert_eq!(project.temporary_files(), 0);
    project.assert_becomes_fresh();
}

#[cfg(target_os = "linux")]
#[test]
fn a_watch_writes_the_file_that_an_output_was_before() {
    use std::os::unix::fs::MetadataExt;

    let project = Project::in_memory();
    let watch = project.watch(&[]);
    let output = || fs::metadata(project.path("out/test_vit.py")).unwrap().ino();
    let mut files = vec![output()];
    for number in 0..3 {
        project.write("templates/t.py.tera", &format!("y = {number}\n"));
        watch.wait_for_written();
        files.push(output());
    }
    assert_ne!(files[0], files[1]);
    assert_eq!(files[..2], files[2..]);
    project.assert_becomes_fresh();
}

/// A second name changes what the system says of a file, and nobody tells of it.
#[test]
fn an_output_that_gets_a_second_name_while_it_is_written_is_seen_to_again() {
    let project = Project::new();
    let watch = project.watch(&[]);
    let output = project.path("out/test_vit.py");
    for number in 0..20 {
        project.write("templates/t.py.tera", &format!("y = {number}\n"));
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(40) {
            fs::hard_link(&output, project.path("name")).unwrap();
            project.remove("name");
        }
        wait_until(|| project.read("out/test_vit.py").ends_with(&format!("y = {number}\n")));
    }
    assert_eq!(watch.interrupt(), Some(0));
    project.assert_becomes_fresh();
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_is_open_elsewhere_is_written_when_it_is_let_go() {
    let project = Project::in_memory();
    let watch = project.watch(&[]);
    let editor = fs::File::options().append(true).open(project.path("out/test_vit.py")).unwrap();
    project.write("templates/t.py.tera", "y = 1\n");
    let event = watch.wait_for(|event| codes(event) == ["output-inaccessible"]);
    assert_eq!(written(&event), ["out/test_bert.py"]);
    assert!(event["problems"][0]["message"].as_str().unwrap().contains("another program has it open"), "{event}");
    let is_attempt = |event: &Value| event["occasion"] == "again";
    assert!(
        !watch.events_until_quiet(Duration::from_millis(500)).iter().any(is_attempt),
        "attempts that fail are silent"
    );
    drop(editor);
    watch.wait_for(|event| written(event) == ["out/test_vit.py"] && codes(event).is_empty());
    project.assert_becomes_fresh();
}

#[test]
fn a_pipe_in_an_outputs_place_holds_nobody_up() {
    let project = Project::new();
    let watch = project.watch(&[]);
    // Renamed to its place: a watch would write the output again if it were missing for a moment.
    let status = Command::new("mkfifo").arg(project.path("pipe")).status().unwrap();
    assert!(status.success());
    project.rename("pipe", "out/test_vit.py");
    project.write("templates/t.py.tera", "y = 1\n");
    let event = watch.wait_for(|event| written(event) == ["out/test_bert.py"]);
    assert!(event["problems"][0]["message"].as_str().unwrap().contains("it is a pipe or a device"), "{event}");
    assert_eq!(watch.interrupt(), Some(0));
}

#[test]
fn a_pipe_in_the_configurations_place_is_no_configuration() {
    let project = Project::new();
    assert!(project.run(&["generate"]).status.success());
    project.remove("tgen.toml");
    let status = Command::new("mkfifo").arg(project.path("tgen.toml")).status().unwrap();
    assert!(status.success());
    let output = project.run(&["check"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("it is a pipe or a device; put a file in its place"), "{said}");
}

#[test]
fn generate_beside_a_watch_disturbs_nothing() {
    let project = Project::new();
    let watch = project.watch(&[]);
    for number in 0..5 {
        project.write("templates/t.py.tera", &format!("y = {number}\n"));
        assert!(project.run(&["generate"]).status.success());
    }
    watch.wait_for(|_| project.read("out/test_vit.py").ends_with("y = 4\n"));
    project.assert_becomes_fresh();
    assert_eq!(watch.interrupt(), Some(0));
    assert_eq!(project.temporary_files(), 0);
}

#[test]
fn a_watch_after_one_that_was_killed_takes_its_place() {
    let project = Project::new();
    drop(project.watch(&[]));
    let second = project.watch(&[]);
    assert_eq!(project.locks(), 1);
    assert_eq!(second.interrupt(), Some(0));
    assert_eq!(project.locks(), 0);
}

#[test]
fn a_templates_folder_that_is_a_link_is_followed_also_to_another_folder() {
    let project = Project::new();
    project.rename("templates", "first");
    symlink("first", project.path("templates")).unwrap();
    let watch = project.watch(&[]);
    project.write("first/t.py.tera", "first = 2\n");
    assert_eq!(watch.wait_for_written().len(), 2);
    project.write("second/t.py.tera", "second = 1\n");
    symlink("second", project.path("link")).unwrap();
    project.rename("link", "templates");
    watch.wait_for(|_| project.read("out/test_vit.py").ends_with("second = 1\n"));
    project.write("second/t.py.tera", "second = 2\n");
    watch.wait_for(|_| project.read("out/test_vit.py").ends_with("second = 2\n"));
    project.assert_becomes_fresh();
}

#[test]
fn a_template_that_is_a_link_inside_the_folder_changes_with_what_it_leads_to() {
    let project = Project::new();
    project.write("templates/real/part.tera", "part = 1\n");
    symlink("real/part.tera", project.path("templates/part.tera")).unwrap();
    project.write("templates/t.py.tera", "{% include \"part.tera\" %}");
    let watch = project.watch(&[]);
    project.write("templates/real/part.tera", "part = 2\n");
    assert_eq!(watch.wait_for_written().len(), 2);
    project.assert_becomes_fresh();
}

#[test]
fn a_command_runs_with_what_was_written_and_gives_way_to_the_next() {
    let project = Project::new();
    project.write("run.sh", "echo $$ \"$@\" >> \"runs\"\nwhile [ ! -e let-go ]; do sleep 0.05; done\n");
    let watch = project.watch_unsettled(&["--exec", "sh run.sh first"]);
    let runs = || fs::read_to_string(project.path("runs")).unwrap_or_default();
    wait_until(|| runs().ends_with(" first out/test_bert.py out/test_vit.py\n"));
    project.write("templates/own/vit.py.tera", "own = 1\n");
    wait_until(|| runs().ends_with(" first out/test_vit.py\n"));
    let first = runs().split(' ').next().unwrap().to_owned();
    let is_running = |process: &str| Command::new("kill").args(["-0", process]).output().unwrap().status.success();
    assert!(!is_running(&first), "the first run goes on");
    project.write("let-go", "");
    let event = watch.wait_for(|event| event["event"] == "command-ends");
    assert_eq!((&event["exit_code"], &event["success"]), (&Value::from(0), &Value::from(true)));
    project.remove("let-go");
    project.write("templates/t.py.tera", "again = 1\n");
    wait_until(|| runs().lines().count() == 3);
    let last = runs().lines().last().unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(watch.interrupt(), Some(0));
    wait_until(|| !is_running(&last));
}

#[test]
fn keys_rebuild_show_the_difference_and_quit() {
    use std::io::Read;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let project = Project::new();
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let terminal = fs::File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = project.command(&["watch"]);
    command
        .env_remove("CI")
        .stdin(terminal.try_clone().unwrap())
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut controller = fs::File::from(controller);
    let mut said = String::new();
    let mut wait_for = |controller: &mut fs::File, words: &str| {
        let mut buffer = [0; 4096];
        while !said.contains(words) {
            let read = controller.read(&mut buffer).unwrap_or_default();
            assert!(read > 0, "`{words}` never came: {said}");
            said.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
        said.clear();
    };
    wait_for(&mut controller, "q quits");
    project.write("templates/t.py.tera", "y = 1\n");
    wait_for(&mut controller, "wrote 2 of 2 outputs");
    controller.write_all(b"d").unwrap();
    wait_for(&mut controller, "+y = 1");
    controller.write_all(b"\n").unwrap();
    wait_for(&mut controller, "wrote 0 of 2 outputs, 2 fresh");
    controller.write_all(b"q").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_output_that_was_touched_in_the_same_moment_is_left_alone() {
    let project = Project::new();
    let watch = project.watch(&[]);
    for number in 0..20 {
        project.write("templates/t.py.tera", &format!("y = {number}\n"));
        project.write("out/test_bert.py", &format!("# by hand {number}\n"));
        watch.wait_for(|event| written(event).contains(&"out/test_vit.py".to_owned()));
        assert_eq!(project.read("out/test_bert.py"), format!("# by hand {number}\n"));
    }
    watch.events_until_quiet(Duration::from_millis(100));
    assert_eq!(project.read("out/test_bert.py"), "# by hand 19\n");
}

#[test]
fn a_watch_ends_when_nobody_reads_it_any_more() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let project = Project::new();
    let mut child = project.command(&["watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut String::new()).unwrap();
    drop(reader);
    project.write("templates/t.py.tera", "y = 1\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(project.read("out/test_vit.py").ends_with("y = 1\n"));
}

/// The system keeps so many events and drops the rest, which it tells.
#[cfg(target_os = "linux")]
#[test]
fn events_that_were_dropped_are_made_up_for() {
    let project = Project::new();
    let watch = project.watch(&[]);
    let signal = |name: &str| {
        let status = Command::new("kill").args([name, &watch.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    };
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    signal("-STOP");
    for number in 0..limit {
        // Two files in turn: the system makes one of equal events that follow each other.
        project.write(&format!("templates/noise-{}", number % 2), "noise");
    }
    project.write("templates/t.py.tera", "y = 1\n");
    signal("-CONT");
    assert_eq!(watch.wait_for_written().len(), 2);
    project.assert_becomes_fresh();
}

/// A namespace of one's own has limits of its own. Where the system grants none, there is nothing to test with.
#[cfg(target_os = "linux")]
#[test]
fn a_watch_that_hits_the_systems_limit_says_so_and_polls() {
    let in_namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "sh", "-c"])
            .arg(format!("echo 1 > /proc/sys/user/max_inotify_watches && {script}"));
        command
    };
    if !in_namespace("true").output().is_ok_and(|output| output.status.success()) {
        // Not `eprintln!`, which tests that pass keep to themselves.
        writeln!(
            std::io::stderr(),
            "NOT TESTED: the fallback at the system's limit; the system grants no user namespace"
        )
        .unwrap();
        return;
    }
    let project = Project::new();
    let log = fs::File::create(project.path("log")).unwrap();
    let mut command = in_namespace("exec \"$0\" watch --json");
    let mut child = command.arg(super::project::BINARY).current_dir(project.path("")).stdout(log).spawn().unwrap();
    let said = || project.read("log");
    wait_until(|| said().contains("\"occasion\":\"start\""));
    assert!(said().contains("the system's limit of watched folders is reached"), "{}", said());
    project.write("templates/t.py.tera", "y = 1\n");
    wait_until(|| project.read("out/test_vit.py").ends_with("y = 1\n"));
    child.kill().unwrap();
    child.wait().unwrap();
}
