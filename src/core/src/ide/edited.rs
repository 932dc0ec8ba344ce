//! A generated file that the user edited: how it differs from what the template renders, and the edits that move the
//! difference into the template, or discard it.

use std::ops::Range;

use camino::{Utf8Path, Utf8PathBuf};
use similar::{DiffTag, TextDiff};

use super::generated::Generated;
use super::{FileEdit, TextEdit, View, preview};
use crate::base::layered::Layered;
use crate::base::text::{self, LineIndex};
use crate::output::signature;
use crate::output::state::State;
use crate::plan::{Plan, PlannedOutput};
use crate::project::request::Request;
use crate::rendering::adopt::{self, Adoption, ChangedFile, EditedOutput, LeftBlockReason, reach};

/// A generated file that the user edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The place of its signature.
    pub signature: text::Range,
    /// What the template says; none where a formatter runs over it, which is not run here.
    pub generated: Option<Generation>,
}

/// What an edited file should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The whole file.
    pub text: String,
    /// The edits of the file that lead there.
    pub edits: Vec<TextEdit>,
    /// Whether the template has changed since the file was generated: then the difference is not the person's alone.
    pub has_newer_template: bool,
}

/// Where edits of an output belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MoveTarget {
    /// In the template that wrote the text, for all models.
    Template,
    /// In a template of the model's own.
    Model,
}

/// Edits of templates, or of the configuration, that make an output what the user wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The changed files; the output itself is among them, with the signature of its new text.
    pub edits: Vec<FileEdit>,
    /// The files that are new.
    pub creates: Vec<Utf8PathBuf>,
    /// How many other outputs change.
    pub others: usize,
    /// How many differences stay in the output.
    pub left: usize,
}

impl Edited {
    /// How many places differ; none where that is not known.
    #[must_use]
    pub fn differences(&self) -> Option<usize> {
        let edits = &self.generated.as_ref()?.edits;
        Some(edits.iter().filter(|edit| edit.range.start.line != self.signature.start.line).count())
    }

    /// Whether a range touches the signature or a place that differs.
    #[must_use]
    pub fn touches(&self, within: text::Range) -> bool {
        let edits = self.generated.iter().flat_map(|generated| &generated.edits);
        let mut ranges = edits.map(|edit| edit.range).chain([self.signature]);
        ranges.any(|range| range.start.line <= within.end.line && within.start.line <= last_line(range))
    }
}

/// The last line of which something is in a range.
fn last_line(range: text::Range) -> u32 {
    let ends_before_line = range.end.column == 0 && range.end.line > range.start.line;
    range.end.line - u32::from(ends_before_line)
}

/// The file at a path, if it was generated and the user edited it.
#[must_use]
pub fn edited(view: &View<'_>, path: &Utf8Path) -> Option<Edited> {
    let found = Generated::at(view, path)?;
    let case = found.case.as_ref().filter(|_| !found.signature.intact)?;
    let signature = found.lines.range(found.signature.words.clone());
    if case.formatter().is_some() {
        return Some(Edited { signature, generated: None });
    }
    let expected = preview::signed(case, &found.template, path).ok()?;
    if State::of(&expected, Some(found.text.as_bytes())) != State::Edited {
        return None;
    }
    let has_newer_template = signature::signed(found.text.as_bytes()) != signature::signed(&expected);
    let text = String::from_utf8(expected).ok()?;
    let edits = edits(&found.text, &text);
    Some(Edited { signature, generated: Some(Generation { text, edits, has_newer_template }) })
}

