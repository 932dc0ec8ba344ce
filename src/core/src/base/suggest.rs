//! "Did you mean": the known name closest to a mistyped one.

/// The candidate closest to `name`, if one is close enough to be a misspelling.
#[must_use]
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
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

fn distance(left: &str, right: &str) -> usize {
    strsim::damerau_levenshtein(&left.to_lowercase(), &right.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        let names = ["model_name", "model_type", "tasks"];
        assert_eq!(closest("modle_name", names), Some("model_name"));
        assert_eq!(closest("Tasks", names), Some("tasks"));
        assert_eq!(closest("zzz", names), None);
    }
}
