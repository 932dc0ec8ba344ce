//! Generated files: the template, the state, and the template line that produced a given line.
//!
//! A file counts as generated if it carries a signature, even if it was edited since.

use std::ops::Range;

use camino::Utf8Path;
use similar::{DiffTag, TextDiff};

use super::outputs::{Standing, unformatted};
use super::{Hover, Link, Location, View, preview};
use crate::base::text::{self, LineIndex, Position};
use crate::base::text_path::TextPath;
use crate::model::hardware::HardwareType;
use crate::output::signature::{self, Signature};
use crate::output::state::State;
use crate::plan::case::Case;
use crate::rendering::explain;
use crate::rendering::syntax::check_syntax;
use crate::template::TemplateName;

/// A generated file as it is on disk or in the editor.
pub(super) struct Generated<'v, 'p> {
    view: &'p View<'v>,
    path: &'p Utf8Path,
    pub(super) text: String,
    pub(super) lines: LineIndex,
    pub(super) signature: Signature,
    /// The case that renders it; none if no case does.
    pub(super) case: Option<Case<'v>>,
    pub(super) template: TemplateName,
}

/// The origin and the state of a generated file, on its first lines.
pub(super) fn hover(view: &View<'_>, path: &Utf8Path, offset: usize) -> Option<Hover> {
    let generated = Generated::at(view, path)?;
    let is_above = offset < generated.signature.line.end;
    let range = generated.lines.range(generated.signature.words.clone());
    is_above.then(|| Hover { range, markdown: generated.markdown() })
}

/// The template line that produced the line at a byte offset, or the start of the template if there is none.
pub(super) fn definition(view: &View<'_>, path: &Utf8Path, offset: usize) -> Option<Location> {
    let generated = Generated::at(view, path)?;
    generated.origin(offset).or_else(|| generated.beginning())
}

/// A link from the template's name in the signature to the template.
pub(super) fn link(view: &View<'_>, path: &Utf8Path) -> Option<Link> {
    let generated = Generated::at(view, path)?;
    let range = generated.lines.range(generated.name());
    Some(Link { range, target: generated.beginning()?.path })
}

/// What selects the tests of a generated file among all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTests {
    /// The place of the file's signature.
    pub signature: text::Range,
    /// The suite.
    pub suite: String,
    /// The model.
    pub model: String,
    /// The hardware type, where the suite has a file for each.
    pub hardware: Option<HardwareType>,
    /// The batch size, where the suite has a file for each.
    pub batch_size: Option<u32>,
}

/// The tests of the generated file at a path, if a suite renders it for a model.
#[must_use]
pub fn file_tests(view: &View<'_>, path: &Utf8Path) -> Option<FileTests> {
    let generated = Generated::at(view, path)?;
    let case = generated.case.as_ref()?;
    Some(FileTests {
        signature: generated.lines.range(generated.signature.words.clone()),
        suite: case.suite?.name.value.clone(),
        model: case.model?.name.as_str().to_owned(),
        hardware: case.hardware,
        batch_size: case.batch_size,
    })
}

impl<'v, 'p> Generated<'v, 'p> {
    pub(super) fn at(view: &'p View<'v>, path: &'p Utf8Path) -> Option<Self> {
        let mut beginning = Vec::new();
        view.project.files.read_beginning(path, signature::SEARCHED, &mut beginning).ok()?;
        if !signature::is_signed(&beginning) {
            return None;
        }
        let text = view.project.files.read_text(path).ok()?;
        let signature = signature::find(text.as_bytes())?;
        let (case, template) = match view.case_at(path) {
            Some((case, template)) => (Some(case), template.clone()),
            None => (None, TemplateName::new(template_in(&text[signature.origin.clone()]))),
        };
        Some(Self { view, path, lines: LineIndex::new(&text), text, signature, case, template })
    }

    /// The place of the template's name in the signature.
    fn name(&self) -> Range<usize> {
        let start = self.signature.origin.start;
        start..start + template_in(&self.text[self.signature.origin.clone()]).len()
    }

    fn markdown(&self) -> String {
        let whom = &self.text[self.name().end..self.signature.origin.end];
        let library = &self.view.project.library;
        let from = match library.path_of(&self.template) {
            Some(path) if TextPath::of(path).file().is_none() => {
                let edit = "run `cargo tgen init --templates` for a copy to edit";
                format!("the built-in template `{}`{whom}; {edit}.", self.template)
            }
            Some(path) => format!("`{path}`{whom}; edit the template."),
            None => format!("`{}`{whom}; there is no such template any more.", self.template),
        };
        format!("Generated from {from}\n\n{}", self.standing())
    }

