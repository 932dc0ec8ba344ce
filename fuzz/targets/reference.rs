//! A reference implementation of any text yields what can be read of it.

#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use tgen_core::reference::parse_reference;

fuzz_target!(|text: &str| {
    let _ = parse_reference(Utf8Path::new("skillset/hf_bert.py"), text);
});
