//! Whether two outputs are equal but for what does not count: line ends, and the signature.

use super::signature;

/// Whether two texts are equal but for line ends.
pub(super) fn is_same_text(left: &[u8], right: &[u8]) -> bool {
    if left == right {
        return true;
    }
    let has_return = |bytes: &[u8]| memchr::memchr(b'\r', bytes).is_some();
    if !has_return(left) && !has_return(right) {
        return false;
    }
    without_returns(left).eq(without_returns(right))
}

/// Whether two signed texts are equal but for line ends and their signatures.
pub(super) fn is_same_but_for_signature(left: &[u8], right: &[u8]) -> bool {
    let [left, right] = [left, right].map(signature::without_signature);
    left.zip(right).is_some_and(|(left, right)| is_same_text(&left, &right))
}

fn without_returns(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let followed_by_newline = |at: usize| bytes.get(at + 1) == Some(&b'\n');
    bytes
        .iter()
        .enumerate()
        .filter(move |(at, byte)| !(**byte == b'\r' && followed_by_newline(*at)))
        .map(|(_, byte)| *byte)
}
