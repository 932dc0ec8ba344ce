//! The pieces of a `${}` template rejoin to it, and each says what it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tgen_core::template::dollar::{DollarPiece, scan};

fuzz_target!(|text: &str| {
    let mut at = 0;
    for piece in scan(text) {
        let span = piece.span().clone();
        assert_eq!(span.start, at, "no gap before {piece:?}");
        at = span.end;
        let whole = &text[span];
        match piece {
            DollarPiece::Placeholder { name, .. } => assert_eq!(whole, format!("${{{}}}", &text[name])),
            DollarPiece::Escape(_) => assert_eq!(whole, "$${"),
            DollarPiece::Broken(_) => assert!(whole.starts_with("${")),
            DollarPiece::Text(_) => assert!(!whole.is_empty()),
        }
    }
    assert_eq!(at, text.len());
});
