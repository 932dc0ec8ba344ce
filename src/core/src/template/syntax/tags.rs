//! Parses one tag: its keyword selects the rule for the rest. This module must not know how tags nest.

use super::component;
use super::cursor::Cursor;
use super::expression::{applied, bound_name, expression, loop_header, string};
use super::tree::{Applied, Assignment, ElementKind, ExprKind, Literal, SetReach, Span};

/// The keywords of tags, in the order in which an editor offers them.
pub const TAGS: [&str; 12] = [
    "if",
    "for",
    "set",
    "block",
    "include",
    "extends",
    "filter",
    "component",
    "raw",
    "set_global",
    "break",
    "continue",
];

/// Parses a whole tag.
pub(super) fn tag(cursor: &mut Cursor<'_>) -> ElementKind {
    let kind = first_word(cursor);
    if !cursor.is_at_end() && cursor.fault.is_none() {
        cursor.fail_expecting("the end of the tag");
    }
    kind
}

fn first_word(cursor: &mut Cursor<'_>) -> ElementKind {
    let word = cursor.peek();
    let first = cursor.next();
    match word {
        "extends" => ElementKind::Extends(template_name(cursor)),
        "include" => include(cursor),
        "set" => set(cursor, SetReach::Local),
        "set_global" => set(cursor, SetReach::Global),
        "for" => ElementKind::For(loop_header(cursor, 0)),
        "if" => ElementKind::If(expression(cursor)),
        "elif" => ElementKind::Elif(expression(cursor)),
        "else" => ElementKind::Else,
        "block" => ElementKind::Block(cursor.expect_name("a block's name")),
        "filter" => ElementKind::Filter(filters(cursor)),
        "component" => ElementKind::Component(component::definition(cursor)),
        "break" => ElementKind::Break,
        "continue" => ElementKind::Continue,
        "<" => ElementKind::ComponentBody(component::tag_call(cursor)),
        "</" => component_end(cursor),
        "endblock" => ElementKind::End(cursor.is_name().then(|| cursor.next())),
        "endcomponent" if cursor.is_name() => ElementKind::End(cursor.expect_dotted_name("a component's name")),
        "endif" | "endfor" | "endset" | "endfilter" | "endcomponent" => ElementKind::End(None),
        "raw" if cursor.is_at_end() => {
            cursor.fail_at(first, "this raw block is never closed".to_owned(), Some("close it with `{% endraw %}`"));
            ElementKind::Unknown
        }
        _ => unknown(cursor, word, first),
    }
}

fn unknown(cursor: &mut Cursor<'_>, word: &str, at: Span) -> ElementKind {
    let message = match word {
        "" => "a tag's name is missing here".to_owned(),
        "endraw" => "`endraw` closes nothing".to_owned(),
        word => format!("there is no tag `{word}`"),
    };
    let of_tera1 = match word {
        "macro" => Some(
            "Tera 2 has components: `{% component name(a, b=1) %}…{% endcomponent %}`, called as `{{ <name a={x} /> }}`",
        ),
        "endmacro" => Some("Tera 2 has components: `{% endcomponent %}`"),
        "import" => Some("remove it: in Tera 2, a component is found in whichever template defines it"),
        _ => None,
    };
    let similar = crate::base::suggest::closest(word, TAGS).map(|tag| format!("did you mean `{tag}`?"));
    cursor.fail_at(at, message, of_tera1.or(similar.as_deref()));
    ElementKind::Unknown
}

fn include(cursor: &mut Cursor<'_>) -> ElementKind {
    let name = template_name(cursor);
    if cursor.peek() == "ignore" && cursor.fault.is_none() {
        let help = "take it out: in Tera 2, an included template must exist";
        cursor.fail("Tera 2 has no `ignore missing`".to_owned(), Some(help));
    }
    ElementKind::Include(name)
}

fn template_name(cursor: &mut Cursor<'_>) -> Option<Span> {
    if cursor.peek() == "[" {
        let help = "name one; a suite's `template` may list several, of which the first that exists is rendered";
        cursor.fail("Tera 2 takes one template here, not a list".to_owned(), Some(help));
        return None;
    }
    if !cursor.peek().starts_with(['"', '\'', '`']) {
        cursor.fail_expecting("a template's name in quotes");
        return None;
    }
    let name = string(cursor);
    let is_whole = name.kind == ExprKind::Literal(Literal::String) && name.span.len() >= 2;
    is_whole.then(|| name.span.start + 1..name.span.end - 1)
}

fn set(cursor: &mut Cursor<'_>, reach: SetReach) -> ElementKind {
    let assignment = Assignment { name: bound_name(cursor, "a name"), reach };
    if cursor.eat("=") {
        return ElementKind::Set(assignment, expression(cursor));
    }
    let mut filters = Vec::new();
    while cursor.eat("|") {
        filters.push(applied(cursor, "a filter's name"));
    }
    if !cursor.is_at_end() {
        cursor.fail_expecting("`=` and a value");
    }
    ElementKind::SetBlock(assignment, filters)
}

fn filters(cursor: &mut Cursor<'_>) -> Vec<Applied> {
    let mut filters = vec![applied(cursor, "a filter's name")];
    while cursor.eat("|") {
        filters.push(applied(cursor, "a filter's name"));
    }
    filters
}

fn component_end(cursor: &mut Cursor<'_>) -> ElementKind {
    let name = cursor.expect_dotted_name("a component's name");
    cursor.expect(">");
    ElementKind::End(name)
}
