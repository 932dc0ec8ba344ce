//! Any file may carry a signature or not; what is signed is intact until a byte changes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tgen_core::output::signature::{CommentStyle, Signed, find};

fuzz_target!(|input: (&[u8], &str)| {
    let (content, origin) = input;
    let _ = find(content);
    // An origin is made of a template's name and a model's: one line, without the marks of a signature.
    if std::str::from_utf8(content).is_err() || origin.contains(['\n', '\r']) || origin.contains("tgen:1:") {
        return;
    }
    let signed = Signed::new(content, CommentStyle::of_signable("x.py".into()), origin);
    let mut file = Vec::new();
    signed.write(&mut file);
    assert!(signed.is(&file));
    if file.len() < 4096 {
        assert!(find(&file).is_some_and(|found| found.intact), "{}", String::from_utf8_lossy(&file));
        file.push(b'x');
        assert!(!signed.is(&file) && find(&file).is_some_and(|found| !found.intact));
    }
});