/// What it takes to move the edits of the output at a path to where they belong, text that is not saved included.
///
/// # Errors
/// Why they cannot be moved, in a sentence.
pub fn moved(plan: &Plan<'_>, path: &Utf8Path, target: MoveTarget) -> Result<Move, String> {
    let (number, output) = output_at(plan, path).ok_or("no case renders this file")?;
    let existing = plan.project.files.read_text(path).map_err(|error| error.to_string())?;
    let text = signature::without_signature(existing.as_bytes()).and_then(|text| String::from_utf8(text).ok());
    let edited = [EditedOutput { output: number, text: text.ok_or("this file has no signature")? }];
    let adopted = match target {
        MoveTarget::Template => adopt::adopt(plan, &edited),
        MoveTarget::Model => adopt::adopt_for_models(plan, &edited),
    };
    let adoption = adopted.map_err(|problem| problem.message)?;
    if adoption.files.is_empty() {
        return Err(adoption.left.first().map_or(LeftBlockReason::Unproven, |left| left.reason.clone()).sentence());
    }
    let texts = adoption.files.iter().map(|file| (file.path.clone(), file.text.as_str().into())).collect();
    let files = Layered::new(plan.project.files, texts);
    let project = reach::changed_project(plan.project, &files, &adoption).ok_or("the project has problems")?;
    let changed = Plan::new(&project, &Request::default());
    let content = content(&changed, path, &edited[0], &adoption)?;
    let is_new = |file: &ChangedFile| !plan.project.files.is_file(&file.path);
    // A copy of a built-in template is new, though it has a text before.
    let before = |file: &ChangedFile| if is_new(file) { String::new() } else { file.before.clone() };
    let edit_of = |file: &ChangedFile| FileEdit { path: file.path.clone(), edits: edits(&before(file), &file.text) };
    let of_output = FileEdit { path: path.to_owned(), edits: edits(&existing, &content) };
    Ok(Move {
        edits: adoption.files.iter().map(edit_of).chain([of_output]).collect(),
        creates: adoption.files.iter().filter(|file| is_new(file)).map(|file| file.path.clone()).collect(),
        others: reach::others_that_change(plan, &changed, output.path.as_path()),
        left: adoption.left.len(),
    })
}

fn output_at<'p>(plan: &'p Plan<'_>, path: &Utf8Path) -> Option<(usize, &'p PlannedOutput)> {
    let below = path.strip_prefix(&plan.root).ok()?;
    plan.outputs.iter().enumerate().find(|(_, output)| output.path.as_path() == below)
}

/// The whole file of an edited output, now as generated, but for the differences that stay.
fn content(
    changed: &Plan<'_>,
    path: &Utf8Path,
    edited: &EditedOutput,
    adoption: &Adoption,
) -> Result<String, &'static str> {
    let (_, output) = output_at(changed, path).ok_or("no case would render this file")?;
    let template = &changed.templates[output.template].name;
    let expected = preview::signed(&changed.case(output), template, path).map_err(|_| "it cannot be rendered then")?;
    let stays = adoption.partly.iter().find(|partly| partly.output == edited.output);
    let text = stays.map_or(&edited.text, |partly| &partly.text);
    let content =
        signature::with_signature_of(&expected, text.as_bytes()).ok_or("this kind of file has no signature")?;
    if stays.is_none() && State::of(&expected, Some(&content)) != State::Fresh {
        return Err("the changed template would render something else");
    }
    String::from_utf8(content).map_err(|_| "it is not UTF-8 text")
}

/// The edits of whole lines that lead from one text to the other.
fn edits(old: &str, new: &str) -> Vec<TextEdit> {
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let (old_starts, new_starts) = (starts(&old_lines), starts(&new_lines));
    let lines = LineIndex::new(old);
    let diff = TextDiff::from_slices(&old_lines, &new_lines);
    let span = |starts: &[usize], range: Range<usize>| starts[range.start]..starts[range.end];
    let changed = diff.ops().iter().filter(|operation| operation.tag() != DiffTag::Equal);
    let edit = |operation: &similar::DiffOp| TextEdit {
        range: lines.range(span(&old_starts, operation.old_range())),
        text: new[span(&new_starts, operation.new_range())].to_owned(),
    };
    changed.map(edit).collect()
}

