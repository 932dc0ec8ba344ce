//! Whether Tera and we agree on a template; for the tests here, and for fuzzing.

use tera::{ErrorKind, Tera};
use tgen_core::template::library::Library;
use tgen_core::template::{TemplateName, check, syntax};

/// Checks that Tera and we agree on a template, and says whether it is valid.
#[track_caller]
pub(crate) fn check(source: &str) -> bool {
    let parsed = syntax::parse(source);
    let refused = refusal(source);
    let joined: String = parsed.pieces.iter().map(|piece| &source[piece.span.clone()]).collect();
    assert_eq!(joined, source, "the pieces rejoin to their source");
    assert_eq!(parsed.pieces.len(), parsed.elements.len());
    assert_eq!(
        parsed.faults.is_empty(),
        refused.is_none(),
        "Tera says {refused:?}\nwe say {:?}\nof:\n{source}\n",
        parsed.faults
    );
    check_names(source);
    refused.is_none()
}

/// Checks that Tera and we agree on the names in a template, those of other templates included.
#[track_caller]
fn check_names(source: &str) {
    let refused = Tera::default().add_raw_template("t.tera", source).err();
    let name = TemplateName::new("t.tera");
    let seen = check::refusals(&Library::of_text(&name, source), &name);
    assert_eq!(seen.is_empty(), refused.is_none(), "Tera says {refused:?}\nwe say {seen:?}\nof:\n{source}\n");
}

/// What Tera has against the syntax of a template.
fn refusal(source: &str) -> Option<String> {
    let error = Tera::default().add_raw_template("t", source).err()?;
    matches!(error.kind(), ErrorKind::SyntaxError(_)).then(|| error.to_string())
}
