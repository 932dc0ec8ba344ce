//! Updates the list of model types that ran, by release of transformers, in `templates/tgen_support/verified.toml`.
//!
//! The tests use it to distinguish a broken type from an unknown one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};

use crate::test::root;

const HEAD: &str = "\
# The model types that ran REAL for at least one task, by release of transformers.
# Written by `cargo xtask coverage`.
";
const WIDTH: usize = 100;

/// Sets the types of a release.
pub(crate) fn add<'a>(release: &str, types: impl Iterator<Item = &'a str>) -> Result<()> {
    let path = root().join("templates/tgen_support/verified.toml");
    let text = std::fs::read_to_string(&path).context("there is no list of model types that ran")?;
    std::fs::write(path, with(&text, release, types)?).context("cannot write the list of model types that ran")
}

fn with<'a>(text: &str, release: &str, types: impl Iterator<Item = &'a str>) -> Result<String> {
    let mut releases: BTreeMap<String, Vec<String>> =
        toml::from_str(text).context("the list of model types that ran is no TOML")?;
    releases.insert(release.to_owned(), types.map(str::to_owned).collect());
    let mut written = HEAD.to_owned();
    for (release, types) in releases {
        let _ = writeln!(written, "\"{release}\" = [");
        let mut line = " ".to_owned();
        for name in types {
            let item = format!(" \"{name}\",");
            if line.len() + item.len() > WIDTH {
                let _ = writeln!(written, "{line}");
                " ".clone_into(&mut line);
            }
            line.push_str(&item);
        }
        let _ = writeln!(written, "{line}\n]");
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_takes_the_place_of_its_earlier_list() {
        let text = with("\"5.1\" = [\"a\"]\n\"5.2\" = [\"old\"]", "5.2", ["a", "b"].into_iter()).unwrap();
        assert_eq!(text, format!("{HEAD}\"5.1\" = [\n  \"a\",\n]\n\"5.2\" = [\n  \"a\", \"b\",\n]\n"));
    }
}
