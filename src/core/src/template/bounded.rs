//! Replacements for Tera's filters and functions whose results can be far larger than their inputs: they spend the
//! rendering's budget before they allocate. Their results equal those of Tera's own; a test compares them.

use std::collections::HashMap;
use std::sync::Arc;

use tera::value::Key;
use tera::{Error, Kwargs, Map, State, StringInput, Tera, TeraResult, Value};

use super::budget::{spend, spend_bytes, weigh};

/// The widest indentation that Tera's `indent` allows.
const WIDEST_INDENT: usize = 1000;

/// Replaces Tera's implementations.
pub(super) fn register(tera: &mut Tera) {
    tera.register_function("range", range);
    tera.register_filter("replace", replace);
    tera.register_filter("indent", indent);
    tera.register_filter("join", join);
    tera.register_filter("truncate", truncate);
    tera.register_filter("unique", unique);
    tera.register_filter("group_by", group_by);
}

/// Counts up or down.
#[expect(clippy::needless_pass_by_value, reason = "Tera hands a function its arguments by value")]
fn range(arguments: Kwargs, _: &State<'_>) -> TeraResult<Vec<i64>> {
    let start = arguments.get::<i64>("start")?.unwrap_or_default();
    let end = arguments.must_get::<i64>("end")?;
    let step = arguments.get::<i64>("step_by")?.unwrap_or(1);
    if step == 0 {
        return Err(Error::message("`range` needs a `step_by` other than 0"));
    }
    let distance = if step > 0 { i128::from(end) - i128::from(start) } else { i128::from(start) - i128::from(end) };
    let step_size = i128::from(step.unsigned_abs());
    if distance <= 0 {
        return Ok(Vec::new());
    }
    let len = (distance + step_size - 1) / step_size;
    spend(u64::try_from(len).unwrap_or(u64::MAX))?;
    let step_by = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    Ok(if step > 0 {
        (start..end).step_by(step_by).collect()
    } else {
        (end + 1..=start).rev().step_by(step_by).collect()
    })
}

#[expect(clippy::needless_pass_by_value, reason = "Tera hands a filter its arguments by value")]
fn replace(text: StringInput<'_>, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let text = text.as_str();
    let from = arguments.must_get::<&str>("from")?;
    let to = arguments.must_get::<&str>("to")?;
    spend_bytes(text.len())?;
    let found = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() };
    spend_bytes(found.saturating_mul(to.len()))?;
    Ok(text.replace(from, to))
}

#[expect(clippy::needless_pass_by_value, reason = "Tera hands a filter its arguments by value")]
fn indent(text: StringInput<'_>, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let text = text.as_str();
    let width = arguments.get::<usize>("width")?.unwrap_or(4).min(WIDEST_INDENT);
    let indentation = arguments.get::<&str>("indentation")?.unwrap_or(" ");
    let first = arguments.get::<bool>("first")?.unwrap_or(false);
    let blank = arguments.get::<bool>("blank")?.unwrap_or(false);
    if indentation.chars().count() != 1 {
        return Err(Error::message("The `indentation` argument must contain exactly one character"));
    }
    let indentation = indentation.repeat(width);
    spend_bytes(text.len())?;
    spend_bytes(text.lines().count().saturating_mul(indentation.len()))?;
    let mut indented = String::with_capacity(text.len());
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            indented.push('\n');
        }
        let is_indented = if number == 0 { first } else { blank || !line.is_empty() };
        if is_indented {
            indented.push_str(&indentation);
        }
        indented.push_str(line);
    }
    if text.ends_with('\n') {
        indented.push('\n');
    }
    Ok(indented)
}

#[expect(clippy::needless_pass_by_value, reason = "Tera hands a filter its arguments by value")]
fn join(elements: &[Value], arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let separator = arguments.get::<&str>("sep")?.unwrap_or_default();
    elements.iter().try_for_each(|element| weigh(element, 1))?;
    spend_bytes(elements.len().saturating_mul(separator.len().saturating_add(1)))?;
    Ok(elements.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator))
}

#[expect(clippy::needless_pass_by_value, reason = "Tera hands a filter its arguments by value")]
fn truncate(text: &str, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let length = arguments.must_get::<usize>("length")?;
    let end = arguments.get::<&str>("end")?.unwrap_or("…");
    spend_bytes(text.len().saturating_add(end.len()))?;
    Ok(match text.char_indices().nth(length) {
        Some((at, _)) => [&text[..at], end].concat(),
        None => text.to_owned(),
    })
}

