//! What `adopt` prints: which files change, which outputs change with them, and what stays edited and why.

use tgen_core::base::text_path::TextPath;
use tgen_core::output::diff;
use tgen_core::plan::{Plan, PlannedOutput};
use tgen_core::rendering::adopt::{Adoption, ChangedFile, LeftBlock, LeftBlockReason};

use super::proof::Proof;
use crate::printer::{HEADING, Printer, counted, visible};
use crate::project::session::Session;
use crate::report::human;

/// How many paths of written outputs are listed.
const SHOWN: usize = 10;

/// Warns of edited outputs that take edits of other outputs too, and of each difference that stays.
pub(super) fn show_left(session: &Session, plan: &Plan<'_>, adoption: &Adoption) {
    let printer = Printer::new();
    let describer = Describer { session, plan, adoption };
    for joined in &adoption.joined {
        let path = describer.path(joined.output);
        printer.warning(&format!("`{path}` takes the edits of other outputs too, since they share a template"));
    }
    for left in &adoption.left {
        printer.warning(&describer.sentence(left));
    }
}

struct Describer<'d> {
    session: &'d Session,
    plan: &'d Plan<'d>,
    adoption: &'d Adoption,
}

impl Describer<'_> {
    /// ``out/bert.py:12` stays edited: … (`templates/t.py.tera:3`)``, and the lines.
    fn sentence(&self, left: &LeftBlock) -> String {
        let place = left.place.as_ref().map_or(String::new(), |(path, range)| {
            format!(
                "\n  the nearest place in a template is `{}:{}`",
                self.session.standpoint.seen(path),
                range.start.line + 1
            )
        });
        let removed = left.generated.lines().map(|line| format!("\n  -{line}"));
        let added = left.edited.lines().map(|line| format!("\n  +{line}"));
        let lines: String = removed.chain(added).collect();
        let at = self.place_in_output(left.output, left.line);
        format!("`{at}` stays edited: {}{place}{lines}", self.reason(left))
    }

    fn place_in_output(&self, number: usize, line: usize) -> String {
        // The signature's line stands above.
        format!("{}:{}", self.path(number), line + 2)
    }

    fn path(&self, number: usize) -> String {
        self.session.standpoint.seen(&self.plan.location(&self.plan.outputs[number])).into_string()
    }

    fn reason(&self, left: &LeftBlock) -> String {
        match left.reason {
            LeftBlockReason::Contradicted(other) => self.contradiction(left, other),
            ref reason => reason.sentence(),
        }
    }

    fn contradiction(&self, left: &LeftBlock, other: usize) -> String {
        let has_same_lines = |found: &&LeftBlock| found.output == other && found.generated == left.generated;
        match self.adoption.left.iter().find(has_same_lines) {
            Some(found) => {
                let lines: String = found.edited.lines().map(|line| format!("\n  | {line}")).collect();
                format!(
                    "the template would write the same into `{}`, where you wrote{lines}\n  adopt one of the two; \
                     discard the other, or adopt it with `--to model`",
                    self.place_in_output(other, found.line)
                )
            }
            None => format!(
                "the template would write the same into `{}`, which you edited elsewhere; adopt one output at a time",
                self.path(other)
            ),
        }
    }
}

/// Shows how templates and other outputs would change.
pub(super) fn show_changes(
    session: &Session,
    changed: &Plan<'_>,
    adoption: &Adoption,
    proof: &Proof,
) -> std::io::Result<()> {
    let printer = Printer::new();
    for file in &adoption.files {
        show_file(session, changed, &printer, file)?;
    }
    if !proof.others.is_empty() {
        printer.line(&format!("{} that you did not edit would change:", counted(proof.others.len(), "output")))?;
        printer.report(|out| {
            let sides = Some(("as it is", "with the changed template"));
            human::write_differences_alone(&proof.differences, out, sides)
        })?;
    }
    for path in &proof.stay_edited {
        printer.warning(&format!(
            "`{path}` is edited at the lines where its template changes, and was left as it is; merge the two changes with \
             `cargo tgen generate --merge`"
        ));
    }
    Ok(())
}

/// Says which edited outputs take a change of their template, though they were not named.
pub(super) fn show_merged_unasked(session: &Session, changed: &Plan<'_>, outputs: &[&PlannedOutput]) {
    for output in outputs {
        let path = session.standpoint.seen(&changed.location(output));
        Printer::new().warning(&format!("`{path}` is edited too; it keeps its edits and takes the template's change"));
    }
}

fn show_file(session: &Session, changed: &Plan<'_>, printer: &Printer, file: &ChangedFile) -> std::io::Result<()> {
    let path = session.standpoint.seen(&file.path);
    let before = source_of(session, changed, file);
    let hunks = diff::hunks(file.before.as_bytes(), file.text.as_bytes());
    printer.report(|out| {
        writeln!(out, "{HEADING}--- {}{HEADING:#}", visible(&before))?;
        writeln!(out, "{HEADING}+++ {}{HEADING:#}", visible(path.as_str()))?;
        human::write_hunks(out, &hunks)?;
        writeln!(out)
    })
}

/// What a file is now, or which built-in template it is a copy of.
fn source_of(session: &Session, changed: &Plan<'_>, file: &ChangedFile) -> String {
    if session.root.join(&file.path).is_file() {
        return session.standpoint.seen(&file.path).into_string();
    }
    let name = changed.project.template_name(&file.path).filter(|_| !file.before.is_empty());
    name.map_or_else(|| "(new)".to_owned(), |name| TextPath::BuiltIn(name.as_str()).to_path().into_string())
}

/// Says what was written.
pub(super) fn show_written(
    session: &Session,
    changed: &Plan<'_>,
    adoption: &Adoption,
    proof: &Proof,
) -> std::io::Result<()> {
    let printer = Printer::new();
    let files: Vec<_> = adoption.files.iter().map(|file| session.standpoint.seen(&file.path)).collect();
    printer.paths("changed", &files, SHOWN)?;
    let seen = |outputs: &[PlannedOutput]| -> Vec<_> {
        outputs.iter().map(|output| session.standpoint.seen(&changed.location(output))).collect()
    };
    let (adopted, merged) = (seen(&proof.adopted), seen(&proof.merged));
    printer.paths("adopted", &adopted, SHOWN)?;
    printer.paths("merged", &merged, SHOWN)?;
    let mut parts = vec![format!("adopted {}", counted(adopted.len(), "output"))];
    parts.extend((!merged.is_empty()).then(|| format!("merged {}", merged.len())));
    parts.extend((!proof.others.is_empty()).then(|| format!("wrote {} more", proof.others.len())));
    parts.extend((!adoption.left.is_empty()).then(|| format!("{} left", counted(adoption.left.len(), "difference"))));
    printer.note(&parts.join(", "))
}
