//! Placeholders in the form of another template language, in a template that has none in its own: they are written as text.

use super::checked::Checked;
use crate::base::problem::{Code, Problem};
use crate::template::Dialect;
use crate::template::syntax::tree::{ElementKind, Span};
use crate::template::vocabulary;

/// The first built-in placeholder that is text.
pub(super) fn problem(checked: &Checked<'_, '_>) -> Option<Problem> {
    if has_placeholder(checked) {
        return None;
    }
    let Literal { span, name } = first_literal(&checked.source.text)?;
    let literal = checked.source.slice(&span);
    let message = format!("`{literal}` is text: this template has no placeholder");
    let help = match checked.source.dialect() {
        Dialect::Dollar => format!("write `${{{name}}}`, or name the template `*.tera` and write `{{{{ {name} }}}}`"),
        Dialect::Tera if literal.starts_with("${") => {
            format!("write `{{{{ {name} }}}}`, or take `.tera` off the template's name")
        }
        Dialect::Tera => format!("write `{{{{ {name} }}}}`"),
    };
    Some(checked.warning(Code::LiteralPlaceholder, &span, message).help(help))
}

fn first_literal(text: &str) -> Option<Literal<'_>> {
    // Python puts the values in where an f-string has braces.
    let has_long_f_string = ["f\"\"\"", "f'''", "F\"\"\"", "F'''"].iter().any(|quote| text.contains(quote));
    let mut start = 0;
    text.split_inclusive('\n').find_map(|line| {
        let offset = start;
        start += line.len();
        let is_python = has_long_f_string || has_f_string(line);
        let signs = memchr::memchr3_iter(b'{', b'$', b'%', line.as_bytes());
        let mut found = signs.filter(|at| !is_part_of_another(line, *at)).filter_map(|at| literal_at(line, at));
        let is_placeholder = |found: &Literal<'_>| {
            vocabulary::entry(found.name).is_some() && !(is_python && line[found.span.start..].starts_with('{'))
        };
        let Literal { span, name } = found.find(is_placeholder)?;
        Some(Literal { span: span.start + offset..span.end + offset, name })
    })
}

fn has_f_string(line: &str) -> bool {
    let mut quotes = line.match_indices(['"', '\'']);
    quotes.any(|(quote, _)| {
        let letters = line[..quote].bytes().rev().take(3).take_while(u8::is_ascii_alphabetic).count();
        matches!(&*line[quote - letters..quote].to_ascii_lowercase(), "f" | "rf" | "fr")
    })
}

/// Whether the template has a placeholder, or a tag, in its own dialect.
fn has_placeholder(checked: &Checked<'_, '_>) -> bool {
    let is_text = |kind: &ElementKind| matches!(kind, ElementKind::Text | ElementKind::Comment);
    match checked.source.dialect() {
        Dialect::Dollar => !checked.analysis().uses.is_empty() || !checked.analysis().broken.is_empty(),
        Dialect::Tera => !checked.source.tree().elements.iter().all(|element| is_text(&element.kind)),
    }
}

/// A name with what marks it as a placeholder.
struct Literal<'t> {
    span: Span,
    name: &'t str,
}

/// Of `{{`, `${` and `$$` only the first sign begins a placeholder; `$${` means a literal `${`.
fn is_part_of_another(text: &str, at: usize) -> bool {
    text[..at].ends_with(['{', '$'])
}

/// `{name}`, `{{ name }}`, `${name}`, `$(name)`, `$name` or `%(name)s` at an offset.
fn literal_at(text: &str, at: usize) -> Option<Literal<'_>> {
    let rest = &text[at..];
    let (opening, closing) = match rest {
        _ if rest.starts_with("{{") => ("{{", "}}"),
        _ if rest.starts_with('{') => ("{", "}"),
        _ if rest.starts_with("${") => ("${", "}"),
        _ if rest.starts_with("$(") => ("$(", ")"),
        _ if rest.starts_with("%(") => ("%(", ")s"),
        _ if rest.starts_with('$') => ("$", ""),
        _ => return None,
    };
    let inner = &rest[opening.len()..];
    let inner = if opening.ends_with('{') { inner.trim_start_matches(' ') } else { inner };
    let len = inner.bytes().take_while(|byte| *byte == b'_' || byte.is_ascii_alphanumeric()).count();
    let after = &inner[len..];
    let after = if opening.ends_with('{') { after.trim_start_matches(' ') } else { after };
    let end = text.len() - after.len() + closing.len();
    (len > 0 && after.starts_with(closing)).then(|| Literal { span: at..end, name: &inner[..len] })
}
