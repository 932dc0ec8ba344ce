//! "Did you mean": the known name closest to a mistyped one.

/// The candidate closest to `name`, if one is close enough to be a misspelling.
#[must_use]
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let allowed = (name.chars().count() / 3).max(1);
    let letters = Letters::of(&name);
    let distance = |candidate: &'a str| {
        let folded = candidate.to_lowercase();
        // Computing the distance takes a table of all pairs of letters, and a cheap lower bound rules most candidates
        // out.
        let may_be_close = letters.least_distance(&Letters::of(&folded)) <= allowed;
        may_be_close.then(|| (strsim::damerau_levenshtein(&name, &folded), candidate))
    };
    let close = candidates.into_iter().filter_map(distance).filter(|(distance, _)| *distance <= allowed);
    close.min().map(|(_, candidate)| candidate)
}

/// A count for each letter, hashed into a few slots; a collision can only make two words look closer than they are.
struct Letters {
    counts: [u16; Self::PLACES],
    length: usize,
}

impl Letters {
    const PLACES: usize = 32;

    fn of(word: &str) -> Self {
        let mut letters = Self { counts: [0; Self::PLACES], length: 0 };
        for letter in word.chars() {
            let count = &mut letters.counts[letter as usize % Self::PLACES];
            *count = count.saturating_add(1);
            letters.length += 1;
        }
        letters
    }

    /// A lower bound of the edit distance: each edit removes at most one difference between the counts.
    fn least_distance(&self, other: &Self) -> usize {
        let shared: usize =
            self.counts.iter().zip(&other.counts).map(|(left, right)| usize::from(*left.min(right))).sum();
        self.length.max(other.length).saturating_sub(shared)
    }
}

/// `did you mean `x`?`, or the list of all candidates if none is close and there are at most 30.
#[must_use]
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(candidate) = closest(name, candidates.clone()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let all: Vec<String> = candidates.into_iter().map(|candidate| format!("`{candidate}`")).collect();
    (1..=30).contains(&all.len()).then(|| format!("there is {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let names = ["model_name", "model_type", "tasks"];
        assert_eq!(closest("modle_name", names), Some("model_name"));
        assert_eq!(closest("Tasks", names), Some("tasks"));
        assert_eq!(closest("zzz", names), None);
    }

    proptest! {
        #[test]
        fn the_least_distance_is_never_more_than_the_distance(left in "[a-eä\u{10000}]{0,9}", right in "[a-eä]{0,9}") {
            let least = Letters::of(&left).least_distance(&Letters::of(&right));
            prop_assert!(least <= strsim::damerau_levenshtein(&left, &right));
        }
    }
}
