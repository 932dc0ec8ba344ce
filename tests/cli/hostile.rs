//! A project in which every name and text that can be hostile is: no command lets it steer a terminal or a CI log.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::BINARY;

/// Ends a line, begins workflow commands, is an escape sequence in seven and in eight bits, turns the direction of writing,
/// and is no character of XML.
const HOSTILE: &str = "a\n::error title=x::forged\u{1b}[2J\u{9b}31m\u{80}\u{202e}##[error]b\u{7f}\u{fffe}<i>&";

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        let name = toml(HOSTILE);
        // No file system takes every character, but all of these in a name on Unix.
        let file = HOSTILE.replace('/', "_");
        project.write(
            "tgen.toml",
            &format!(
                "templates = \"templates\"\nskillset = \"skillset\"\npipeline-map = \"map.json\"\n\
                 [placeholders]\norganisation = {name}\n\
                 [[suite]]\nname = {name}\ntemplate = {template}\nmodels = [\"bert\"]\noutput = {output}\n\
                 [[suite]]\nname = \"other\"\ntemplate = \"broken.py.tera\"\nmodels = [\"bert\"]\noutput = \"o/{{{{ normalized_name }}}}.py\"\n",
                template = toml(&format!("{file}.py.tera")),
                output = toml("out/test_{{ normalized_name }}.py"),
            ),
        );
        let text = "# {{ organisation }}\n::error::from the template\nX = {{ organisation | py_str }}\n";
        project.write(&format!("templates/{file}.py.tera"), &text.replace("::error", "# ::error"));
        project.write("templates/broken.py.tera", &format!("{HOSTILE} {{{{ nope }}}}\n"));
        project.write("templates/plain.py", "X = 1\n");
        project.write(&format!("skillset/hf_{file}.py"), "class x: pass\n");
        project.write("map.json", &format!("{{\"bert\": [\"fill-mask\", {0}], {0}: [{0}]}}", json(HOSTILE)));
        project.write("out/test_bert.py", &format!("::error::committed\n{HOSTILE}\n"));
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .env("CI", "true")
            .env("CLICOLOR_FORCE", "0");
        command.env("NO_COLOR", "1").env("GITHUB_STEP_SUMMARY", self.0.path().join("summary.md"));
        command.output().unwrap()
    }

    /// Runs a command, and demands that what it says is only text.
    #[track_caller]
    fn check(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        for text in [&out, &err] {
            assert!(!text.contains("panicked"), "{arguments:?}: {text}");
            let steering = |letter: char| {
                letter.is_control() && !matches!(letter, '\n' | '\t') || matches!(letter, '\u{202e}' | '\u{fffe}')
            };
            assert_eq!(text.find(steering), None, "{arguments:?}: {text:?}");
            assert!(!text.contains("##["), "{arguments:?}: {text}");
            let forged = text.lines().find(|line| {
                let line = line.trim_start();
                line.starts_with("::error") && !line.contains("title=cargo-tgen (")
            });
            assert_eq!(forged, None, "{arguments:?}");
        }
        out
    }
}

