//! Edits of the outputs of one model, or of one suite, as a template of its own. This module must not know how the
//! template's text is put together.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::overrides::Overriding;
use super::search::{EditReach, Search};
use super::{Adoption, ChangedFile, EditedOutput, LeftBlock, LeftBlockReason, OutputText, files};
use crate::base::problem::Problem;
use crate::config::TemplateSource;
use crate::plan::case::Case;
use crate::plan::{Plan, PlannedOutput, Subject, SuiteIndex};
use crate::template::compiled::{Compiled, compile};
use crate::template::renderer::Renderer;
use crate::template::{Dialect, TemplateName};

/// The outputs that get one template of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Owner {
    suite: usize,
    /// None where the template is for the whole suite.
    model: Option<usize>,
    /// The template that they have now.
    template: usize,
}

/// Turns edits of outputs into templates of their models' or suites' own, and leaves all others as they are.
///
/// # Errors
/// The problem that keeps one of the outputs from being rendered.
pub(super) fn in_own_templates(
    plan: &Plan<'_>,
    edited: &[EditedOutput],
    reach: EditReach,
) -> Result<Adoption, Problem> {
    let mut of_owners: BTreeMap<Owner, Vec<EditedOutput>> = BTreeMap::new();
    let mut all = Adoption::default();
    for edited in edited {
        let Some(output) = plan.outputs.get(edited.output) else { continue };
        match owner(output, reach) {
            Some(owner) => of_owners.entry(owner).or_default().push(edited.clone()),
            None => add(&mut all, left(plan, std::slice::from_ref(edited), &LeftBlockReason::NoModel)?),
        }
    }
    for edited in of_owners.values() {
        let adoption = adopt_for_owner(plan, edited, reach)?;
        // Where two suites name one template, the second change of it is refused.
        let is_taken = |file: &ChangedFile| all.files.iter().any(|other| other.path == file.path);
        let is_contradiction = adoption.files.iter().any(is_taken);
        add(&mut all, if is_contradiction { left(plan, edited, &LeftBlockReason::Unproven)? } else { adoption });
    }
    Ok(all)
}

fn owner(output: &PlannedOutput, reach: EditReach) -> Option<Owner> {
    let Subject::Case { suite, model, .. } = output.subject else { return None };
    let model = (reach == EditReach::OneModel).then(|| model.into());
    Some(Owner { suite: suite.into(), model, template: output.template.into() })
}

fn add(all: &mut Adoption, adoption: Adoption) {
    all.files.extend(adoption.files);
    all.adopted.extend(adoption.adopted);
    all.joined.extend(adoption.joined);
    all.partly.extend(adoption.partly);
    all.left.extend(adoption.left);
}

/// Edits of outputs that have one owner.
fn adopt_for_owner(plan: &Plan<'_>, edited: &[EditedOutput], reach: EditReach) -> Result<Adoption, Problem> {
    let Some(output) = edited.first().map(|edited| &plan.outputs[edited.output]) else {
        return Ok(Adoption::default());
    };
    let name = match own_template(plan, output, reach) {
        Ok(name) => name,
        Err(reason) => return left(plan, edited, &reason),
    };
    let found = Search::new(plan, edited, reach)?.run();
    if found.edits.is_empty() {
        return Ok(found.adoption);
    }
    let library = &plan.project.library;
    let mut with_edits = library.clone();
    let mut changed = BTreeSet::new();
    for (template, text) in found.edits.texts(library) {
        let path = library.path_of(&template).map(Utf8Path::to_owned).unwrap_or_default();
        with_edits.add(template.clone(), path, &text);
        changed.insert(template);
    }
    let base = plan.templates[output.template].name.clone();
    let overriding = Overriding { library, edited: with_edits, changed, base, name: name.clone() };
    let proven = overriding.texts().into_iter().find(|text| renders(plan, &found.rendered, &name, text));
    let Some(text) = proven else { return left(plan, edited, &LeftBlockReason::Unproven) };
    let before = library.source(&name).map(|source| source.text.clone()).unwrap_or_default();
    let file = ChangedFile { path: files::own_path(plan.project, &name), before, text };
    Ok(Adoption { files: vec![file], ..found.adoption })
}

