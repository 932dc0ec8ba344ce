//! A `tgen.toml` of any text is read, or every problem of it has a place inside of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tgen_core::config::{self, Origin};
use tgen_core::base::files::MemoryFiles;
use tgen_core::base::text::LineIndex;

fuzz_target!(|text: &str| {
    let mut files = MemoryFiles::default();
    files.insert("tgen.toml", text);
    if let Err(problems) = config::load(&files, Origin::TgenToml) {
        assert!(!problems.is_empty());
        let lines = LineIndex::new(text);
        for range in problems.iter().filter_map(|problem| problem.range) {
            assert!(lines.offset(range.end) <= text.len());
        }
    }
});