    /// The state of the file and the next step, in one sentence.
    fn standing(&self) -> String {
        let standing = match &self.case {
            None if self.view.planned.lacks_outputs() => {
                return "No case renders it now; errors in the project may be the reason.".to_owned();
            }
            None => Standing::Known(State::Orphaned),
            Some(case) if case.formatter().is_some() => unformatted(self.view.project.files, self.path),
            Some(case) => self.compared(case),
        };
        match standing {
            Standing::Known(state) => format!("**{}**: {}; {}.", state.name(), state.meaning(), state.next_step()),
            Standing::Unformatted => {
                "A formatter runs over it, so only `cargo tgen check` can tell its state.".to_owned()
            }
            Standing::Broken(problem) => format!("Its expected content is unknown: {}.", problem.message),
        }
    }

    fn compared(&self, case: &Case<'_>) -> Standing {
        let state = |expected: Vec<u8>| match State::of(&expected, Some(self.text.as_bytes())) {
            State::Fresh => Ok(State::Fresh),
            state => check_syntax(&self.view.project.known_python, self.path, &expected).map(|()| state),
        };
        let expected = preview::signed(case, &self.template, self.path);
        expected.and_then(state).map_or_else(Standing::Broken, Standing::Known)
    }

    fn beginning(&self) -> Option<Location> {
        let path = self.view.project.library.path_of(&self.template)?;
        Some(Location { path: path.to_owned(), range: crate::base::text::Range::default() })
    }

    /// The place in a template that produced the text at an offset.
    fn origin(&self, offset: usize) -> Option<Location> {
        let case = self.case.as_ref()?;
        let project = self.view.project;
        let compiled = project.compilations.get(&project.library, &self.template).ok()?;
        let expected = preview::signed(case, &self.template, self.path).ok()?;
        let at = self.lines.position(offset);
        let line = same_line(&self.text, &String::from_utf8_lossy(&expected), at.line as usize)?;
        let at = Position::new(u32::try_from(line).ok()?, at.column);
        let (path, range) = explain::origin(&compiled, case, self.path, at).ok()??;
        Some(Location { path, range })
    }
}

/// ``skillset.py.tera for bert on cuda`` begins with the template's name.
fn template_in(origin: &str) -> &str {
    origin.split_once(" for ").map_or(origin, |(template, _)| template)
}