/// Whether a template renders outputs with these texts.
fn renders(plan: &Plan<'_>, wanted: &[OutputText], name: &TemplateName, text: &str) -> bool {
    let mut library = plan.project.library.clone();
    library.add(name.clone(), files::own_path(plan.project, name), text);
    let Ok(compiled) = compile(&library, name) else { return false };
    wanted.iter().all(|wanted| {
        let case = Case { template: Some(name), ..plan.case(&plan.outputs[wanted.output]) };
        let mut rendered = Vec::new();
        Renderer::of(&compiled).render(&case, &mut rendered).is_ok() && rendered == wanted.text.as_bytes()
    })
}

/// The template that is the owner's own, or would be if it existed: the suite takes it before the one it takes now.
fn own_template(plan: &Plan<'_>, output: &PlannedOutput, reach: EditReach) -> Result<TemplateName, LeftBlockReason> {
    let Some(suite) = output.suite() else { return Err(LeftBlockReason::NoModel) };
    let suite_name = plan.suites[suite].suite.name.value.clone();
    let TemplateSource::Files(patterns) = &plan.suites[suite].suite.template else {
        return Err(LeftBlockReason::Registered);
    };
    let current = &plan.templates[output.template].name;
    if let Some(reason) = files::no_own_folder(plan.project) {
        return Err(reason);
    }
    for pattern in patterns {
        let Ok(pattern) = Compiled::inline("a template of a suite", &pattern.value) else { continue };
        let Some(name) = expanded(&pattern, &plan.case(output)) else { continue };
        let is_own = || match reach {
            EditReach::OneSuite => is_suites_own(plan, output, &pattern, &name),
            EditReach::OneModel | EditReach::AllModels => {
                let others = of_suite(plan, suite).filter(|other| !is_same_model(other, output));
                others.map(|other| expanded(&pattern, &plan.case(other))).all(|other| other.as_ref() != Some(&name))
            }
        };
        let can_be_taken = name == *current || !plan.project.library.contains(&name);
        if can_be_taken && is_own() {
            return Ok(name);
        }
        if name == *current {
            break;
        }
    }
    let extension = if current.dialect() == Dialect::Tera { ".py.tera" } else { ".py" };
    Err(match reach {
        EditReach::OneSuite => {
            let pattern = format!("suites/{suite_name}{extension}");
            LeftBlockReason::NoSuiteTemplate { suite: suite_name, pattern }
        }
        EditReach::OneModel | EditReach::AllModels => {
            let pattern = format!("models/{{{{ normalized_name }}}}{extension}");
            LeftBlockReason::NoModelTemplate { suite: suite_name, pattern }
        }
    })
}

/// Whether a template is used, or would be, by all outputs of a suite that have the template of `output`, and by no other.
fn is_suites_own(plan: &Plan<'_>, output: &PlannedOutput, pattern: &Compiled, name: &TemplateName) -> bool {
    let Some(suite) = output.suite() else { return false };
    let has_it = |other: &PlannedOutput| expanded(pattern, &plan.case(other)).as_ref() == Some(name);
    let uses_it = |other: &PlannedOutput| plan.templates[other.template].closure.contains(name);
    of_suite(plan, suite).all(|other| has_it(other) == (other.template == output.template))
        && plan.outputs.iter().filter(|other| other.suite() != Some(suite)).all(|other| !uses_it(other))
}

fn of_suite<'p>(plan: &'p Plan<'_>, suite: SuiteIndex) -> impl Iterator<Item = &'p PlannedOutput> {
    plan.outputs.iter().filter(move |output| output.suite() == Some(suite))
}

fn expanded(pattern: &Compiled, case: &Case<'_>) -> Option<TemplateName> {
    let mut name = Vec::new();
    Renderer::of(pattern).render(&Case { template: None, ..*case }, &mut name).ok()?;
    String::from_utf8(name).ok().map(TemplateName::new)
}

fn is_same_model(left: &PlannedOutput, right: &PlannedOutput) -> bool {
    match (left.subject, right.subject) {
        (Subject::Case { model: left, .. }, Subject::Case { model: right, .. }) => left == right,
        _ => false,
    }
}

/// All differences of outputs, which stay for one reason.
fn left(plan: &Plan<'_>, edited: &[EditedOutput], reason: &LeftBlockReason) -> Result<Adoption, Problem> {
    let found = Search::new(plan, edited, EditReach::OneModel)?.without_edits();
    let left = found.left.into_iter().map(|left| LeftBlock { reason: reason.clone(), ..left }).collect();
    Ok(Adoption { left, ..found })
}
