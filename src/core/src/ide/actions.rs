//! Quick fixes: replace a misspelt name, quote a value, create a missing file, allow a problem. Refactorings are in
//! [`super::extract`].

use camino::{Utf8Path, Utf8PathBuf};

use super::{FileEdit, Template, TextEdit, View};
use crate::base::problem::{Code, Problem};
use crate::base::text::{Position, Range};
use crate::template::Dialect;
use crate::template::library::Source;

/// A quick fix or a refactoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What it does: lower case, names in backticks.
    pub title: String,
    /// The problem that it fixes; `None` for a refactoring.
    pub problem: Option<Problem>,
    /// How likely it is the wanted fix.
    pub likelihood: Likelihood,
    /// The edits it makes.
    pub edits: Vec<FileEdit>,
    /// The files that it creates, without content.
    pub creates: Vec<Utf8PathBuf>,
}

/// How likely an action is the wanted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likelihood {
    /// Nearly always.
    Preferred,
    /// Sometimes.
    Possible,
}

/// The actions for a template's problems within a range.
#[must_use]
pub fn code_actions(view: &View<'_>, path: &Utf8Path, within: Range, problems: &[Problem]) -> Vec<Action> {
    let Some(template) = view.template(path) else { return Vec::new() };
    let touched = problems.iter().filter(|problem| {
        let is_here = problem.path.as_deref() == Some(path);
        is_here && problem.range.is_some_and(|range| range.start <= within.end && within.start <= range.end)
    });
    touched.flat_map(|problem| of_problem(view, &template, problem)).collect()
}

fn of_problem(view: &View<'_>, template: &Template<'_>, problem: &Problem) -> Vec<Action> {
    let place = ProblemPlace { source: template.source, problem };
    let found = [place.did_you_mean(), place.quoted(), place.created(view), place.allowed()];
    found.into_iter().flatten().collect()
}

struct ProblemPlace<'p> {
    source: &'p Source,
    problem: &'p Problem,
}