/// Where each line starts, and where the last one ends.
fn starts(lines: &[&str]) -> Vec<usize> {
    let ends = lines.iter().scan(0, |at, line| {
        *at += line.len();
        Some(*at)
    });
    std::iter::once(0).chain(ends).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use insta::assert_snapshot;

    use super::*;
    use crate::base::text::{Position, Range};
    use crate::ide::fixture::{CONFIG, with_cursor};

    const TEMPLATE: &str =
        "import x\n\n{% for task in tasks %}\n# {{ task }} of {{ model_name }}\n{% endfor %}\nX = 1\n";

    /// A project in which `bert`'s output has an edited text.
    fn project(config: &str, edit: impl Fn(&str) -> String) -> String {
        let with_output =
            |output: &str| format!("{config}-- templates/t.py.tera --\n{TEMPLATE}-- out/test_bert.py --\n$0{output}");
        let fixture = format!("{config}-- templates/t.py.tera --\n$0{TEMPLATE}");
        let generated = with_cursor(&fixture, |view, path, _| preview::preview(view, path).unwrap().text);
        with_output(&edit(&generated))
    }

    /// What moving an edit does: the files with their new texts, and how many outputs change.
    fn check_move(config: &str, target: MoveTarget, edit: impl Fn(&str) -> String) -> String {
        with_cursor(&project(config, edit), |view, path, _| {
            let plan = Plan::new(view.project, &Request::default());
            let found = match moved(&plan, path, target) {
                Ok(found) => found,
                Err(reason) => return reason,
            };
            let mut shown = format!("{} others, {} left, creates {:?}\n", found.others, found.left, found.creates);
            for FileEdit { path, edits } in &found.edits {
                let text = view.project.files.read_text(path).unwrap_or_default();
                let text = applied(&text, edits);
                let text =
                    signature::without_signature(text.as_bytes()).map_or(text, |text| String::from_utf8(text).unwrap());
                writeln!(shown, "-- {path} --\n{text}").unwrap();
            }
            shown
        })
    }

    fn applied(text: &str, edits: &[TextEdit]) -> String {
        let lines = LineIndex::new(text);
        let mut new = text.to_owned();
        for TextEdit { range, text } in edits.iter().rev() {
            new.replace_range(lines.offset(range.start)..lines.offset(range.end), text);
        }
        new
    }

    #[test]
    fn an_edited_file_says_how_many_places_differ_and_can_be_discarded() {
        let edit = |text: &str| text.replace("import x\n", "import y\n").replace("X = 1", "X = 2");
        with_cursor(&project(CONFIG, edit), |view, path, _| {
            let found = edited(view, path).unwrap();
            assert_eq!(found.differences(), Some(2));
            let at = |line| Range::new(Position::new(line, 0), Position::new(line, 0));
            let touched: Vec<_> = (0..6).filter(|line| found.touches(at(*line))).collect();
            assert_eq!(touched, [0, 1]);
            let generated = found.generated.unwrap();
            let text = view.project.files.read_text(path).unwrap();
            assert_eq!(applied(&text, &generated.edits), generated.text);
            assert!(generated.text.contains("import x\n") && !generated.has_newer_template);
        });
        let is_edited = |edit: fn(&str) -> String| {
            with_cursor(&project(CONFIG, edit), |view, path, _| edited(view, path).is_some())
        };
        assert!(!is_edited(str::to_owned));
        assert!(!is_edited(|text| text.replace("# @generated", "# ")));
    }

    #[test]
    fn an_edit_moves_into_the_template_that_wrote_the_text() {
        assert_snapshot!(check_move(CONFIG, MoveTarget::Template, |text| text.replace("import x", "import y")), @"
        3 others, 0 left, creates []
        -- templates/t.py.tera --
        import y

        {% for task in tasks %}
        # {{ task }} of {{ model_name }}
        {% endfor %}
        X = 1

        -- out/test_bert.py --
        import y


        # fill-mask of bert

        # text-classification of bert

        X = 1
        ");
        assert_snapshot!(check_move(CONFIG, MoveTarget::Template, |text| {
            text.replace("import x", "import y").replace("# fill-mask of bert", "# mine")
        }), @"
        3 others, 1 left, creates []
        -- templates/t.py.tera --
        import y

        {% for task in tasks %}
        # {{ task }} of {{ model_name }}
        {% endfor %}
        X = 1

        -- out/test_bert.py --
        import y


        # mine

        # text-classification of bert

        X = 1
        ");
        assert_snapshot!(check_move(CONFIG, MoveTarget::Template, |text| text.replace("# fill-mask of bert", "# mine")), @"
        it changes a value, which `{{ model_name }}` writes; change where the value comes from
        ");
    }

    #[test]
    fn an_edit_moves_into_a_template_of_the_models_own() {
        let edit = |text: &str| text.replace("import x", "import y");
        assert_snapshot!(check_move(CONFIG, MoveTarget::Model, edit), @r#"
        no template of the suite `s` is for this model alone; put `"models/{{ normalized_name }}.py.tera"` first in its list `template`
        "#);
        let list = "[\"own/{{ model_name }}.py.tera\", \"t.py.tera\"]";
        assert_snapshot!(check_move(&CONFIG.replace("\"t.py.tera\"", list), MoveTarget::Model, edit), @r#"
        0 others, 0 left, creates ["templates/own/bert.py.tera"]
        -- templates/own/bert.py.tera --
        import y

        {% for task in tasks %}
        # {{ task }} of {{ model_name }}
        {% endfor %}
        X = 1

        -- out/test_bert.py --
        import y


        # fill-mask of bert

        # text-classification of bert

        X = 1
        "#);
    }
}