fn toml(text: &str) -> String {
    json(text).replace('\u{7f}', "\\u007f")
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn a_hostile_project_steers_neither_a_terminal_nor_a_log() {
    let project = Project::new();
    for arguments in [
        &["init"][..],
        &["lint"],
        &["generate", "--dry-run"],
        &["generate"],
        &["generate", "--suite", HOSTILE],
        &["generate", "--suite", "a\n::error::x"],
        &["generate", "--model", HOSTILE],
        &["run", "--list"],
        &["bundle", "--include", HOSTILE],
        &["bundle", "--output", HOSTILE],
        &["emit", "github", "--shards", "9"],
        &["submit", "ray", "--address", "http://127.0.0.1:1", "--token-file", HOSTILE],
        &["submit", "ray", "--address", "http://127.0.0.1:1", "--runtime-env", HOSTILE],
        &["emit", "slurm", "--shards", "9", "--model", HOSTILE],
        &["run", "--dry-run"],
        &["check"],
        &["check", "--verbose"],
        &["check", "--format", "github"],
        &["check", "--changed-since", HOSTILE],
        &["check", "--hardware", HOSTILE],
        &["check", "--shard", HOSTILE],
        &["check", &format!("--{HOSTILE}")],
        &["adopt"],
        &["adopt", "--dry-run", "out/test_bert.py"],
        &["adopt", HOSTILE],
        &["explain", "out/test_bert.py"],
        &["explain", "out/test_bert.py:2"],
        &["explain", HOSTILE],
        &["models"],
        &["models", "--format", "json"],
        &["models", "--family", HOSTILE],
        &["placeholders"],
        &["hardware"],
        &["map", "show"],
        &["map", "show", HOSTILE],
        &["map", "drift", "--from", HOSTILE],
        &["lsp", "--doctor", "out/test_bert.py"],
        &["lsp", "--doctor", HOSTILE],
    ] {
        project.check(arguments);
    }
    for format in ["json", "sarif"] {
        serde_json::from_str::<serde_json::Value>(&project.check(&["check", "--format", format])).unwrap();
    }
    well_formed(&project.check(&["check", "--format", "junit"]));
    let summary = fs::read_to_string(project.0.path().join("summary.md")).unwrap();
    assert!(!summary.contains("<i>") && summary.contains("&lt;i>") && !summary.contains('\u{1b}'), "{summary}");
}

#[test]
fn hostile_results_steer_neither_a_terminal_nor_a_log() {
    let project = Project::new();
    let text = json(HOSTILE);
    let line = |outcome: &str| {
        format!(
            "{{\"run\": {text}, \"file\": {text}, \"nodeid\": {text}, \"hardware\": \"cpu\", \"outcome\": {outcome}, \"reason\": {text}, \
             \"model\": {text}, \"device\": {text}, \"attempt\": {outcome_length}}}\n",
            outcome_length = outcome.len()
        )
    };
    let lines: String = ["\"crashed\"", "\"failed\"", "\"oom\"", &text].map(line).concat();
    project.write("results.jsonl", &lines);
    project.write(&format!("{HOSTILE}.jsonl").replace('/', "_"), &lines);
    for arguments in [
        &["results", "show", "results.jsonl"][..],
        &["results", "show", &format!("{HOSTILE}.jsonl").replace('/', "_")],
        &["results", "show", "results.jsonl", "--run", HOSTILE],
        &["results", "show", "results.jsonl", "--run", "nope"],
        &["results", "show", "results.jsonl", "--format", "github"],
        &["results", "show", HOSTILE],
        &["results", "merge", "results.jsonl", "--output", HOSTILE],
        &["report", "results.jsonl"],
        &["report", "results.jsonl", "--format", "markdown"],
        &["report", "results.jsonl", "--format", "junit"],
        &["report", "results.jsonl", "--format", "trace"],
        &["report", "results.jsonl", "--against", "results.jsonl", "--format", "json"],
        &["report", HOSTILE],
    ] {
        project.check(arguments);
    }
    let read = project.check(&["results", "show", "results.jsonl", "--format", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&read).unwrap()["tests"][0]["reason"], HOSTILE);
    well_formed(&project.check(&["results", "show", "results.jsonl", "--format", "junit"]));
}

/// XML 1.0 has no control characters but three, and no U+FFFE; and every `<` and `&` in this text was escaped.
#[track_caller]
fn well_formed(xml: &str) {
    assert!(xml.starts_with("<?xml"), "{xml}");
    let allowed = |letter: char| matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(allowed), "{xml:?}");
    assert!(!xml.contains("<i>") && xml.contains("&lt;i&gt;"), "{xml}");
    if let Ok(output) = Command::new("python3")
        .args(["-c", "import sys, xml.dom.minidom as x; x.parseString(sys.argv[1].encode())", xml])
        .output()
    {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[cfg(feature = "store")]
#[test]
fn a_hostile_template_database_steers_neither_a_terminal_nor_a_log() {
    let project = Project::new();
    let plain = ["template", "add", "--file", "templates/plain.py", "--name", HOSTILE];
    let database = |arguments: &[&str]| project.check(arguments);
    database(&[&plain[..], &["--family", "text_embedding", "--description", HOSTILE]].concat());
    database(&[&plain[..], &["--family", HOSTILE]].concat());
    for arguments in [
        &["template", "list"][..],
        &["template", "list", "--format", "json"],
        &["template", "show", HOSTILE, "--format", "json"],
        &["template", "show", "a\n::error::x"],
        &["template", "history", HOSTILE],
        &["template", "diff", HOSTILE],
        &["template", "export", "exported"],
        &["template", "import", "exported"],
        &["mapping", "add", "--model", HOSTILE, "--family", "vision", "--template", HOSTILE, "--description", HOSTILE],
        &["mapping", "list"],
        &["template", "remove", HOSTILE],
        &["mapping", "remove", HOSTILE],
        &["plan", "--suite", "database", "--model", "bert", "--hardware", "cpu", "--name", HOSTILE],
        &["plan", "list"],
        &["plan", "show", HOSTILE],
        &["plan", "show", HOSTILE, "--format", "jsonl"],
        &["plan", "show", HOSTILE, "--format", "github-matrix"],
        &["plan", "show", HOSTILE, "--format", "mermaid"],
        &["plan", "show", "nope"],
        &["plan", "diff", HOSTILE, "nope"],
        &["query", "FROM current_templates"],
        &["query", "FROM current_templates", "--format", "json"],
        &["query", "SELECT nope"],
        &["template", "remove", HOSTILE],
    ] {
        database(arguments);
    }
}

/// A command that is not listed above cannot be held to it.
#[test]
fn every_command_is_fed_with_the_hostile_project() {
    let help = Command::new(BINARY).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let names = listed.map_while(|line| line.strip_prefix("  ")).filter_map(|line| line.split(' ').next());
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/hostile.rs")).unwrap();
    // These show nothing of a project, or show it in the language server's protocol.
    let exempt = ["watch", "completions", "man", "help"];
    for name in names.filter(|name| !name.is_empty() && !exempt.contains(name)) {
        assert!(source.contains(&format!("&[\"{name}\"")), "`{name}` is not fed with the hostile project");
    }
}
