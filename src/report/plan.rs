//! A test plan in the formats of `cargo tgen plan`, a function each.
//!
//! The JSON has the field names of the distributed test runner that reads it: `test_id`, `model_name`, `model_family`,
//! `hardware_type`, `batch_size`, `test_content`, `test_type`, `priority`, `requirements`, `dependencies`.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::printer::{visible, write_compact_json};
use crate::store::StoredTest;

/// The headings of a table; that of the durations stands at [`TAKES`].
const HEADINGS: [&str; 10] =
    ["test", "model", "family", "hardware", "batch", "priority", "memory", "takes", "template", "depends on"];

fn short(id: &uuid::Uuid) -> String {
    id.to_string().split('-').next().unwrap_or_default().to_owned()
}

/// The memory, with where the number comes from.
fn memory(test: &StoredTest) -> String {
    let origin = test.estimates.as_ref().map(|estimates| format!(" ({})", estimates.memory_origin));
    format!("{} GB{}", test.min_memory_gb, origin.unwrap_or_default())
}

/// How long the test takes, with where the number comes from; empty where nothing is known.
fn expected(test: &StoredTest) -> String {
    let seconds = test.estimates.as_ref().and_then(|estimates| estimates.seconds.as_ref());
    seconds.map(|(seconds, origin)| format!("{seconds:.1} s ({origin})")).unwrap_or_default()
}

/// The place of the column that only plans with a history have.
const TAKES: usize = 7;

/// The headings and rows of a table of tests.
pub(crate) fn table(tests: &[StoredTest]) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let (mut headings, mut rows) = (HEADINGS.to_vec(), tests.iter().map(row).collect::<Vec<_>>());
    if rows.iter().all(|row| row[TAKES].is_empty()) {
        headings.remove(TAKES);
        for row in &mut rows {
            row.remove(TAKES);
        }
    }
    (headings, rows)
}

/// A test as a row of a table. Ids are cut, as git cuts its own: JSON has them whole.
fn row(test: &StoredTest) -> Vec<String> {
    vec![
        short(&test.test_id),
        test.model.clone(),
        test.family.clone(),
        test.hardware.clone(),
        test.batch_size.to_string(),
        test.priority.to_string(),
        memory(test),
        expected(test),
        test.template.clone(),
        test.dependencies.iter().map(short).collect::<Vec<_>>().join(", "),
    ]
}

/// The name of the file that a test is written to: no two tests of a plan have the same model, hardware type, batch size
/// and template.
pub(crate) fn file_name(test: &StoredTest) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    let model: String = test.model.chars().take(100).map(safe).collect();
    format!("test_{model}_{}_b{}_{}.py", test.hardware, test.batch_size, short(&test.test_id))
}

/// A test with all that its runner needs. `support` are the paths of what the tests of its plan import, which
/// `plan show --output-dir` writes beside them.
fn as_json(test: &StoredTest, plan: &str, support: &[String]) -> Value {
    json!({
        "test_id": test.test_id,
        "plan": plan,
        "model_name": test.model,
        "model_family": test.family,
        "hardware_type": test.hardware,
        "batch_size": test.batch_size,
        "template_name": test.template,
        "template_version": test.template_version,
        "file_name": file_name(test),
        "test_content": test.content,
        "support": support,
        "test_type": test.test_type,
        "priority": test.priority,
        "requirements": {
            "hardware_type": test.hardware,
            "min_memory_gb": test.min_memory_gb,
            "test_timeout_seconds": test.timeout_seconds,
        },
        "estimates": test.estimates.as_ref().map(|estimates| json!({
            "memory_origin": estimates.memory_origin,
            "expected_seconds": estimates.seconds.as_ref().map(|(seconds, _)| seconds),
            "duration_origin": estimates.seconds.as_ref().map(|(_, origin)| origin),
        })),
        "dependencies": test.dependencies,
    })
}

/// Writes tests as one JSON list, page by page.
pub(crate) fn write_json(
    out: &mut dyn Write,
    plan: &str,
    support: &[String],
    pages: impl Iterator<Item = anyhow::Result<Vec<StoredTest>>>,
) -> anyhow::Result<()> {
    let mut comma = "";
    write!(out, "[")?;
    for page in pages {
        for test in page? {
            write!(out, "{comma}\n  ")?;
            write_compact_json(out, &as_json(&test, plan, support))?;
            comma = ",";
        }
    }
    Ok(writeln!(out, "\n]")?)
}

/// Writes tests as JSON, one a line.
pub(crate) fn write_json_lines(
    out: &mut dyn Write,
    plan: &str,
    support: &[String],
    pages: impl Iterator<Item = anyhow::Result<Vec<StoredTest>>>,
) -> anyhow::Result<()> {
    for page in pages {
        for test in page? {
            write_compact_json(out, &as_json(&test, plan, support))?;
            writeln!(out)?;
        }
    }
    Ok(())
}

/// The places of the tests that each depends on.
pub(super) fn dependencies_of(tests: &[StoredTest]) -> Vec<Vec<usize>> {
    let places: HashMap<_, _> = tests.iter().enumerate().map(|(at, test)| (test.test_id, at)).collect();
    let place = |id| places.get(id).copied();
    tests.iter().map(|test| test.dependencies.iter().filter_map(place).collect()).collect()
}

/// Whether the flowchart of the tests has more text than Mermaid takes by default (`maxTextSize`).
pub(crate) fn is_too_large_for_mermaid(tests: &[StoredTest]) -> bool {
    const MOST: usize = 50_000;
    let mut text = Vec::new();
    write_mermaid(&mut text, tests).is_ok() && text.len() > MOST
}

