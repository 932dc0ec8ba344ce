//! Fingerprints of outputs: a hash of everything that an output depends on. Equal fingerprints mean equal outputs, so
//! nothing has to be rendered.
//!
//! This module is the definition of what an output depends on: the text of its template and of the templates that it
//! builds on, the values of the placeholders that these use, its origin (which its signature contains) and its
//! formatter.

use std::io::{self, Write};

use tera::Value;
use twox_hash::XxHash3_128;

use crate::plan::{Plan, PlannedOutput};
use crate::template::renderer::Values;

/// A hash of everything that an output depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

/// The fingerprint of a planned output. The existing file is not part of it.
#[must_use]
pub fn fingerprint(plan: &Plan<'_>, output: &PlannedOutput) -> Fingerprint {
    let template = &plan.templates[output.template];
    let case = plan.case(output);
    let mut hasher = Hasher::default();
    hasher.text(&plan.origin(output));
    hasher.number(template.text_hash);
    for placeholder in &template.placeholders {
        hasher.text(&placeholder.name);
        hasher.value(case.value(&placeholder.name).as_ref());
    }
    for word in plan.formatter(output).into_iter().flatten() {
        hasher.text(word);
    }
    Fingerprint(hasher.0.finish_128())
}

#[derive(Default)]
struct Hasher(XxHash3_128);

impl Hasher {
    /// The length comes first, so that two different sequences of texts never hash the same bytes.
    fn text(&mut self, text: &str) {
        self.0.write(&text.len().to_le_bytes());
        self.0.write(text.as_bytes());
    }

    fn number(&mut self, number: u128) {
        self.0.write(&number.to_le_bytes());
    }

    /// A value as JSON, which distinguishes types. Strings, by far the most common, are hashed directly.
    fn value(&mut self, value: Option<&Value>) {
        match value.map(|value| (value.as_str(), value)) {
            None => self.0.write(b"0"),
            Some((Some(text), _)) => {
                self.0.write(b"s");
                self.text(text);
            }
            Some((None, value)) => {
                self.0.write(b"v");
                // Writing into a hash cannot fail, and every value can be written as JSON.
                let _ = serde_json::to_writer(&mut *self, value);
            }
        }
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
