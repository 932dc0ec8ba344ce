//! The outputs that a template is part of, and the state of each.
//!
//! All outputs are rendered and their files read, which can take seconds, so the caller decides when. Formatters are
//! not run.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use typed_index_collections::TiVec;

use super::View;
use crate::base::files::Files;
use crate::base::problem::{Code, Problem};
use crate::output::signature;
use crate::output::state::State;
use crate::plan::{Plan, PlannedOutput, TemplateIndex};
use crate::rendering::comparison::judge_each;
use crate::template::TemplateName;

/// How many outputs are compared between two calls of `go_on`.
const BATCH: usize = 256;

/// What is known about the outputs of a template without rendering them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The number of outputs that use it, including those that its errors prevent.
    pub outputs: usize,
    /// The model of the previewed case; `None` if no case uses the template.
    pub model: Option<String>,
    /// The suites that it is rendered for.
    pub suites: Vec<String>,
}

/// An output that a template is part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateOutput {
    /// Its path.
    pub path: Utf8PathBuf,
    /// Its model, or its support template.
    pub subject: String,
    /// Its state.
    pub standing: Standing,
}

/// What is known about the state of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is in this state.
    Known(State),
    /// Unknown without running the suite's formatter.
    Unformatted,
    /// It cannot be rendered.
    Broken(Problem),
}

/// The number of outputs by standing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// By state.
    pub states: BTreeMap<State, usize>,
    /// Unknown without a formatter.
    pub unformatted: usize,
    /// Cannot be rendered.
    pub broken: usize,
}

/// The summary for the template at a path, without rendering; `None` if there is no template.
#[must_use]
pub fn summary(view: &View<'_>, path: &Utf8Path) -> Option<Summary> {
    let name = view.template(path)?.name;
    Some(Summary {
        outputs: view.count_outputs(&name),
        model: view.shown_case(&name).and_then(|case| case.model).map(|model| model.name.as_str().to_owned()),
        suites: view.suites(&name).into_iter().map(str::to_owned).collect(),
    })
}

/// The outputs that use the template at a path, in the order of the plan, then those that errors prevent. `None` if
/// `go_on` returned false.
#[must_use]
pub fn outputs(plan: &Plan<'_>, path: &Utf8Path, go_on: &dyn Fn() -> bool) -> Option<Vec<TemplateOutput>> {
    let name = plan.project.template_name(path)?;
    let is_part: TiVec<TemplateIndex, bool> =
        plan.templates.iter().map(|template| template.closure.contains(&name)).collect();
    let outputs: Vec<_> = plan.outputs.iter().filter(|output| is_part[output.template]).cloned().collect();
    let mut found = Vec::with_capacity(outputs.len());
    for batch in outputs.chunks(BATCH) {
        if !go_on() {
            return None;
        }
        found.extend(judged(plan, batch));
    }
    found.extend(left_out(plan, &name));
    Some(found)
}

/// Counts the outputs that use the template at a path. `None` if `go_on` returned false.
#[must_use]
pub fn tally(plan: &Plan<'_>, path: &Utf8Path, go_on: &dyn Fn() -> bool) -> Option<Tally> {
    let mut tally = Tally::default();
    for output in outputs(plan, path, go_on)? {
        match output.standing {
            Standing::Known(state) => *tally.states.entry(state).or_default() += 1,
            Standing::Unformatted => tally.unformatted += 1,
            Standing::Broken(_) => tally.broken += 1,
        }
    }
    Some(tally)
}

/// The cases of a template that have no output because of errors, each with the first of these errors.
fn left_out(plan: &Plan<'_>, name: &TemplateName) -> Vec<TemplateOutput> {
    let mut reasons: BTreeMap<&TemplateName, Option<Problem>> = BTreeMap::new();
    let mut found = Vec::new();
    for case in &plan.left_out {
        let reason = reasons.entry(&case.template).or_insert_with(|| {
            let members = plan.project.library.rendered_with(&case.template);
            members.contains(name).then(|| first_error(plan, &members))
        });
        if let Some(problem) = reason.clone() {
            let path = plan.root.join(case.path.as_path());
            let subject = plan.name_of(case.subject, &case.template);
            found.push(TemplateOutput { path, subject, standing: Standing::Broken(problem) });
        }
    }
    found
}