/// Writes the tests as a Mermaid flowchart, the models as its groups.
pub(crate) fn write_mermaid(out: &mut dyn Write, tests: &[StoredTest]) -> io::Result<()> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut places = HashMap::new();
    for (at, test) in tests.iter().enumerate() {
        let group = *places.entry(test.model.as_str()).or_insert(groups.len());
        match groups.get_mut(group) {
            Some((_, members)) => members.push(at),
            None => groups.push((&test.model, vec![at])),
        }
    }
    writeln!(out, "flowchart LR")?;
    for (number, (model, members)) in groups.iter().enumerate() {
        writeln!(out, "  subgraph m{number}[\"{}\"]", escaped(model))?;
        for at in members {
            let test = &tests[*at];
            writeln!(
                out,
                "    t{at}[\"{} &times; {}<br/>priority {}\"]",
                test.hardware, test.batch_size, test.priority
            )?;
        }
        writeln!(out, "  end")?;
    }
    for (at, earlier) in dependencies_of(tests).into_iter().enumerate() {
        earlier.into_iter().try_for_each(|earlier| writeln!(out, "  t{earlier} --> t{at}"))?;
    }
    Ok(())
}

/// Mermaid takes HTML's entities in a quoted label.
fn escaped(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
pub(super) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::StoredEstimates;

    /// Tests of which each depends on the one `ladder` before it.
    pub(in crate::report) fn tests(number: u128, ladder: u128) -> Vec<StoredTest> {
        let test = |at: u128| StoredTest {
            test_id: Uuid::from_u128(at),
            model: format!("acme/\"m\" & {}", at % ladder),
            family: "vision".to_owned(),
            hardware: "cpu".to_owned(),
            batch_size: 1 + u32::try_from(at / ladder).unwrap(),
            content: "x = \"ü\"\n".to_owned(),
            test_type: "model_test".to_owned(),
            priority: 3,
            min_memory_gb: 0.5,
            timeout_seconds: 600,
            template: "text".to_owned(),
            template_version: Some(1),
            estimates: None,
            dependencies: at.checked_sub(ladder).map(Uuid::from_u128).into_iter().collect(),
        };
        (0..number).map(test).collect()
    }

    #[test]
    fn the_json_has_the_fields_that_its_readers_know() {
        let mut out = Vec::new();
        write_json(&mut out, "nightly", &["conftest.py".to_owned()], [Ok(tests(1, 1)), Ok(tests(1, 1))].into_iter())
            .unwrap();
        let read: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read.as_array().unwrap().len(), 2);
        insta::assert_snapshot!(serde_json::to_string_pretty(&read[0]).unwrap(), @r#"
        {
          "test_id": "00000000-0000-0000-0000-000000000000",
          "plan": "nightly",
          "model_name": "acme/\"m\" & 0",
          "model_family": "vision",
          "hardware_type": "cpu",
          "batch_size": 1,
          "template_name": "text",
          "template_version": 1,
          "file_name": "test_acme__m____0_cpu_b1_00000000.py",
          "test_content": "x = \"ü\"\n",
          "support": [
            "conftest.py"
          ],
          "test_type": "model_test",
          "priority": 3,
          "requirements": {
            "hardware_type": "cpu",
            "min_memory_gb": 0.5,
            "test_timeout_seconds": 600
          },
          "estimates": null,
          "dependencies": []
        }
        "#);
        let mut lines = Vec::new();
        write_json_lines(&mut lines, "nightly", &[], std::iter::once(Ok(tests(3, 1)))).unwrap();
        let lines = String::from_utf8(lines).unwrap();
        let tests: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(tests.len(), 3);
    }

    #[test]
    fn a_table_tells_where_numbers_come_from_and_durations_only_where_they_are_known() {
        let mut tests = tests(2, 1);
        let cells = |tests: &[StoredTest]| {
            let (headings, rows) = table(tests);
            let place = headings.iter().position(|heading| *heading == "memory").unwrap();
            (headings.len(), rows.into_iter().map(|row| row[place..place + 2].join(", ")).collect::<Vec<_>>())
        };
        assert_eq!(cells(&tests), (9, vec!["0.5 GB, text".to_owned(), "0.5 GB, text".to_owned()]));
        let seconds = Some((2.25, "estimated".to_owned()));
        tests[1].estimates = Some(StoredEstimates { memory_origin: "learnt n=7".to_owned(), seconds });
        assert_eq!(
            cells(&tests),
            (10, vec!["0.5 GB, ".to_owned(), "0.5 GB (learnt n=7), 2.2 s (estimated)".to_owned()])
        );
        assert_eq!(as_json(&tests[1], "nightly", &[])["estimates"]["expected_seconds"], 2.25);
    }

    #[test]
    fn a_flowchart_that_mermaid_refuses_is_told() {
        assert!(!is_too_large_for_mermaid(&tests(12, 3)));
        assert!(is_too_large_for_mermaid(&tests(1000, 10)));
    }

    #[test]
    fn a_flowchart_groups_by_model_and_escapes_names() {
        let mut out = Vec::new();
        write_mermaid(&mut out, &tests(3, 2)).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        flowchart LR
          subgraph m0["acme/&quot;m&quot; &amp; 0"]
            t0["cpu &times; 1<br/>priority 3"]
            t2["cpu &times; 2<br/>priority 3"]
          end
          subgraph m1["acme/&quot;m&quot; &amp; 1"]
            t1["cpu &times; 1<br/>priority 3"]
          end
          t0 --> t2
        "#);
    }
}
