//! A report as SARIF 2.1.0, for code scanning.
//!
//! Written by hand: the one crate with the format's types generates them from the schema at build time, which would cost
//! more than all other dependencies of the reports together. Problems without a file become notifications, because
//! code scanning refuses results without a place. It also refuses a log with too many results, so there is one result for each
//! cause, and results beyond the limit are only counted.

use std::fmt::Write as _;
use std::io::{self, Write};

use camino::Utf8Path;
use serde_json::{Value, json};
use tgen_core::base::problem::{Code, Problem, Related, Severity};
use tgen_core::base::text::Range;
use tgen_core::output::state::State;

use super::causes::{AlikeOutputs, Cause, causes};
use super::place::Place;
use super::{Report, words};
use crate::printer::{SourceCache, Sources, counted, write_json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// The page about the tool to which an alert leads.
const INFORMATION: &str = env!("CARGO_PKG_REPOSITORY");

/// GitHub refuses a log with more results.
const MOST_RESULTS: usize = 25_000;
/// The most notifications.
const MOST_NOTIFICATIONS: usize = 1_000;
/// How many outputs of one cause are named beside the first.
const MOST_RELATED: usize = 20;

/// The states that are findings.
const STATES: [State; 6] =
    [State::Missing, State::Stale, State::Conflicted, State::Edited, State::Foreign, State::Orphaned];

/// Writes the report.
pub(crate) fn write(report: &Report, out: &mut dyn Write, sources: &Sources<'_>) -> io::Result<()> {
    write_json(out, &log(report, &SourceCache::new(sources)))
}

fn log(report: &Report, sources: &SourceCache<'_>) -> Value {
    let causes = causes(report);
    let placeless = report.problems.iter().filter(|problem| problem.path.is_none());
    let notifications: Vec<Value> = placeless.take(MOST_NOTIFICATIONS).map(notification).collect();
    let has_place = |cause: &&Cause<'_>| !matches!(cause, Cause::Problem(problem) if problem.path.is_none());
    let placed: Vec<&Cause<'_>> = causes.iter().filter(has_place).collect();
    let (told, untold) = placed.split_at(placed.len().min(MOST_RESULTS));
    let untold: usize = untold.iter().map(|cause| cause.count()).sum();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "cargo-tgen",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": INFORMATION,
                "rules": rules(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": report.failure.is_none(),
                "toolConfigurationNotifications": notifications,
                "toolExecutionNotifications": execution_notifications(report, untold),
            }],
            "results": told.iter().filter_map(|cause| result(cause, sources)).collect::<Vec<_>>(),
        }],
    })
}

/// Notes on the check itself.
fn execution_notifications(report: &Report, untold: usize) -> Vec<Value> {
    let of = |level: &str, text: String| json!({"level": level, "message": {"text": text}});
    let failure = report.failure.iter().map(|failure| of("error", failure.clone()));
    let rest = (untold > 0).then(|| {
        let text = format!("{} not in this log: run `cargo tgen check` to see all", counted(untold, "more finding"));
        of("warning", text)
    });
    failure.chain(rest).collect()
}

fn result(cause: &Cause<'_>, sources: &SourceCache<'_>) -> Option<Value> {
    match cause {
        Cause::Problem(problem) => of_problem(problem, sources),
        Cause::Outputs(outputs) => Some(of_outputs(outputs)),
    }
}

fn rules() -> Vec<Value> {
    let codes = Code::ALL.iter().map(|code| rule(code.name(), code.description(), None));
    let states = STATES.into_iter().map(|state| {
        let description = format!("An output is {}: {}.", state.name(), state.meaning());
        rule(state.name(), &description, Some(state.next_step()))
    });
    codes.chain(states).collect()
}

fn rule(id: &str, description: &str, help: Option<&str>) -> Value {
    let mut rule = json!({"id": id, "shortDescription": {"text": in_one_line(description)}});
    if let Some(help) = help {
        rule["help"] = json!({"text": help});
    }
    rule
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A problem of a file as a result; none when no file has it.
fn of_problem(problem: &Problem, sources: &SourceCache<'_>) -> Option<Value> {
    let path = problem.path.as_deref()?;
    let mut result = json!({
        "ruleId": problem.code.name(),
        "level": level(problem.severity),
        "message": {"text": message(problem)},
        "locations": [{"physicalLocation": physical_location(path, problem.range, sources)}],
    });
    if !problem.related.is_empty() {
        let related = problem.related.iter().map(|related| of_related(related, sources));
        result["relatedLocations"] = related.collect();
    }
    Some(result)
}

fn of_related(related: &Related, sources: &SourceCache<'_>) -> Value {
    json!({
        "physicalLocation": physical_location(&related.path, related.range, sources),
        "message": {"text": related.message},
    })
}

fn notification(problem: &Problem) -> Value {
    json!({
        "associatedRule": {"id": problem.code.name()},
        "level": level(problem.severity),
        "message": {"text": message(problem)},
    })
}

/// One result for all outputs of a cause, at the file that a reader has to open.
fn of_outputs(outputs: &AlikeOutputs<'_>) -> Value {
    let (_, example) = outputs.example();
    let (path, line) = outputs.place();
    let mut message = outputs.message();
    if let Some(note) = words::baseline_note(example.baseline) {
        message = format!("{message}\n{note}");
    }
    let mut result = json!({
        "ruleId": outputs.state.name(),
        "level": "error",
        "message": {"text": message},
        "locations": [{"physicalLocation": file_location(path, line)}],
    });
    if outputs.numbers.len() > 1 {
        let others = outputs.others().take(MOST_RELATED);
        result["occurrenceCount"] = outputs.numbers.len().into();
        result["relatedLocations"] =
            others.map(|path| json!({"physicalLocation": file_location(path, None)})).collect();
    }
    result
}

fn file_location(path: &Utf8Path, line: Option<usize>) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(path)}});
    if let Some(line) = line {
        location["region"] = json!({"startLine": line.max(1)});
    }
    location
}