impl ProblemPlace<'_> {
    fn action(&self, title: String, likelihood: Likelihood, edits: Vec<TextEdit>) -> Action {
        let edits = vec![FileEdit { path: self.source.path.clone(), edits }];
        Action { title, problem: Some(self.problem.clone()), likelihood, edits, creates: Vec::new() }
    }

    fn did_you_mean(&self) -> Option<Action> {
        let help = self.problem.help.as_deref()?;
        let meant = help.strip_prefix("did you mean `")?.split('`').next()?;
        let edit = TextEdit { range: self.problem.range?, text: meant.to_owned() };
        Some(self.action(format!("change it to `{meant}`"), Likelihood::Preferred, vec![edit]))
    }

    /// A value that is not Python is converted by a filter; for one that breaks out of its string, the filter replaces the quotes.
    fn quoted(&self) -> Option<Action> {
        let has_filter = matches!(self.problem.code, Code::UnsafeValue | Code::NotPython);
        if !has_filter || self.source.dialect() == Dialect::Dollar {
            return None;
        }
        let written = self.problem.help.as_deref()?.strip_prefix("write `")?.split('`').next()?;
        let range = self.problem.range?;
        let (start, end) = (self.source.lines.offset(range.start), self.source.lines.offset(range.end));
        let span = if self.problem.code == Code::UnsafeValue && written.contains("py_str") {
            let (before, after) = (&self.source.text[..start], &self.source.text[end..]);
            let quote = before.chars().next_back().filter(|quote| matches!(quote, '"' | '\''))?;
            // If the string contains more than the value, there is no simple fix.
            let is_alone = after.starts_with(quote) && !before[..before.len() - 1].ends_with(quote);
            is_alone.then_some(start - 1..end + 1)?
        } else {
            start..end
        };
        let edit = TextEdit { range: self.source.range(&span), text: written.to_owned() };
        Some(self.action(format!("write `{written}`"), Likelihood::Preferred, vec![edit]))
    }

    /// A missing template is created in the project's folder.
    fn created(&self, view: &View<'_>) -> Option<Action> {
        if self.problem.code != Code::BrokenInheritance {
            return None;
        }
        let name = self.problem.message.strip_prefix("there is no template `")?.strip_suffix('`')?;
        let folder = view.project.config.templates.as_ref()?;
        let path = folder.value.join(name);
        let is_inside = !name.split('/').any(|part| matches!(part, "" | "." | ".."));
        is_inside.then(|| Action {
            creates: vec![path.clone()],
            edits: Vec::new(),
            ..self.action(format!("create `{path}`"), Likelihood::Possible, Vec::new())
        })
    }

    /// Adds a comment at the end of the line, which adds nothing to the output.
    fn allowed(&self) -> Option<Action> {
        if !self.problem.code.can_be_allowed() || self.source.dialect() == Dialect::Dollar {
            return None;
        }
        let line = self.problem.range?.start.line;
        let start = self.source.lines.offset(Position::new(line, 0));
        let text = self.source.text[start..].lines().next().unwrap_or_default();
        let end = self.source.lines.position(start + text.len());
        let code = self.problem.code.name();
        let edit = TextEdit { range: Range::new(end, end), text: format!(" {{#- tgen-allow: {code} #}}") };
        Some(self.action(format!("allow `{code}` on this line"), Likelihood::Possible, vec![edit]))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use insta::assert_snapshot;

    use super::*;
    use crate::ide::fixture::{CONFIG, with_cursor};
    use crate::lint::diagnostics::{of_file, of_outputs};

    /// The action at the cursor: its title, and the changed line or the created file.
    fn check(fixture: &str) -> String {
        with_cursor(fixture, |view, path, offset| {
            let source = view.template(path).unwrap().source;
            let mut problems = of_file(view, path);
            problems.extend(of_outputs(view, path, &|| true));
            let at = source.lines.position(offset);
            let mut shown = String::new();
            for action in code_actions(view, path, Range::new(at, at), &problems) {
                let after: Vec<_> =
                    action.edits.iter().flat_map(|file| &file.edits).map(|edit| applied(source, edit)).collect();
                let creates: Vec<_> = action.creates.iter().map(ToString::to_string).collect();
                writeln!(shown, "{} → {}", action.title, [after, creates].concat().join(" ")).unwrap();
            }
            shown
        })
    }

    fn applied(source: &Source, edit: &TextEdit) -> String {
        let (start, end) = (source.lines.offset(edit.range.start), source.lines.offset(edit.range.end));
        let text = format!("{}{}{}", &source.text[..start], edit.text, &source.text[end..]);
        text.lines().nth(edit.range.start.line as usize).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_problem_offers_what_solves_it() {
        assert_snapshot!(check("x = {{ mod$0le_name }}"), @"
        change it to `model_name` → x = {{ model_name }}
        allow `unknown-placeholder` on this line → x = {{ modle_name }} {#- tgen-allow: unknown-placeholder #}
        ");
        assert_snapshot!(check("{{ tasks | jion$0 }}"), @"
        change it to `join` → {{ tasks | join }}
        ");
        assert_snapshot!(check("{% include \"no$0.tera\" %}"), @"
        create `templates/no.tera` → templates/no.tera
        ");
        assert_snapshot!(check("{{ model_name$0 }}"), @"");
    }

    #[test]
    fn a_value_that_breaks_out_is_put_in_by_a_filter() {
        let config = CONFIG.replace("organisation = \"acme\"", "quoted = 'a\"b'");
        let with = |template: &str| check(&format!("{config}-- templates/t.py.tera --\n{template}\n"));
        assert_snapshot!(with("a = \"{{ quo$0ted }}\""), @r#"
        write `{{ quoted | py_str }}` → a = {{ quoted | py_str }}
        allow `unsafe-value` on this line → a = "{{ quoted }}" {#- tgen-allow: unsafe-value #}
        "#);
        assert_snapshot!(with("a = \"x {{ quo$0ted }}\""), @r#"
        allow `unsafe-value` on this line → a = "x {{ quoted }}" {#- tgen-allow: unsafe-value #}
        "#);
        assert_snapshot!(with("a = {{ primary$0_task == \"x\" }}"), @r#"
        write `{{ (primary_task == "x") | py_str }}` → a = {{ (primary_task == "x") | py_str }}
        allow `not-python` on this line → a = {{ primary_task == "x" }} {#- tgen-allow: not-python #}
        "#);
        assert_snapshot!(with("def test_{{ primary$0_task }}(): pass"), @"
        write `{{ primary_task | py_ident }}` → def test_{{ primary_task | py_ident }}(): pass
        allow `unsafe-value` on this line → def test_{{ primary_task }}(): pass {#- tgen-allow: unsafe-value #}
        ");
    }
}
