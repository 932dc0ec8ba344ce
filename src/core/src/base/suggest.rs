//! "Did you mean": the known name closest to a mistyped one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// Remembers the answers of [`closest`] among candidates that never change, because an editor asks for the same names after
/// each edit.
#[derive(Debug, Default)]
pub struct RememberedNames(Mutex<HashMap<String, Option<String>>>);

impl RememberedNames {
    /// More names than these are not remembered at once.
    const MOST: usize = 10_000;

    /// See [`closest`]; the candidates must be the same in each call.
    pub fn closest<'a>(&self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
        if let Some(answer) = self.known().get(name) {
            return answer.clone();
        }
        let answer = closest(name, candidates).map(str::to_owned);
        let mut known = self.known();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(name.to_owned(), answer.clone());
        drop(known);
        answer
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

/// Known names that many mistyped ones are compared with.
///
/// Comparing each with each takes hours where there are tens of thousands of both. Above [`Self::FEW`], only the names
/// that differ in one letter, or in two that changed places, are found; they are looked up.
#[derive(Debug, Clone)]
pub struct KnownNames {
    names: Vec<String>,
    /// The hash of each name, and of it without one of its letters, with the name's number; sorted.
    shortened: Vec<(u64, u32)>,
}

impl KnownNames {
    /// Up to so many names, all are compared.
    const FEW: usize = 1_000;
    /// Longer names, in bytes, are only found if they are written right but for the case.
    const LONGEST: usize = 120;

    /// These names.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<String> = names.map(str::to_owned).collect();
        let mut shortened = Vec::new();
        if names.len() > Self::FEW {
            for (number, name) in (0_u32..).zip(&names) {
                shortened.extend(Self::hashes(name).map(|hash| (hash, number)));
            }
            shortened.sort_unstable();
        }
        Self { names, shortened }
    }

    /// See [`did_you_mean`].
    #[must_use]
    pub fn did_you_mean(&self, name: &str) -> Option<String> {
        if self.names.len() <= Self::FEW {
            return did_you_mean(name, self.names.iter().map(String::as_str));
        }
        let candidates = Self::hashes(name).flat_map(|hash| {
            let first = self.shortened.partition_point(|(known, _)| *known < hash);
            self.shortened[first..].iter().take_while(move |(known, _)| *known == hash)
        });
        let closest = closest(name, candidates.map(|(_, number)| self.names[*number as usize].as_str()));
        closest.map(|candidate| format!("did you mean `{candidate}`?"))
    }

    /// The hashes of a name, and of it without each of its letters. Names that are one edit apart share one of them.
    fn hashes(name: &str) -> impl Iterator<Item = u64> {
        let name = name.to_lowercase();
        let letters: Vec<_> = name.char_indices().map(|(start, letter)| (start, start + letter.len_utf8())).collect();
        let is_short = name.len() <= Self::LONGEST;
        let without = letters.into_iter().filter(move |_| is_short);
        std::iter::once((0, 0)).chain(without).map(move |(start, end)| {
            let mut hasher = DefaultHasher::new();
            hasher.write(&name.as_bytes()[..start]);
            hasher.write(&name.as_bytes()[end..]);
            hasher.finish()
        })
    }
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

    #[test]
    fn what_is_remembered_is_the_first_answer() {
        let remembered = RememberedNames::default();
        for name in ["modle_name", "zzz", "modle_name", "zzz"] {
            let names = ["model_name", "tasks"];
            assert_eq!(remembered.closest(name, names).as_deref(), closest(name, names), "{name}");
        }
    }

    #[test]
    fn among_many_names_one_edit_is_found() {
        let names: Vec<String> = (0..2_000).map(|at| format!("models/Name_{at}.py")).collect();
        let known = KnownNames::of(names.iter().map(String::as_str));
        for mistyped in
            ["models/name_77.py", "models/nam_77.py", "models/naame_77.py", "modles/name_77.py", "models/nüme_77.py"]
        {
            assert_eq!(known.did_you_mean(mistyped).unwrap(), "did you mean `models/Name_77.py`?", "{mistyped}");
        }
        assert_eq!(known.did_you_mean("else/nothing_77.py"), None);
        assert_eq!(known.did_you_mean(&"x".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn the_least_distance_is_never_more_than_the_distance(left in "[a-eä\u{10000}]{0,9}", right in "[a-eä]{0,9}") {
            let least = Letters::of(&left).least_distance(&Letters::of(&right));
            prop_assert!(least <= strsim::damerau_levenshtein(&left, &right));
        }
    }
}
