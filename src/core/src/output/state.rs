//! The state of an output, from what should be there and what is: nothing else is asked.

use serde::Serialize;

use super::signature;

/// How what is there relates to what the template says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The bytes are equal, but for line ends.
    Fresh,
    /// There is no file.
    Missing,
    /// The file differs and its signature is intact: the template or a value has changed.
    Stale,
    /// The file differs and its signature is broken: a person changed it.
    Edited,
    /// The file differs and has no signature: it is not ours.
    Foreign,
    /// The file is signed, but no case renders it any more.
    Orphaned,
}

impl State {
    /// Every state, in the order of a summary.
    pub const ALL: [Self; 6] = [Self::Fresh, Self::Missing, Self::Stale, Self::Edited, Self::Foreign, Self::Orphaned];

    /// The state of an output that should hold `expected`, where `existing` is what the file holds.
    #[must_use]
    pub fn of(expected: &[u8], existing: Option<&[u8]>) -> Self {
        let Some(existing) = existing else { return Self::Missing };
        if expected == existing || equal_but_for_line_ends(expected, existing) {
            return Self::Fresh;
        }
        match signature::find(existing) {
            Some(signature) if signature.intact => Self::Stale,
            Some(_) => Self::Edited,
            None => Self::Foreign,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Edited => "edited",
            Self::Foreign => "foreign",
            Self::Orphaned => "orphaned",
        }
    }

    /// Whether writing the output would destroy something that no template can bring back.
    #[must_use]
    pub const fn is_protected(self) -> bool {
        matches!(self, Self::Edited | Self::Foreign)
    }
}

fn equal_but_for_line_ends(left: &[u8], right: &[u8]) -> bool {
    let has_return = |bytes: &[u8]| memchr::memchr(b'\r', bytes).is_some();
    if !has_return(left) && !has_return(right) {
        return false;
    }
    without_returns(left).eq(without_returns(right))
}

fn without_returns(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let followed_by_newline = |at: usize| bytes.get(at + 1) == Some(&b'\n');
    bytes
        .iter()
        .enumerate()
        .filter(move |(at, byte)| !(**byte == b'\r' && followed_by_newline(*at)))
        .map(|(_, byte)| *byte)
}

#[cfg(test)]
mod tests {
    use super::super::signature::{CommentStyle, Signed};
    use super::*;

    fn signed(text: &str) -> Vec<u8> {
        let mut output = Vec::new();
        Signed::new(text.as_bytes(), CommentStyle::of("x.py".into()).unwrap(), "t for m").write(&mut output);
        output
    }

    #[track_caller]
    fn check(existing: Option<&[u8]>, expected: State) {
        assert_eq!(State::of(&signed("new\n"), existing), expected);
    }

    #[test]
    fn the_state_follows_from_the_file_alone() {
        check(None, State::Missing);
        check(Some(&signed("new\n")), State::Fresh);
        check(Some(&signed("old\n")), State::Stale);
        check(Some(&[signed("old\n"), b"mine\n".to_vec()].concat()), State::Edited);
        check(Some(b"new\n"), State::Foreign);
        check(Some(b""), State::Foreign);
    }

    #[test]
    fn line_ends_alone_are_no_difference() {
        let windows = String::from_utf8(signed("new\n")).unwrap().replace('\n', "\r\n");
        check(Some(windows.as_bytes()), State::Fresh);
        check(Some(windows.replace("new", "old").as_bytes()), State::Edited);
        let stale = String::from_utf8(signed("old\n")).unwrap().replace('\n', "\r\n");
        check(Some(stale.as_bytes()), State::Stale);
    }
}