/// The first error of templates that are rendered together.
fn first_error(plan: &Plan<'_>, members: &BTreeSet<TemplateName>) -> Problem {
    let paths: Vec<_> = members.iter().filter_map(|member| plan.project.library.path_of(member)).collect();
    let is_of_members =
        |problem: &&Problem| problem.is_error() && problem.path.as_deref().is_some_and(|path| paths.contains(&path));
    plan.problems.iter().find(is_of_members).cloned().unwrap_or_else(|| {
        Problem::error(Code::TemplateSyntax, "an error of the configuration keeps it from being planned")
    })
}

fn judged(plan: &Plan<'_>, outputs: &[PlannedOutput]) -> Vec<TemplateOutput> {
    let no_formatter = |_: &PlannedOutput, _: &mut Vec<u8>| Err(io::ErrorKind::Unsupported.into());
    judge_each(plan, outputs, &no_formatter, |_, output, judged| {
        let path = plan.location(output);
        let standing = match judged {
            _ if plan.formatter(output).is_some() => unformatted(plan.project.files, &path),
            Ok(judged) => Standing::Known(judged.state),
            Err(problem) => Standing::Broken(problem),
        };
        TemplateOutput { path, subject: plan.subject_name(output), standing }
    })
}

/// The state of an output of a suite with a formatter, as far as the file alone shows it.
pub(super) fn unformatted(files: &dyn Files, path: &Utf8Path) -> Standing {
    let mut existing = Vec::new();
    match files.read_into(path, &mut existing) {
        Ok(()) => match signature::find(&existing) {
            Some(signature) if signature.intact => Standing::Unformatted,
            Some(_) => Standing::Known(State::Edited),
            None => Standing::Known(State::Foreign),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Standing::Known(State::Missing),
        Err(_) => Standing::Unformatted,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use insta::assert_snapshot;

    use super::*;
    use crate::ide::fixture::{CONFIG, with_cursor};
    use crate::project::request::Request;

    /// The summary of the template at the cursor, and the standing of each of its outputs.
    fn check(fixture: &str) -> String {
        with_cursor(fixture, |view, path, _| {
            let Summary { outputs, model, suites } = summary(view, path).unwrap();
            let model = model.unwrap_or_else(|| "no model".to_owned());
            let mut shown = format!("{outputs} outputs, {model}, suites {suites:?}\n");
            let plan = Plan::new(view.project, &Request::default());
            for output in super::outputs(&plan, path, &|| true).unwrap() {
                let standing = match &output.standing {
                    Standing::Known(state) => state.name(),
                    Standing::Unformatted => "unformatted",
                    Standing::Broken(problem) => &problem.message,
                };
                writeln!(shown, "{} {}: {standing}", output.subject, output.path).unwrap();
            }
            let tally = tally(&plan, path, &|| true).unwrap();
            writeln!(shown, "{:?}, {} unformatted, {} broken", tally.states, tally.unformatted, tally.broken).unwrap();
            shown
        })
    }

    /// The text of `bert`'s output with its signature.
    fn generated(template: &str) -> String {
        with_cursor(template, |view, path, _| crate::ide::preview::preview(view, path).unwrap().text)
    }

    #[test]
    fn each_output_is_held_against_its_file() {
        let template = "x = {{ model_name | py_str }}$0";
        let (fresh, stale) = (generated(template), generated("x = 0"));
        let files = format!(
            "-- out/test_bert.py --\n{fresh}-- out/test_vit.py --\n{stale}-- out/test_llava.py --\n{stale}# mine\n"
        );
        assert_snapshot!(check(&format!("{files}-- templates/t.py.tera --\n{template}\n")), @r#"
        4 outputs, bert, suites ["s"]
        bert out/test_bert.py: fresh
        llava out/test_llava.py: edited
        vit out/test_vit.py: stale
        whisper out/test_whisper.py: missing
        {Fresh: 1, Missing: 1, Stale: 1, Edited: 1}, 0 unformatted, 0 broken
        "#);
    }

    #[test]
    fn what_is_built_on_is_part_of_the_outputs() {
        let library = "-- templates/t.py.tera --\n{% include \"part.tera\" %}{{ <line text=\"x\" /> }}\n";
        let parts = "-- templates/part.tera --\n# part$0\n-- templates/lines.tera --\n{% component line(text) %}# {{ text }}{% endcomponent %}\n";
        let by_name = check(&format!("{library}{parts}"));
        let by_component =
            check(&format!("{library}{}", parts.replace("$0", "").replace("endcomponent %}", "endcomponent %}$0")));
        assert_eq!(by_name, by_component);
        assert_snapshot!(by_name, @r#"
        4 outputs, bert, suites ["s"]
        bert out/test_bert.py: missing
        llava out/test_llava.py: missing
        vit out/test_vit.py: missing
        whisper out/test_whisper.py: missing
        {Missing: 4}, 0 unformatted, 0 broken
        "#);
        assert_snapshot!(check(&format!("{library}{}-- templates/lost.tera --\n$0\n", parts.replace("$0", ""))), @"
        0 outputs, no model, suites []
        {}, 0 unformatted, 0 broken
        ");
    }

    #[test]
    fn an_error_keeps_outputs_from_being_told() {
        assert_snapshot!(check("{{ nothing$0 }}"), @r#"
        4 outputs, bert, suites ["s"]
        bert out/test_bert.py: there is no placeholder `nothing`
        llava out/test_llava.py: there is no placeholder `nothing`
        vit out/test_vit.py: there is no placeholder `nothing`
        whisper out/test_whisper.py: there is no placeholder `nothing`
        {}, 0 unformatted, 4 broken
        "#);
        assert_snapshot!(check("x = (\n$0"), @r#"
        4 outputs, bert, suites ["s"]
        bert out/test_bert.py: the rendered file is not valid Python: unexpected EOF while parsing, in ``
        llava out/test_llava.py: the rendered file is not valid Python: unexpected EOF while parsing, in ``
        vit out/test_vit.py: the rendered file is not valid Python: unexpected EOF while parsing, in ``
        whisper out/test_whisper.py: the rendered file is not valid Python: unexpected EOF while parsing, in ``
        {}, 0 unformatted, 4 broken
        "#);
    }

    #[test]
    fn of_a_formatted_output_the_file_alone_tells() {
        let config = CONFIG.replace("models = \"all\"", "models = \"all\"\nformat = [\"ruff\", \"format\"]");
        let stale = generated("x = 0");
        let files = format!(
            "-- out/test_bert.py --\n{stale}-- out/test_vit.py --\n{stale}# mine\n-- out/test_llava.py --\nx\n"
        );
        assert_snapshot!(check(&format!("{config}{files}-- templates/t.py.tera --\nx = 1$0\n")), @r#"
        4 outputs, bert, suites ["s"]
        bert out/test_bert.py: unformatted
        llava out/test_llava.py: foreign
        vit out/test_vit.py: edited
        whisper out/test_whisper.py: missing
        {Missing: 1, Edited: 1, Foreign: 1}, 1 unformatted, 0 broken
        "#);
    }

    #[test]
    fn counting_stops_when_it_is_told_to() {
        with_cursor("$0", |view, path, _| {
            let plan = Plan::new(view.project, &Request::default());
            assert_eq!(tally(&plan, path, &|| false), None);
        });
    }
}
