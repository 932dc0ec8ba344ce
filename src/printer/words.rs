//! Shared wording: counts with their nouns, and truncated lists.

/// `1 output`, `2 outputs`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The beginning of a list, and the number of remaining elements.
pub(crate) struct Cut<'a, T> {
    /// The elements to show.
    pub(crate) shown: &'a [T],
    /// The number of the others.
    pub(crate) rest: usize,
}

/// Truncates a list after `limit` elements. A single remaining element is shown, since a line that counts it would take
/// as much room.
pub(crate) fn cut<T>(list: &[T], limit: usize) -> Cut<'_, T> {
    let shown = if list.len() <= limit.saturating_add(1) { list.len() } else { limit };
    Cut { shown: &list[..shown], rest: list.len() - shown }
}

/// Names after one another, at most so many of them.
pub(crate) fn listed<S: AsRef<str>>(names: &[S], limit: usize) -> String {
    let cut = cut(names, limit);
    let mut shown: Vec<&str> = cut.shown.iter().map(AsRef::as_ref).collect();
    let rest = format!("{} more", cut.rest);
    if cut.rest > 0 {
        shown.push(&rest);
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_unless_only_one_would_be_left_out() {
        let lengths = |list: &[u8]| (cut(list, 2).shown.len(), cut(list, 2).rest);
        assert_eq!(lengths(&[1, 2]), (2, 0));
        assert_eq!(lengths(&[1, 2, 3]), (3, 0));
        assert_eq!(lengths(&[1, 2, 3, 4]), (2, 2));
        assert_eq!(cut(&[1], usize::MAX).rest, 0);
    }
}
