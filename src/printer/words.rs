//! What everything printed shares: counts with their nouns, and lists that are cut.

/// `1 output`, `2 outputs`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The beginning of a list, and how many are left out.
pub(crate) struct Cut<'a, T> {
    /// What is shown.
    pub(crate) shown: &'a [T],
    /// How many are not.
    pub(crate) rest: usize,
}

/// Cuts a list after `limit`; a single one is never left out, as saying so would take its line.
pub(crate) fn cut<T>(list: &[T], limit: usize) -> Cut<'_, T> {
    let shown = if list.len() <= limit.saturating_add(1) { list.len() } else { limit };
    Cut { shown: &list[..shown], rest: list.len() - shown }
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
