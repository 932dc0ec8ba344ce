//! Preview: the output of a template for the previewed case, including unsaved text.

use camino::{Utf8Path, Utf8PathBuf};

use super::View;
use crate::base::problem::{Code, Problem};
use crate::lint::diagnostics;
use crate::model::catalogue::Model;
use crate::output::signature::{CommentStyle, Signed};
use crate::plan::case::Case;
use crate::template::TemplateName;
use crate::template::compiled::Compiled;
use crate::template::renderer::Renderer;

/// A rendered output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text that `generate` would write, before any formatter.
    pub text: String,
    /// The path it would be written to, below the project's root.
    pub output: Utf8PathBuf,
    /// The model of its case.
    pub model: String,
}

/// Renders the template at a path for the previewed case. A template without cases is shown as part of the first
/// template with cases that builds on it.
///
/// # Errors
/// Why it cannot be rendered.
pub fn preview(view: &View<'_>, path: &Utf8Path) -> Result<Rendered, Problem> {
    let Some(template) = view.template(path) else {
        return Err(Problem::error(Code::MissingTemplate, format!("`{path}` is no template of the project")));
    };
    let Some(case) = view.shown_case(&template.name) else {
        let problem = Problem::error(Code::MissingTemplate, format!("no case uses `{}`", template.name));
        return Err(problem.help("name it in the `template` of a suite, or build on it in a template that is"));
    };
    let root = case.template.unwrap_or(&template.name);
    // A problem of the text is more helpful than the resulting rendering error.
    let fault = || diagnostics::of_file(view, path).into_iter().find(Problem::is_error);
    render(&case, root).map_err(|problem| fault().unwrap_or(problem))
}

/// The models that a template is rendered for.
#[must_use]
pub fn models<'v>(view: &View<'v>, path: &Utf8Path) -> Vec<&'v Model> {
    let cases = view.template(path).map(|template| view.case_by_model(&template.name));
    cases.unwrap_or_default().iter().filter_map(|case| case.model).collect()
}

/// The model of the previewed case of a template.
#[must_use]
pub fn shown_model<'v>(view: &View<'v>, path: &Utf8Path) -> Option<&'v Model> {
    view.shown_case(&view.template(path)?.name)?.model
}

fn render(case: &Case<'_>, name: &TemplateName) -> Result<Rendered, Problem> {
    let output = output(case)?;
    let text = signed(case, name, &output)?;
    let model = case.model.map(|model| model.name.as_str().to_owned()).unwrap_or_default();
    Ok(Rendered { text: String::from_utf8_lossy(&text).into_owned(), output, model })
}

/// The signed output of a case at a path, before any formatter.
pub(super) fn signed(case: &Case<'_>, name: &TemplateName, output: &Utf8Path) -> Result<Vec<u8>, Problem> {
    let project = case.project;
    let compiled = project.compilations.get(&project.library, name).map_err(first)?;
    let mut text = Vec::new();
    Renderer::of(&compiled).render(case, &mut text).map_err(|problem| project.library.locate(problem))?;
    let Some(style) = CommentStyle::of(output) else { return Ok(text) };
    let mut signed = Vec::new();
    Signed::new(&text, style, &case.origin()).write(&mut signed);
    Ok(signed)
}

/// The path of a case's output.
fn output(case: &Case<'_>) -> Result<Utf8PathBuf, Problem> {
    let pattern = case.suite.map_or("", |suite| suite.output.value.as_str());
    let compiled = Compiled::inline("output", pattern).map_err(first)?;
    let mut path = Vec::new();
    Renderer::of(&compiled).render(case, &mut path)?;
    Ok(Utf8PathBuf::from(String::from_utf8_lossy(&path).into_owned()))
}

/// The first problem is the one to fix first.
fn first(problems: Vec<Problem>) -> Problem {
    let fallback = || Problem::error(Code::RenderFailed, "the template has errors");
    problems.into_iter().next().unwrap_or_else(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::Preview;
    use crate::ide::fixture::with_cursor;

    #[track_caller]
    fn check(fixture: &str, model: Option<&str>, expected: &str) {
        let seen = with_cursor(fixture, |view, path, _| {
            let preview = Preview { model: model.map(str::to_owned), ..Preview::default() };
            let view = View::new(view.project, view.planned, preview);
            match super::preview(&view, path) {
                Ok(rendered) => {
                    format!("{} {}\n{}", rendered.model, rendered.output, without_signature(&rendered.text))
                }
                Err(problem) => problem.message,
            }
        });
        assert_eq!(seen.trim_end(), expected);
    }

    fn without_signature(text: &str) -> String {
        assert!(crate::output::signature::is_signed(text.as_bytes()));
        text.lines().filter(|line| !line.contains("@generated")).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_template_is_rendered_for_the_first_model_or_the_chosen_one() {
        check("NAME = {{ model_name | py_str }}$0", None, "bert out/test_bert.py\nNAME = \"bert\"");
        check("NAME = {{ model_name | py_str }}$0", Some("vit"), "vit out/test_vit.py\nNAME = \"vit\"");
        check("NAME = {{ model_name | py_str }}$0", Some("nothing"), "bert out/test_bert.py\nNAME = \"bert\"");
    }

    #[test]
    fn a_part_is_shown_in_what_includes_it() {
        let fixture = "-- templates/t.py.tera --\nbefore\n{% include \"part.tera\" %}\n-- templates/part.tera --\n{{ model_type }}$0\n";
        check(fixture, None, "bert out/test_bert.py\nbefore\nbert");
    }

    #[test]
    fn what_cannot_be_rendered_says_why() {
        check("{{ nothing }}$0", None, "there is no placeholder `nothing`");
        check("-- templates/t.py.tera --\n-- templates/lost.tera --\n$0x\n", None, "no case uses `lost.tera`");
    }
}
