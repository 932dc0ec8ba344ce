//! The page of the documentation that lists every key of the configuration.
//!
//! It is generated from the table of keys; only the text on where a configuration is found is written by hand.

use super::keys::{self, Key, Kind, Omitted};
use crate::model::hardware::HardwareType;

const HEAD: &str = "\
<!-- Generated from the table of keys in src/core/src/config/keys.rs; edit it there. -->

# Configuration

cargo-tgen reads the first of these:

1. `tgen.toml`, in the current folder or the nearest one above it. Its folder is the project's root.
2. `[tool.tgen]` in the `pyproject.toml` of the current folder or the nearest one above it that has the table. Its folder is the
   project's root. `[[suite]]` is written `[[tool.tgen.suite]]`.
3. `[package.metadata.tgen]` of the current package, else `[workspace.metadata.tgen]` of its workspace, in a `Cargo.toml`
   that cargo finds. Its folder is the project's root. The keys are those of `tgen.toml`: `[[suite]]` is written
   `[[workspace.metadata.tgen.suite]]`.
4. None of these: one suite that renders the sample models with the built-in templates, over which the folder `templates` is laid
   where there is one. The current folder is the root.

`cargo tgen init` writes a `tgen.toml` to start from. Unknown keys are errors. `schema/tgen.schema.json` is the JSON schema
of the file; an editor with a TOML plugin uses it when the first line is `#:schema <path or address of the schema>`.

Paths are relative to the project's root.

In a Rust workspace, cargo's own options choose: `--manifest-path` begins at that manifest instead of the current folder,
`-p`/`--package` takes the projects of single packages, and `--workspace` those of the workspace's root and of every
package that has one. One folder is one project: a `tgen.toml` wins over the tables of the `Cargo.toml` beside it, and a
package's table over the workspace's, with a warning.

";

/// The page, as Markdown with a final newline.
#[must_use]
pub fn configuration_markdown() -> String {
    let sections = [
        ("Top of the file", keys::TOP),
        ("`[models.\"name\"]`", keys::MODEL),
        ("`[[suite]]`", keys::SUITE),
        ("A table that selects models", keys::SELECTOR),
    ];
    let sections: Vec<String> = sections.iter().map(|(title, keys)| section(title, keys)).collect();
    format!("{HEAD}{}", sections.join("\n"))
}

fn section(title: &str, keys: &[Key]) -> String {
    let entries: Vec<String> = keys.iter().map(entry).collect();
    format!("## {title}\n\n{}", entries.join("\n"))
}

fn entry(key: &Key) -> String {
    format!(
        "### `{}`\n\n{}\n\n- Type: {}.\n- Left out: {}.\n\n```toml\n{}\n```\n",
        key.name,
        key.doc,
        type_text(key.kind),
        omitted_text(key.omitted),
        example(key)
    )
}

fn type_text(kind: Kind) -> String {
    let text = match kind {
        Kind::Path => "a path, as a string",
        Kind::OutputPath => "a string: a path with placeholders, relative and without `..`",
        Kind::Number => "a number above 0",
        Kind::Count => "an integer of at least 1",
        Kind::Counts => "a list of different integers of at least 1",
        Kind::HardwareTypes => return format!("a list of different hardware types: {}", hardware_names()),
        Kind::ModelTables(_) => "a table for each model, written `[models.\"name\"]`; its keys are below",
        Kind::Tables(_) => "a list of tables, each written `[[suite]]`; their keys are below",
        Kind::Text | Kind::Texts | Kind::Templates | Kind::Models | Kind::Placeholders => kind.phrase(),
    };
    text.to_owned()
}

fn hardware_names() -> String {
    let names: Vec<_> = HardwareType::ALL.iter().map(|hardware| format!("`{hardware}`")).collect();
    names.join(", ")
}

fn omitted_text(omitted: Omitted) -> String {
    match omitted {
        Omitted::IsAProblem => "an error".to_owned(),
        Omitted::IsTheValue(value) => format!("`{value}`"),
        Omitted::Means(meaning) => meaning.to_owned(),
    }
}

/// An example in the form that users write: a table below its header, with its required keys.
fn example(key: &Key) -> String {
    match key.kind {
        Kind::Tables(keys) => {
            let required = keys.iter().filter(|key| key.omitted == Omitted::IsAProblem);
            format!("[[{}]]\n{}", key.name, required.map(line).collect::<Vec<_>>().join("\n"))
        }
        Kind::ModelTables(keys) => {
            format!("[{}.\"bert-base-uncased\"]\n{}", key.name, keys.iter().take(1).map(line).collect::<String>())
        }
        _ => line(key),
    }
}

fn line(key: &Key) -> String {
    format!("{} = {}", key.name, key.example)
}

#[cfg(test)]
mod tests {
    use camino::Utf8Path;

    use super::*;
    use crate::config::{Origin, read};

    const HOW_TO_RENEW: &str = "renew it: `cargo run -p tgen-core --example config -- docs > docs/configuration.md`";

    #[test]
    fn the_committed_page_is_current() {
        let committed = include_str!("../../../../docs/configuration.md");
        assert!(
            committed.replace('\r', "") == configuration_markdown(),
            "docs/configuration.md is stale; {HOW_TO_RENEW}"
        );
    }

    #[test]
    fn the_page_names_every_key_and_hardware_type() {
        let page = configuration_markdown();
        for key in [keys::TOP, keys::MODEL, keys::SUITE].into_iter().flatten() {
            assert!(page.contains(&format!("### `{}`", key.name)), "{}", key.name);
        }
        assert!(HardwareType::ALL.iter().all(|hardware| page.contains(&format!("`{hardware}`"))));
    }

    #[test]
    fn every_example_of_the_top_of_the_file_is_read_as_it_stands() {
        let section = section("Top", keys::TOP);
        let examples: Vec<_> = section.split("```toml").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(examples.len(), keys::TOP.len());
        for example in examples {
            assert_eq!(read(example, Utf8Path::new("tgen.toml"), Origin::TgenToml).err(), None, "{example}");
        }
    }
}
