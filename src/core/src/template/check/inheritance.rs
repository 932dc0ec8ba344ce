//! Checks `extends`, `include` and blocks: missing templates, cycles, and blocks that override nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use indexmap::IndexSet;

use super::checked::Checked;
use crate::base::problem::{Code, Problem, Related};
use crate::base::suggest::KnownNames;
use crate::template::TemplateName;
use crate::template::analysis::{Block, BlockPosition, Reference};
use crate::template::closure::MAX_LEVELS;

pub(super) fn problems(checked: &Checked<'_, '_>) -> Vec<Problem> {
    let builds_on = &checked.analysis().builds_on;
    let mut problems: Vec<_> = builds_on.iter().filter_map(|reference| broken_link(checked, reference)).collect();
    problems.extend(blocks_that_override_nothing(checked));
    problems.extend(components_that_stand_twice(checked));
    problems
}

fn broken_link(checked: &Checked<'_, '_>, reference: &Reference) -> Option<Problem> {
    let target = TemplateName::new(&reference.name);
    match checked.library.source(&target) {
        Ok(_) => circle(checked, reference, &target),
        Err(problem) if problem.code == Code::MissingTemplate => {
            let broken = checked.error(Code::BrokenInheritance, &reference.span, problem.message);
            Some(Problem { help: problem.help, ..broken })
        }
        Err(problem) => {
            let related = Related {
                path: problem.path.clone().unwrap_or_default(),
                range: problem.range,
                message: "this is the template".to_owned(),
            };
            Some(checked.error(problem.code, &reference.span, problem.message).related(related))
        }
    }
}

/// A cycle from `target` back to the template, through `extends` only or `include` only.
fn circle(checked: &Checked<'_, '_>, reference: &Reference, target: &TemplateName) -> Option<Problem> {
    let is_parent = checked.analysis().extends.as_ref().is_some_and(|extends| extends.span == reference.span);
    let link = if is_parent { Link::Extends } else { Link::Includes };
    let chain = way_back(checked, link, target)?;
    let shown: Vec<_> = chain.iter().map(|name| format!("`{name}`")).collect();
    let message = match shown.as_slice() {
        [_] => format!("{} {} itself", shown[0], link.verb()),
        _ => format!("`{}` {} itself: {}", checked.name, link.verb(), shown.join(", which leads to ")),
    };
    Some(checked.error(Code::BrokenInheritance, &reference.span, message).help("remove one of them to break the cycle"))
}

/// How one template builds on another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Extends,
    Includes,
}

impl Link {
    const fn verb(self) -> &'static str {
        match self {
            Self::Extends => "extends",
            Self::Includes => "includes",
        }
    }
}

/// The templates from `target` to the checked one, both included, if there is such a chain. Templates cannot be
/// rendered if they are nested more than [`MAX_LEVELS`] deep, so longer chains are not searched.
fn way_back(checked: &Checked<'_, '_>, link: Link, target: &TemplateName) -> Option<Vec<TemplateName>> {
    let mut came_from: HashMap<TemplateName, Option<TemplateName>> = HashMap::from([(target.clone(), None)]);
    let mut level = vec![target.clone()];
    for _ in 0..MAX_LEVELS {
        if level.contains(checked.name) {
            let mut way: Vec<_> =
                std::iter::successors(Some(checked.name.clone()), |name| came_from.get(name).cloned().flatten())
                    .collect();
            way.reverse();
            return Some(way);
        }
        let mut next_level = Vec::new();
        for name in level {
            for next in linked(checked, link, &name) {
                if let Entry::Vacant(new) = came_from.entry(next.clone()) {
                    new.insert(Some(name.clone()));
                    next_level.push(next);
                }
            }
        }
        level = next_level;
    }
    None
}

fn linked(checked: &Checked<'_, '_>, link: Link, name: &TemplateName) -> Vec<TemplateName> {
    let Ok(source) = checked.library.source(name) else { return Vec::new() };
    let analysis = source.analysis();
    let parent = analysis.extends.as_ref().map(|extends| &extends.span);
    let is_of_link = |reference: &&Reference| (Some(&reference.span) == parent) == (link == Link::Extends);
    analysis.builds_on.iter().filter(is_of_link).map(|reference| TemplateName::new(&reference.name)).collect()
}

fn blocks_that_override_nothing(checked: &Checked<'_, '_>) -> Vec<Problem> {
    let outermost = checked.analysis().blocks.iter().filter(|block| block.position == BlockPosition::Outermost);
    let mut unknown: Vec<&Block> = outermost.collect();
    let mut known = IndexSet::new();
    let mut nearest = None;
    for parent in checked.library.each_parent(checked.name) {
        if unknown.is_empty() {
            break;
        }
        // The blocks of an unreadable parent are unknown, and its error is reported elsewhere.
        let Ok(source) = checked.library.source(&parent) else { return Vec::new() };
        known.extend(source.analysis().blocks.iter().map(|block| block.name.as_str()));
        unknown.retain(|block| !known.contains(block.name.as_str()));
        nearest.get_or_insert(parent);
    }
    let Some(nearest) = nearest.filter(|_| !unknown.is_empty()) else { return Vec::new() };
    let names = KnownNames::of(known.into_iter());
    let problem = |block: &Block| {
        let message = format!("the block `{}` overrides nothing: `{nearest}` has none of that name", block.name);
        let help = names.did_you_mean(&block.name);
        let help = help.unwrap_or_else(|| "remove it, or define the block in the parent".to_owned());
        checked.error(Code::UnknownBlock, &block.span, message).help(help)
    };
    unknown.into_iter().map(problem).collect()
}

/// Tera rejects two components with one name in the templates of one rendering.
fn components_that_stand_twice(checked: &Checked<'_, '_>) -> Vec<Problem> {
    if checked.analysis().defines.is_empty() {
        return Vec::new();
    }
    let builds_on = checked.library.closure(checked.name);
    let others =
        builds_on.iter().filter(|name| *name != checked.name).filter_map(|name| checked.library.source(name).ok());
    let definitions = others.flat_map(|source| source.analysis().defines.iter().map(move |found| (source, found)));
    let defined: HashMap<&str, _> = definitions.map(|(source, found)| (found.name.as_str(), (source, found))).collect();
    let twice = |own: &Reference| {
        let (source, other) = defined.get(own.name.as_str())?;
        let related = Related {
            path: source.path.clone(),
            range: Some(source.range(&other.span)),
            message: "the other one is here".to_owned(),
        };
        let message = format!("the component `{}` is defined in `{}` as well", own.name, source.path);
        Some(
            checked
                .error(Code::BrokenInheritance, &own.span, message)
                .help("give one of the two another name")
                .related(related),
        )
    };
    checked.analysis().defines.iter().filter_map(twice).collect()
}
