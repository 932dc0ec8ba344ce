//! Failed tests as problems of the templates that wrote the failing lines, so that editors lead there.
//!
//! This module must not know how tests are run.

use std::collections::{BTreeMap, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::problem::{Code, Problem};
use tgen_core::base::text::Range;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::explain::{Part, explain};
use tgen_core::results::attempt::Attempt;
use tgen_core::results::message::message;
use tgen_core::results::outcome::Meaning;

use crate::printer::counted;
use crate::report::run::failed_line;

/// The most failures whose places are looked for: each takes a rendering.
const MOST: usize = 200;

/// A place in a template.
type Place = (Utf8PathBuf, Range);

/// A problem for each place of a template that wrote lines at which tests have failed in their last attempts.
pub(super) fn template_problems(plan: &Plan<'_>, root: &Utf8Path, attempts: &[Attempt]) -> Vec<Problem> {
    let mut last: BTreeMap<_, &Attempt> = BTreeMap::new();
    for attempt in attempts {
        last.insert((&attempt.nodeid, attempt.hardware), attempt);
    }
    let outputs: HashMap<Utf8PathBuf, &PlannedOutput> =
        plan.outputs.iter().map(|output| (root.join(plan.location(output)), output)).collect();
    let failed = last.into_values().filter(|attempt| attempt.outcome.meaning() == Meaning::Failure);
    let mut places: Vec<(Place, Vec<&Attempt>)> = Vec::new();
    for attempt in failed.take(MOST) {
        let output = outputs.get(&root.join(&attempt.file));
        if let Some(part) = output.and_then(|output| part(plan, output, attempt)) {
            let place = (part.path, part.line);
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, attempts)) => attempts.push(attempt),
                None => places.push((place, vec![attempt])),
            }
        }
    }
    places.into_iter().map(|(place, attempts)| problem(place, &attempts)).collect()
}

/// The first part of a template that wrote text of the line at which a test has failed.
fn part(plan: &Plan<'_>, output: &PlannedOutput, attempt: &Attempt) -> Option<Part> {
    let line = failed_line(attempt)?.checked_sub(1)?;
    // What cannot be rendered is the problem of `check`.
    let mut parts = explain(plan, output, line).ok()??.parts;
    // Indentation may be written by another line than what it indents.
    let first = parts.iter().position(|part| !part.wrote.trim().is_empty()).unwrap_or_default();
    (first < parts.len()).then(|| parts.swap_remove(first))
}

fn problem((path, range): Place, attempts: &[&Attempt]) -> Problem {
    let first = attempts[0];
    let more = match attempts.len() - 1 {
        0 => String::new(),
        more => format!(" and {}", counted(more, "more test")),
    };
    let words = format!("`{}`{more} failed: {}", first.nodeid, message(&first.reason));
    Problem::error(Code::FailedTest, words).in_file(path).at(range)
}
