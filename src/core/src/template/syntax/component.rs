//! Components: their definitions and their calls, by the rules of Tera 2.4.
//!
//! This file and `expression.rs` depend on each other, because a call is an expression and its attributes hold
//! expressions.

use super::cursor::{Cursor, is_boolean};
use super::expression::{expression, string};
use super::tree::{Attribute, ComponentCall, Definition, Expr, ExprKind, Literal, Parameter, ParameterSource, Unary};
use crate::template::scan::TokenKind;

/// The types that a parameter can have, in lower case; Tera ignores case.
pub const PARAMETER_TYPES: [&str; 8] = ["string", "bool", "integer", "float", "number", "array", "map", "bytes"];

/// `<name attributes />`, as a value.
pub(super) fn inline_call(cursor: &mut Cursor<'_>) -> Expr {
    let start = cursor.next().start;
    let call = name_and_attributes(cursor);
    if cursor.peek() == ">" {
        let help = "write `{% <name> %}…{% </name> %}` for a component with content, or end it with `/>`";
        cursor.fail("a component with content must be a tag".to_owned(), Some(help));
    }
    cursor.expect("/");
    cursor.expect(">");
    Expr { span: start..cursor.last_end(), kind: ExprKind::Component(call) }
}

/// `<name attributes>`, after the `<`, as a tag.
pub(super) fn tag_call(cursor: &mut Cursor<'_>) -> ComponentCall {
    let call = name_and_attributes(cursor);
    if cursor.peek() == "/" {
        let help = "write `{{ <name /> }}` for a component without content";
        cursor.fail("a component in a tag has content".to_owned(), Some(help));
    }
    cursor.expect(">");
    call
}

fn name_and_attributes(cursor: &mut Cursor<'_>) -> ComponentCall {
    let name = cursor.expect_dotted_name("a component's name");
    let mut attributes = Vec::new();
    while cursor.is_name() || cursor.peek() == "{" {
        attributes.push(attribute(cursor));
    }
    ComponentCall { name, attributes }
}

fn attribute(cursor: &mut Cursor<'_>) -> Attribute {
    if cursor.eat("{") {
        cursor.expect("...");
        let value = expression(cursor);
        cursor.expect("}");
        return Attribute::Spread(value);
    }
    let name = cursor.next();
    if !cursor.eat("=") {
        return Attribute::Named { value: Expr { span: name.clone(), kind: ExprKind::Name }, name };
    }
    let value = match cursor.kind() {
        Some(TokenKind::Str) => string(cursor),
        _ if cursor.eat("{") => {
            let value = expression(cursor);
            cursor.expect("}");
            value
        }
        _ => {
            cursor.fail_expecting("a string or `{value}`");
            Expr::missing(cursor.last_end())
        }
    };
    Attribute::Named { name, value }
}

/// `name(parameters) {metadata}`
pub(super) fn definition(cursor: &mut Cursor<'_>) -> Definition {
    let name = cursor.expect_dotted_name("a component's name");
    cursor.expect("(");
    let mut definition = Definition { name, parameters: Vec::new(), rest: None };
    while !cursor.is_at_end() && cursor.peek() != ")" {
        if !definition.parameters.is_empty() {
            cursor.expect(",");
            if cursor.peek() == ")" {
                break;
            }
        }
        if cursor.eat("...") {
            definition.rest = rest(cursor, &definition);
            break;
        }
        definition.parameters.extend(parameter(cursor, &definition));
    }
    cursor.expect(")");
    if cursor.peek() == "{" {
        constant(cursor, "the metadata of a component");
    }
    definition
}

fn rest(cursor: &mut Cursor<'_>, before: &Definition) -> Option<super::tree::Span> {
    let name = parameter_name(cursor, before)?;
    if !cursor.is_at_end() && cursor.peek() != ")" {
        cursor.fail("the parameter that takes the rest must be the last".to_owned(), None);
    }
    Some(name)
}

fn parameter_name(cursor: &mut Cursor<'_>, before: &Definition) -> Option<super::tree::Span> {
    let name = cursor.expect_name("a parameter's name")?;
    let word = &cursor.source[name.clone()];
    if word == "body" {
        cursor.fail_at(name.clone(), "`body` is the content of a component and no parameter".to_owned(), None);
    } else if before.parameters.iter().any(|other| &cursor.source[other.name.clone()] == word) {
        cursor.fail_at(name.clone(), format!("the parameter `{word}` stands here twice"), None);
    }
    Some(name)
}

fn parameter(cursor: &mut Cursor<'_>, before: &Definition) -> Option<Parameter> {
    let source = if cursor.eat("@") { ParameterSource::Surroundings } else { ParameterSource::Attribute };
    let name = parameter_name(cursor, before)?;
    let mut parameter = Parameter { name, source, kind: None, default: None };
    if cursor.eat(":") {
        parameter.kind = kind(cursor);
    }
    if cursor.eat("=") {
        parameter.default = Some(default(cursor, &parameter));
    }
    Some(parameter)
}

fn kind(cursor: &mut Cursor<'_>) -> Option<super::tree::Span> {
    let kind = cursor.expect_name("a type")?;
    let word = &cursor.source[kind.clone()];
    if !PARAMETER_TYPES.contains(&word.to_lowercase().as_str()) {
        let help = format!("there is `{}`", PARAMETER_TYPES.join("`, `"));
        cursor.fail_at(kind.clone(), format!("there is no type `{word}`"), Some(&help));
    }
    Some(kind)
}

fn default(cursor: &mut Cursor<'_>, parameter: &Parameter) -> Expr {
    let value = constant(cursor, "the default of a parameter");
    let kind = parameter.kind.clone().map(|kind| cursor.source[kind].to_lowercase());
    if let (Some(kind), Some(found)) = (kind, type_of(&value))
        && kind != found
        && !(kind == "number" && matches!(found, "integer" | "float"))
    {
        cursor.fail_at(value.span.clone(), format!("the default is of type `{found}` and not `{kind}`"), None);
    }
    value
}

/// A constant, where Tera allows no computed value: a literal, signed or not, or a list or map of constants.
fn constant(cursor: &mut Cursor<'_>, what: &str) -> Expr {
    let is_literal = matches!(cursor.kind(), Some(TokenKind::Str | TokenKind::Number))
        || is_boolean(cursor.peek())
        || matches!(cursor.peek(), "none" | "None" | "null" | "[" | "{");
    let is_signed = cursor.peek() == "-" && cursor.kind_at(1) == Some(TokenKind::Number);
    if !is_literal && !is_signed {
        cursor.fail_expecting("a literal");
        return Expr::missing(cursor.last_end());
    }
    let value = super::expression::constant(cursor);
    if !value.is_constant() {
        cursor.fail_at(value.span.clone(), format!("{what} may contain only literals"), None);
    }
    value
}

/// The type of a constant, as parameters name it; `None` for `none`, which fits every type.
fn type_of(value: &Expr) -> Option<&'static str> {
    match &value.kind {
        ExprKind::Literal(Literal::String) => Some("string"),
        ExprKind::Literal(Literal::Integer) => Some("integer"),
        ExprKind::Literal(Literal::Float) => Some("float"),
        ExprKind::Literal(Literal::Boolean) => Some("bool"),
        ExprKind::Unary { operator: Unary::Minus, of } => type_of(of),
        ExprKind::List(_) => Some("array"),
        ExprKind::Map(_) => Some("map"),
        _ => None,
    }
}
