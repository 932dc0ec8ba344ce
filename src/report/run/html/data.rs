//! The data of the page's script: a column for each property of the tests, with every text once, compressed.
//!
//! Texts are bounded in all, so that a page with many long ones still opens: what is cut is in the results files.

use std::collections::HashMap;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use tgen_core::results::comparison::TestChange;
use tgen_core::results::matrix::{Rating, rating, subject};
use tgen_core::results::verdict::{Test, Verdict};

use super::shown_lines;
use crate::report::run::failed_line;
use crate::report::run::overview::{Overview, change_words};

/// The longest name, reason and log, in letters.
const NAME: usize = 1000;
const REASON: usize = 2000;
const LOG: usize = 4000;
/// How many bytes all texts together may have before long ones are cut to `SHORT` letters.
const ALL_TEXTS: usize = 8 << 20;
const SHORT: usize = 200;

/// The data as the page has it: JSON, compressed, in base64.
pub(super) fn encoded(overview: &Overview<'_>) -> io::Result<String> {
    let json = serde_json::to_vec(&data(overview))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&json)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

#[derive(Serialize)]
struct Data {
    /// All texts; the columns have their numbers.
    texts: Vec<String>,
    /// The verdicts by their numbers: name, class of the style sheet.
    verdicts: Vec<(&'static str, &'static str)>,
    /// What became of tests, by numbers.
    changes: Vec<&'static str>,
    /// Whether there are earlier runs.
    has_past: bool,
    columns: Columns,
    /// The attempts of tests that had several: verdict, milliseconds, reason.
    attempts: HashMap<usize, Vec<(usize, u64, usize)>>,
}

/// A value for each test; −1 stands for none.
#[derive(Default, Serialize)]
struct Columns {
    file: Vec<usize>,
    name: Vec<usize>,
    subject: Vec<usize>,
    model: Vec<i64>,
    hardware: Vec<usize>,
    device: Vec<i64>,
    task: Vec<i64>,
    batch: Vec<i64>,
    implementation: Vec<i64>,
    verdict: Vec<usize>,
    milliseconds: Vec<u64>,
    megabytes: Vec<i64>,
    device_megabytes: Vec<i64>,
    reason: Vec<i64>,
    log: Vec<i64>,
    line: Vec<i64>,
    change: Vec<i64>,
    past: Vec<i64>,
}

fn data(overview: &Overview<'_>) -> Data {
    let mut texts = Texts::default();
    let verdicts = Verdict::all();
    let number = |verdict: Verdict| verdicts.iter().position(|one| *one == verdict).unwrap_or_default();
    let changes: HashMap<*const Test<'_>, TestChange> = changes(overview);
    let mut columns = Columns::default();
    let mut attempts = HashMap::new();
    for (at, test) in overview.run.tests.iter().enumerate() {
        columns.add(test, &mut texts);
        columns.verdict.push(number(test.verdict));
        let change = changes.get(&std::ptr::from_ref(test));
        columns.change.push(signed(change.and_then(|change| TestChange::ALL.iter().position(|one| one == change))));
        columns.past.push(if overview.past.is_empty() {
            -1
        } else {
            let strip: String = overview.past.strip(test).iter().map(|verdict| letter(number(*verdict))).collect();
            signed(Some(texts.number(&strip, NAME)))
        });
        if test.attempts.len() > 1 {
            let each = test.attempts.iter().map(|attempt| {
                let reason = texts.number(&attempt.reason, REASON);
                (number(Verdict::Ended(attempt.outcome)), milliseconds(attempt.duration), reason)
            });
            attempts.insert(at, each.collect());
        }
    }
    Data {
        texts: texts.all,
        verdicts: verdicts.iter().map(|verdict| (verdict.name(), super::class(rating(*verdict)))).collect(),
        changes: TestChange::ALL.iter().map(|change| change_words(*change)).collect(),
        has_past: !overview.past.is_empty(),
        columns,
        attempts,
    }
}

fn changes<'o>(overview: &'o Overview<'_>) -> HashMap<*const Test<'o>, TestChange> {
    let changed = overview.against.iter().flat_map(|against| &against.comparison.tests);
    changed.filter_map(|changed| Some((std::ptr::from_ref(changed.now?), changed.change))).collect()
}

impl Columns {
    fn add(&mut self, test: &Test<'_>, texts: &mut Texts) {
        let last = test.last();
        let mut optional = |text: Option<&str>, longest: usize| {
            signed(text.filter(|text| !text.is_empty()).map(|text| texts.number(text, longest)))
        };
        self.model.push(optional(last.model.as_deref(), NAME));
        self.device.push(optional(last.device.as_deref(), NAME));
        self.task.push(optional(last.task.as_deref(), NAME));
        self.implementation.push(optional(last.implementation.as_deref(), NAME));
        self.reason.push(optional(Some(&last.reason), REASON));
        self.log.push(optional(last.log.as_deref(), LOG));
        self.file.push(texts.number(&last.file, NAME));
        self.name.push(texts.number(last.nodeid.strip_prefix(last.file.as_str()).unwrap_or(&last.nodeid), NAME));
        self.subject.push(texts.number(subject(test), NAME));
        self.hardware.push(texts.number(last.hardware.name(), NAME));
        self.batch.push(last.batch.map_or(-1, i64::from));
        self.milliseconds.push(milliseconds(last.duration));
        self.megabytes.push(megabytes(last.memory_peak));
        self.device_megabytes.push(megabytes(last.device_memory_peak));
        let is_bad = rating(test.verdict) <= Rating::Unknown;
        self.line.push(signed(failed_line(last).filter(|_| is_bad)));
    }
}

/// Texts, each once.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
    numbers: HashMap<String, usize>,
    bytes: usize,
}

impl Texts {
    fn number(&mut self, text: &str, longest: usize) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let shown = shown_lines(text, if self.bytes > ALL_TEXTS { longest.min(SHORT) } else { longest });
        self.bytes += shown.len();
        let number = self.all.len();
        self.all.push(shown);
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

fn signed(number: Option<usize>) -> i64 {
    number.and_then(|number| i64::try_from(number).ok()).unwrap_or(-1)
}

/// A letter for the number of a verdict.
fn letter(number: usize) -> char {
    u8::try_from(number).map_or('?', |number| char::from(b'a' + number))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast from a float saturates")]
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

fn megabytes(bytes: Option<u64>) -> i64 {
    bytes.and_then(|bytes| i64::try_from(bytes / 1_000_000).ok()).unwrap_or(-1)
}