/// Quadratic, like Tera's own: some values cannot be hashed.
fn unique(elements: &[Value], _: Kwargs, _: &State<'_>) -> TeraResult<Vec<Value>> {
    let mut kept: Vec<Value> = Vec::new();
    for element in elements {
        weigh(element, u64::try_from(kept.len()).unwrap_or(u64::MAX) + 1)?;
        spend(1 + u64::try_from(kept.len()).unwrap_or(u64::MAX) / 8)?;
        if !kept.contains(element) {
            kept.push(element.clone());
        }
    }
    Ok(kept)
}

/// Tera's own returns the groups in hash map order, which differs from run to run; here they keep the order of their
/// first elements.
#[expect(clippy::needless_pass_by_value, reason = "Tera hands a filter its arguments by value")]
fn group_by(elements: &[Value], arguments: Kwargs, _: &State<'_>) -> TeraResult<Map> {
    let attribute = arguments.must_get::<&str>("attribute")?;
    let mut groups: Vec<(Key<'static>, Vec<Value>)> = Vec::new();
    let mut numbers: HashMap<Key<'static>, usize> = HashMap::new();
    for (index, element) in elements.iter().enumerate() {
        spend(1)?;
        let Some(value) = element.get_from_path(attribute) else {
            return Err(Error::message(format!(
                "Value at index {index} (a {}) does not have an attribute at path: {attribute}",
                element.name()
            )));
        };
        if value.is_none() {
            continue;
        }
        let key = key(value)?;
        let number = *numbers.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[number].1.push(element.clone());
    }
    Ok(groups.into_iter().map(|(key, elements)| (key, elements.into())).collect())
}

/// A value as the key of a map.
fn key(value: &Value) -> TeraResult<Key<'static>> {
    let number = || value.as_i64().map(Key::I64).or_else(|| value.as_u64().map(Key::U64));
    let text = || value.as_str().map(|text| Key::String(Arc::from(text)));
    let known = value.as_bool().map(Key::Bool).or_else(text).or_else(|| number().filter(|_| !value.is_f64()));
    known.ok_or_else(|| Error::message("Not a valid key type"))
}

#[cfg(test)]
mod tests {
    use tera::Context;

    use super::*;
    use crate::template::budget::with_budget;

    fn render(tera: &Tera, template: &str) -> String {
        let mut tera = tera.clone();
        tera.autoescape_on(Vec::<&str>::new());
        tera.add_raw_template("t", template).unwrap();
        let rendered = with_budget(None, || tera.render("t", &Context::new())).0;
        rendered.unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn what_they_return_is_what_teras_own_return() {
        let mut ours = Tera::default();
        register(&mut ours);
        for call in [
            "range(end=3)",
            "range(start=2, end=9, step_by=3)",
            "range(start=5, end=0, step_by=-2)",
            "'aXbX' | replace(from='X', to='--')",
            "'ab' | replace(from='', to='-')",
            "1 | replace(from='a', to='b')",
            "'a\nb\n\nc\n' | indent",
            "'a\nb\n\nc' | indent(width=2, indentation='\t', first=true, blank=true)",
            "'a' | indent(indentation='ab')",
            "'' | indent(first=true)",
            "[1, 'a', 2.5, [true]] | join(sep=', ')",
            "['a', 'b'] | join",
            "'héllo' | truncate(length=2)",
            "'héllo' | truncate(length=5, end='…')",
            "'héllo' | truncate(length=1, end='')",
            "[1, 2, 1, 'a', 'a', 1.0] | unique",
            "[] | unique",
            "[{'k': 'x', 'v': 1}, {'k': 'x', 'v': 2}] | group_by(attribute='k')",
            "[{'k': 1}, {'k': none}] | group_by(attribute='k')",
            "[{'k': [1]}] | group_by(attribute='k')",
            "[{'k': 1}] | group_by(attribute='j')",
        ] {
            let template = format!("{{{{ {call} }}}}");
            assert_eq!(render(&ours, &template), render(&Tera::default(), &template), "{call}");
        }
    }

    #[test]
    fn a_range_that_leads_away_from_its_end_is_empty() {
        let mut tera = Tera::default();
        register(&mut tera);
        for call in ["range(end=9223372036854775807, step_by=-1)", "range(end=-9223372036854775807)", "range(end=0)"] {
            assert_eq!(render(&tera, &format!("{{{{ {call} }}}}")), "[]", "{call}");
        }
    }

    #[test]
    fn groups_come_in_the_order_of_their_first_elements() {
        let mut tera = Tera::default();
        register(&mut tera);
        let elements: Vec<String> = (0..20).map(|number| format!("{{'k': 'k{number}'}}")).collect();
        let template = format!("{{{{ [{}] | group_by(attribute='k') | keys | join(sep=' ') }}}}", elements.join(", "));
        let expected: Vec<String> = (0..20).map(|number| format!("k{number}")).collect();
        assert_eq!(render(&tera, &template), expected.join(" "));
    }
}
