//! Templates that build on others: what is missing, what leads back to itself, and blocks that override nothing.

use super::Checked;
use crate::base::problem::{Code, Problem, Related};
use crate::base::suggest::did_you_mean;
use crate::template::TemplateName;
use crate::template::analysis::{BlockPosition, Reference};

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

/// A way from `target` back to the template, by templates that it extends or by templates that it includes.
fn circle(checked: &Checked<'_, '_>, reference: &Reference, target: &TemplateName) -> Option<Problem> {
    let is_parent = checked.analysis().extends.as_ref().is_some_and(|extends| extends.span == reference.span);
    let link = if is_parent { Link::Extends } else { Link::Includes };
    let chain = way_back(checked, link, target)?;
    let shown: Vec<_> = chain.iter().map(|name| format!("`{name}`")).collect();
    let message = match shown.as_slice() {
        [_] => format!("{} {} itself", shown[0], link.verb()),
        _ => format!("`{}` {} itself: {}", checked.name, link.verb(), shown.join(", which leads to ")),
    };
    Some(checked.error(Code::BrokenInheritance, &reference.span, message).help("take one of them out of the circle"))
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

/// The templates from `target` to the checked one, both included, where there is such a way.
fn way_back(checked: &Checked<'_, '_>, link: Link, target: &TemplateName) -> Option<Vec<TemplateName>> {
    let mut ways = vec![vec![target.clone()]];
    let mut seen = vec![target.clone()];
    while let Some(way) = ways.pop() {
        let last = way.last()?;
        if last == checked.name {
            return Some(way);
        }
        for next in linked(checked, link, last) {
            if !seen.contains(&next) {
                seen.push(next.clone());
                ways.push(way.iter().cloned().chain([next]).collect());
            }
        }
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
    let parents = checked.library.parents(checked.name);
    let Some(parent) = parents.first() else { return Vec::new() };
    // What a parent that cannot be read has is not known; that it cannot be read is said already.
    let Ok(sources) = parents.iter().map(|parent| checked.library.source(parent)).collect::<Result<Vec<_>, _>>() else {
        return Vec::new();
    };
    let known: Vec<&str> =
        sources.iter().flat_map(|source| &source.analysis().blocks).map(|block| block.name.as_str()).collect();
    let outermost = checked.analysis().blocks.iter().filter(|block| block.position == BlockPosition::Outermost);
    let unknown = outermost.filter(|block| !known.contains(&block.name.as_str()));
    unknown
        .map(|block| {
            let message = format!("the block `{}` overrides nothing: `{parent}` has none of that name", block.name);
            let problem = checked.error(Code::UnknownBlock, &block.span, message);
            match did_you_mean(&block.name, known.iter().copied()) {
                Some(help) => problem.help(help),
                None => problem.help("remove it, or define the block in the parent"),
            }
        })
        .collect()
}

/// Tera takes no two components of one name in the templates of one rendering.
fn components_that_stand_twice(checked: &Checked<'_, '_>) -> Vec<Problem> {
    let builds_on = checked.library.closure(checked.name);
    let others =
        builds_on.iter().filter(|name| *name != checked.name).filter_map(|name| checked.library.source(name).ok());
    let defined: Vec<_> =
        others.flat_map(|source| source.analysis().defines.iter().map(move |found| (source, found))).collect();
    let twice = |own: &Reference| {
        let (source, other) = defined.iter().find(|(_, other)| other.name == own.name)?;
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
