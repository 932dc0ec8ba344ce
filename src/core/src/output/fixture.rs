//! Signed outputs for the tests of this room.

use super::signature::{CommentStyle, Signed};

/// A Python file with an intact signature.
pub(super) fn signed(text: &str) -> Vec<u8> {
    let mut output = Vec::new();
    Signed::new(text.as_bytes(), CommentStyle::of("x.py".into()).unwrap(), "t for m").write(&mut output);
    output
}

/// The same as text.
pub(super) fn signed_text(text: &str) -> String {
    String::from_utf8(signed(text)).unwrap()
}
