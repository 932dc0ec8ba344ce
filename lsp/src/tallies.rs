//! The last counts of outputs by state, for the templates whose lenses the client shows. `checker` does the counting.

use std::collections::BTreeMap;

use tgen_core::ide::outputs::Tally;
use tower_lsp::ls_types::Uri;

/// The counters at the time of a count: edits, and changes of outputs on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The number of edits.
    pub(crate) edits: u64,
    /// The number of changes of outputs on disk.
    pub(crate) changes: u64,
}

/// The counts by template; `None` if the client has asked and nothing was counted yet.
#[derive(Debug, Default)]
pub(crate) struct Tallies(BTreeMap<Uri, Option<(Seen, Tally)>>);

impl Tallies {
    /// The last count. From now on, it is kept up to date.
    pub(crate) fn ask(&mut self, uri: &Uri) -> Option<Tally> {
        self.0.entry(uri.clone()).or_default().as_ref().map(|(_, tally)| tally.clone())
    }

    /// The documents whose count is out of date.
    pub(crate) fn due(&self, seen: Seen) -> Vec<Uri> {
        let is_due = |counted: &Option<(Seen, Tally)>| counted.as_ref().is_none_or(|(at, _)| *at != seen);
        self.0.iter().filter(|(_, counted)| is_due(counted)).map(|(uri, _)| uri.clone()).collect()
    }

    /// Records a count; returns whether it differs from the last one.
    pub(crate) fn counted(&mut self, uri: &Uri, seen: Seen, tally: Tally) -> bool {
        // A document that was closed meanwhile needs no count.
        let Some(known) = self.0.get_mut(uri) else { return false };
        let is_news = known.as_ref().is_none_or(|(_, before)| *before != tally);
        *known = Some((seen, tally));
        is_news
    }

    /// Removes a closed document.
    pub(crate) fn forget(&mut self, uri: &Uri) {
        self.0.remove(uri);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_counted_again_after_a_change_and_news_only_when_it_differs() {
        let uri: Uri = "file:///t.tera".parse().unwrap();
        let [before, after] = [0, 1].map(|changes| Seen { edits: 1, changes });
        let tally = Tally { broken: 1, ..Tally::default() };
        let mut tallies = Tallies::default();
        assert_eq!(tallies.due(before), []);
        assert_eq!(tallies.ask(&uri), None);
        assert_eq!(tallies.due(before), std::slice::from_ref(&uri));
        assert!(tallies.counted(&uri, before, tally.clone()));
        assert_eq!((tallies.due(before), tallies.due(after)), (vec![], vec![uri.clone()]));
        assert!(!tallies.counted(&uri, after, tally.clone()));
        assert_eq!(tallies.ask(&uri), Some(tally.clone()));
        tallies.forget(&uri);
        assert!(!tallies.counted(&uri, after, tally));
    }
}