fn physical_location(path: &Utf8Path, range: Option<Range>, sources: &SourceCache<'_>) -> Value {
    let mut location = json!({"artifactLocation": {"uri": uri(path)}});
    if let Some(range) = range {
        let place = Place::of(path, range, sources);
        location["region"] = json!({
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        });
    }
    location
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn message(problem: &Problem) -> String {
    match &problem.help {
        Some(help) => format!("{}\n{help}", problem.message),
        None => problem.message.clone(),
    }
}

/// A path as a URI: relative paths stay relative, so that they are found in any checkout.
fn uri(path: &Utf8Path) -> String {
    let scheme = if path.is_absolute() { "file://" } else { "" };
    path.as_str().bytes().fold(scheme.to_owned(), |mut uri, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => write!(uri, "%{byte:02X}").unwrap_or_default(),
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn results_point_at_files_and_what_no_file_has_is_a_notification() {
        let log = log(&fixture::mixed(), &SourceCache::new(&fixture::sources));
        let run = &log["runs"][0];
        let shown =
            json!({"columnKind": run["columnKind"], "invocations": run["invocations"], "results": run["results"]});
        insta::assert_snapshot!(fixture::by_line(&shown), @r#"
        columnKind: "unicodeCodePoints"
        invocations:
          {"executionSuccessful":true,"toolConfigurationNotifications":[{"associatedRule":{"id":"unknown-model"},"level":"error","message":{"text":"there is no model `bret`\ndid you mean `bert`?"}}],"toolExecutionNotifications":[]}
        results:
          {"ruleId":"edited","level":"error","message":{"text":"`test/test_hf_clip.py` is edited, changed by hand: run `cargo tgen adopt FILE` to move the change into the template, or `cargo tgen generate --force` to discard it"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"test/test_hf_clip.py"},"region":{"startLine":3}}}]}
          {"ruleId":"foreign","level":"error","message":{"text":"`test/test_hf_vit.py` is foreign, not generated by cargo-tgen: choose another output path, or run `cargo tgen generate --force` to replace what is there"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"test/test_hf_vit.py"},"region":{"startLine":1}}}]}
          {"ruleId":"unknown-placeholder","level":"error","message":{"text":"there is no placeholder `modle_name`\ndid you mean `model_name`?"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"templates/skillset.py.tera"},"region":{"startLine":2,"startColumn":12,"endLine":2,"endColumn":22}}}],"relatedLocations":[{"physicalLocation":{"artifactLocation":{"uri":"tgen.toml"},"region":{"startLine":5,"startColumn":1,"endLine":5,"endColumn":10}},"message":{"text":"this suite uses the template"}}]}
          {"ruleId":"stale","level":"error","message":{"text":"2 outputs of `skillset.py.tera` are stale, the template or a value has changed: run `cargo tgen generate`; the first is `test/test_hf_albert.py`"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"templates/skillset.py.tera"}}}],"occurrenceCount":2,"relatedLocations":[{"physicalLocation":{"artifactLocation":{"uri":"test/test_hf_bert.py"}}}]}
          {"ruleId":"missing","level":"error","message":{"text":"`test/test_hf_dpt.py` is missing, not written yet: run `cargo tgen generate`"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"test/test_hf_dpt.py"}}}]}
          {"ruleId":"orphaned","level":"error","message":{"text":"`test/test_hf_gone.py` is orphaned, rendered by no case any more: run `cargo tgen generate --prune` to delete what is left, or add the model to `models`"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"test/test_hf_gone.py"}}}]}
          {"ruleId":"invalid-reference","level":"warning","message":{"text":"the class `hf_a` has no method `init`, 100% sure"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"skills%2C%20old/hf_a.py"}}}]}
        "#);
    }

    #[test]
    fn every_result_names_a_rule_of_the_tool() {
        let log = log(&fixture::mixed(), &SourceCache::new(&fixture::sources));
        let run = &log["runs"][0];
        let rules: Vec<&Value> =
            run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
        assert_eq!(rules.len(), Code::ALL.len() + STATES.len());
        for result in run["results"].as_array().unwrap() {
            assert!(rules.contains(&&result["ruleId"]), "{result}");
        }
    }

    #[test]
    fn the_log_has_what_the_schema_requires() {
        let log = log(&fixture::mixed(), &SourceCache::new(&fixture::sources));
        let required = [
            ("/version", json!("2.1.0")),
            ("/$schema", json!(SCHEMA)),
            ("/runs/0/tool/driver/name", json!("cargo-tgen")),
            ("/runs/0/tool/driver/rules/0/id", json!(Code::ALL[0].name())),
            ("/runs/0/tool/driver/rules/0/shortDescription/text", json!(in_one_line(Code::ALL[0].description()))),
        ];
        for (pointer, value) in required {
            assert_eq!(log.pointer(pointer), Some(&value), "{pointer}");
        }
    }

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("skills, old/größe.py".into()), "skills%2C%20old/gr%C3%B6%C3%9Fe.py");
        assert_eq!(uri("built-in:a.tera".into()), "built-in%3Aa.tera");
        assert_eq!(uri("/tmp/a".into()), "file:///tmp/a");
    }
}