/// The line of `new` that corresponds to a line of `old`, or that replaced it.
fn same_line(old: &str, new: &str, line: usize) -> Option<usize> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let diff = TextDiff::from_slices(&old, &new);
    let operation = diff.ops().iter().find(|operation| operation.old_range().contains(&line))?;
    let (before, after) = (operation.old_range(), operation.new_range());
    match operation.tag() {
        DiffTag::Delete => Some(after.start.min(new.len().checked_sub(1)?)),
        _ => Some((after.start + line - before.start).min(after.end.checked_sub(1)?)),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::ide::fixture::{CONFIG, with_cursor};
    use crate::ide::references::definition;

    const TEMPLATE: &str = "import x\n\n{% for task in tasks %}\n# {{ task }} of {{ model_name }}\n{% endfor %}\n";

    /// `bert`'s output of a template, signed.
    fn generated(template: &str) -> String {
        let fixture = project(&format!("$0{template}"), "");
        with_cursor(&fixture, |view, path, _| preview::preview(view, path).unwrap().text)
    }

    /// A project in which `bert`'s output has a text.
    fn project(template: &str, output: &str) -> String {
        format!("{CONFIG}-- templates/t.py.tera --\n{template}-- out/test_bert.py --\n{output}")
    }

    /// The hover text at the cursor, which is at the start of the output by default.
    fn check(template: &str, output: &str) -> String {
        let output = if output.contains("$0") { output.to_owned() } else { format!("$0{output}") };
        let found = with_cursor(&project(template, &output), |view, path, offset| hover(view, path, offset));
        found.map_or_else(|| "nothing".to_owned(), |hover| hover.markdown)
    }

    /// The template line that the cursor in the output leads to.
    fn check_definition(template: &str, output: &str) -> String {
        with_cursor(&project(template, output), |view, path, offset| {
            let found = definition(view, path, offset);
            let shown = found.iter().map(|location| {
                let text = view.project.files.read_text(&location.path).unwrap();
                let (start, end) = (location.range.start, location.range.end);
                let line = text.lines().nth(start.line as usize).unwrap_or_default();
                let marked = &line[start.column as usize..end.column.max(start.column) as usize];
                format!("{}:{}: {line} [{marked}]", location.path, start.line + 1)
            });
            shown.collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn its_first_lines_say_where_it_comes_from_and_how_it_is() {
        let fresh = generated(TEMPLATE);
        assert_snapshot!(check(TEMPLATE, &fresh), @"
        Generated from `templates/t.py.tera` for bert; edit the template.

        **fresh**: as the template says; leave it as it is.
        ");
        assert_snapshot!(check(&TEMPLATE.replace("import x", "import y"), &fresh), @"
        Generated from `templates/t.py.tera` for bert; edit the template.

        **stale**: the template or a value has changed; run `cargo tgen generate`.
        ");
        assert_snapshot!(check(TEMPLATE, &format!("{fresh}# mine\n")), @"
        Generated from `templates/t.py.tera` for bert; edit the template.

        **edited**: changed by hand; run `cargo tgen adopt FILE` to move the change into the template, or `cargo tgen generate --force` to discard it.
        ");
        assert_snapshot!(check("{{ nothing }}\n", &fresh), @"
        Generated from `templates/t.py.tera` for bert; edit the template.

        No case renders it now; errors in the project may be the reason.
        ");
        assert_snapshot!(check("x = (\n", &fresh), @"
        Generated from `templates/t.py.tera` for bert; edit the template.

        Its expected content is unknown: the rendered file is not valid Python: unexpected EOF while parsing, in ``.
        ");
        assert_eq!(check(TEMPLATE, &fresh.replace("import", "im$0port")), "nothing");
        assert_eq!(check(TEMPLATE, "import x\n"), "nothing");
    }

    #[test]
    fn what_no_case_renders_is_an_orphan() {
        let fresh = generated(TEMPLATE);
        let fixture = format!("{CONFIG}-- templates/t.py.tera --\n{TEMPLATE}-- out/test_gone.py --\n$0{fresh}");
        let found = with_cursor(&fixture, |view, path, offset| hover(view, path, offset));
        assert_snapshot!(found.unwrap().markdown, @"
        Generated from `templates/t.py.tera` for bert; edit the template.

        **orphaned**: rendered by no case any more; run `cargo tgen generate --prune` to delete what is left, or add the model to `models`.
        ");
    }

    #[test]
    fn a_line_leads_to_the_line_that_wrote_it() {
        let fresh = generated(TEMPLATE);
        assert_snapshot!(check_definition(TEMPLATE, &fresh.replace("text-cl", "text-$0cl")), @"
        templates/t.py.tera:4: # {{ task }} of {{ model_name }} [{{ task }}]
        ");
        assert_snapshot!(check_definition(TEMPLATE, &fresh.replace("n of bert", "n of ber$0t")), @"
        templates/t.py.tera:4: # {{ task }} of {{ model_name }} [{{ model_name }}]
        ");
        assert_snapshot!(check_definition(TEMPLATE, &fresh.replace("import x\n\n", "import x\n$0\n")), @"
        templates/t.py.tera:2:  []
        ");
        assert_snapshot!(check_definition(TEMPLATE, &format!("$0{fresh}")), @"
        templates/t.py.tera:1: import x []
        ");
    }

    #[test]
    fn a_line_that_moved_or_was_changed_leads_to_the_same() {
        let fresh = generated(TEMPLATE);
        let edited = fresh.replace("import x", "import a\nimport b\nimport x");
        assert_snapshot!(check_definition(TEMPLATE, &edited.replace("# fill", "# $0fill")), @"
        templates/t.py.tera:4: # {{ task }} of {{ model_name }} [{{ task }}]
        ");
        assert_snapshot!(check_definition(TEMPLATE, &fresh.replace("# fill-mask of bert", "# mi$0ne")), @"
        templates/t.py.tera:4: # {{ task }} of {{ model_name }} [{{ task }}]
        ");
    }

    #[test]
    fn the_name_in_the_signature_is_a_link() {
        let fixture = project(TEMPLATE, &format!("$0{}", generated(TEMPLATE)));
        with_cursor(&fixture, |view, path, _| {
            let link = link(view, path).unwrap();
            let text = view.project.files.read_text(path).unwrap();
            let lines = LineIndex::new(&text);
            assert_eq!(&text[lines.offset(link.range.start)..lines.offset(link.range.end)], "t.py.tera");
            assert_eq!(link.target, "templates/t.py.tera");
        });
    }
}
