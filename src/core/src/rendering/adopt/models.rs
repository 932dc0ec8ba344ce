//! Edits of one model's outputs as a template of that model's own.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::overrides::Overriding;
use super::search::{Reach, Search};
use super::{Adoption, ChangedFile, EditedOutput, LeftBlock, OutputText, Reason, files};
use crate::base::problem::Problem;
use crate::config::TemplateSource;
use crate::plan::case::Case;
use crate::plan::{Plan, PlannedOutput, Subject};
use crate::template::compiled::{Compiled, compile};
use crate::template::renderer::Renderer;
use crate::template::{Dialect, TemplateName};

/// Leads the edits of outputs back to templates of their models' own, and leaves all other models as they are.
///
/// # Errors
/// The problem that keeps one of the outputs from being rendered.
pub(super) fn in_own_templates(plan: &Plan<'_>, edited: &[EditedOutput]) -> Result<Adoption, Problem> {
    let mut of_models: BTreeMap<(usize, usize), Vec<EditedOutput>> = BTreeMap::new();
    let mut all = Adoption::default();
    for edited in edited {
        match plan.outputs.get(edited.output).map(|output| output.subject) {
            Some(Subject::Case { suite, model, .. }) => {
                of_models.entry((suite.into(), model.into())).or_default().push(edited.clone());
            }
            Some(Subject::Support) => add(&mut all, left(plan, std::slice::from_ref(edited), &Reason::NoModel)?),
            None => {}
        }
    }
    for edited in of_models.values() {
        add(&mut all, adopt_for_model(plan, edited)?);
    }
    Ok(all)
}

fn add(all: &mut Adoption, adoption: Adoption) {
    all.files.extend(adoption.files);
    all.adopted.extend(adoption.adopted);
    all.joined.extend(adoption.joined);
    all.partly.extend(adoption.partly);
    all.left.extend(adoption.left);
}

/// Edits of the outputs of one model in one suite.
fn adopt_for_model(plan: &Plan<'_>, edited: &[EditedOutput]) -> Result<Adoption, Problem> {
    let Some(output) = edited.first().map(|edited| &plan.outputs[edited.output]) else {
        return Ok(Adoption::default());
    };
    let name = match own_template(plan, output) {
        Ok(name) => name,
        Err(reason) => return left(plan, edited, &reason),
    };
    let found = Search::new(plan, edited, Reach::OneModel)?.run();
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
    let Some(text) = proven else { return left(plan, edited, &Reason::Unproven) };
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

/// The template that is the model's own, or would be if it existed: the suite takes it before the one it takes now.
fn own_template(plan: &Plan<'_>, output: &PlannedOutput) -> Result<TemplateName, Reason> {
    let Some(suite) = output.suite() else { return Err(Reason::NoModel) };
    let suite_name = plan.suites[suite].suite.name.value.clone();
    let TemplateSource::Files(patterns) = &plan.suites[suite].suite.template else { return Err(Reason::Registered) };
    let current = &plan.templates[output.template].name;
    if let Some(reason) = files::no_own_folder(plan.project) {
        return Err(reason);
    }
    for pattern in patterns {
        let Ok(pattern) = Compiled::inline("a template of a suite", &pattern.value) else { continue };
        let Some(name) = expanded(&pattern, &plan.case(output)) else { continue };
        let is_models_own = || {
            let others =
                plan.outputs.iter().filter(|other| other.suite() == Some(suite) && !is_same_model(other, output));
            others.map(|other| expanded(&pattern, &plan.case(other))).all(|other| other.as_ref() != Some(&name))
        };
        let can_be_taken = name == *current || !plan.project.library.contains(&name);
        if can_be_taken && is_models_own() {
            return Ok(name);
        }
        if name == *current {
            break;
        }
    }
    let extension = if current.dialect() == Dialect::Tera { ".py.tera" } else { ".py" };
    Err(Reason::NoModelTemplate { suite: suite_name, pattern: format!("models/{{{{ normalized_name }}}}{extension}") })
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
fn left(plan: &Plan<'_>, edited: &[EditedOutput], reason: &Reason) -> Result<Adoption, Problem> {
    let found = Search::new(plan, edited, Reach::OneModel)?.without_edits();
    let left = found.left.into_iter().map(|left| LeftBlock { reason: reason.clone(), ..left }).collect();
    Ok(Adoption { left, ..found })
}
