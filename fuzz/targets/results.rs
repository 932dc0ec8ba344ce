//! Results files, which a killed run may have cut anywhere: no line makes one unreadable, and what was merged once stays
//! as it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tgen_core::results::merging::text;
use tgen_core::results::reading::read;
use tgen_core::results::rerun::{latest_run, missing_units, unfinished};
use tgen_core::results::verdict::{Summary, tests};

fuzz_target!(|bytes: &[u8]| {
    let Ok(recorded) = read(bytes) else { return };
    let tests = tests(&recorded);
    assert_eq!(Summary::of(&tests).tests(), tests.len());
    let _ = missing_units(&recorded);
    if let Some(run) = latest_run(&recorded) {
        let planned: Vec<_> =
            recorded.attempts.iter().map(|attempt| (attempt.unit_name(), attempt.hardware)).collect();
        assert!(unfinished(&recorded, &run, &planned).len() <= planned.len());
    }
    let merged = text(recorded);
    if !merged.is_empty() {
        assert_eq!(text(read(merged.as_bytes()).expect("it was written here")), merged);
    }
});
