//! Our parser of Tera templates agrees with Tera on every text, and every question of an editor has an answer.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};

#[path = "../../src/core/tests/tera/agreement.rs"]
mod agreement;

/// Tera's parser goes down by recursion, and so deep a template is no template.
const LONGEST: usize = 4096;

fuzz_target!(|text: &str| -> Corpus {
    if text.len() > LONGEST {
        return Corpus::Reject;
    }
    agreement::check(text);
    Corpus::Keep
});
