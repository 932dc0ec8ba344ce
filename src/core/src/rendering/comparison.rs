//! What every output should be, and how that differs from what is there: the one place where the two meet.
//!
//! `generate` applies the difference, `check` demands that it is empty, `watch` applies it again and again. Outputs are
//! rendered, compared and dropped one by one, so memory grows with the plan and not with the outputs' bytes. This module
//! must not know how outputs are written.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rayon::prelude::*;

use crate::base::files::{self, Reader};
use crate::base::problem::{Code, Problem};
use crate::output::edit::{self, EditKind};
use crate::output::signature::{self, CommentStyle, Signed};
use crate::output::state::State;
use crate::plan::{Plan, PlannedOutput, TemplateIndex};
use crate::python::likeness;
use crate::rendering::syntax::{SharedSyntax, check_syntax};
use crate::template::renderer::{Renderer, Rendering};

/// How many outputs one thread takes at a time: neighbours share a skeleton.
const CHUNK: usize = 32;

/// An output compared with its file.
pub struct Judged<'a> {
    /// The output.
    pub output: &'a PlannedOutput,
    /// What it is generated from, as its signature says.
    pub origin: &'a str,
    /// Its state.
    pub state: State,
    /// What the file should hold.
    pub expected: &'a [u8],
    /// What the file holds; empty when there is none.
    pub existing: &'a [u8],
}

impl Judged<'_> {
    /// The kind of edit, for an edited output.
    #[must_use]
    pub fn edit(&self) -> EditKind {
        if self.state != State::Edited {
            return EditKind::Text;
        }
        let is_python = self.output.path.as_path().extension() == Some("py");
        EditKind::of(self.expected, self.existing, |expected, existing| {
            edit::is_same_but_for_trailing_blanks(expected, existing) || is_python && is_same_python(expected, existing)
        })
    }
}

fn is_same_python(expected: &[u8], existing: &[u8]) -> bool {
    let texts = std::str::from_utf8(expected).ok().zip(std::str::from_utf8(existing).ok());
    texts.is_some_and(|(expected, existing)| likeness::is_same_but_for_formatting(expected, existing))
}

/// Gives the formatted text of an output whose suite has a formatter.
pub type Formatted<'a> = dyn Fn(&PlannedOutput, &mut Vec<u8>) -> io::Result<()> + Sync + 'a;

/// Renders outputs, over all cores, and hands each to `handle`; the results come in the order of the plan.
pub fn render_each<T: Send>(
    plan: &Plan<'_>,
    outputs: &[PlannedOutput],
    handle: impl Fn(&PlannedOutput, Result<&[u8], Problem>) -> T + Sync,
) -> Vec<T> {
    in_chunks(plan, outputs, |worker, _, output| {
        let rendered = worker.render(output);
        handle(output, rendered.map(|()| worker.rendered.as_slice()))
    })
}

/// Judges outputs, over all cores, and hands each with its number to `handle`; the results come in the same order.
///
/// `formatted` gives the text of outputs whose suite has a formatter.
pub fn judge_each<T: Send>(
    plan: &Plan<'_>,
    outputs: &[PlannedOutput],
    formatted: &Formatted<'_>,
    handle: impl Fn(usize, &PlannedOutput, Result<Judged<'_>, Problem>) -> T + Sync,
) -> Vec<T> {
    in_chunks(plan, outputs, |worker, number, output| match worker.judge(output, formatted) {
        Ok(state) => {
            let existing = worker.reader.content();
            let expected = if state == State::Fresh { existing } else { worker.expected.as_slice() };
            handle(number, output, Ok(Judged { output, origin: &worker.origin, state, expected, existing }))
        }
        Err(problem) => handle(number, output, Err(problem)),
    })
}

fn in_chunks<'p, T: Send>(
    plan: &'p Plan<'p>,
    outputs: &'p [PlannedOutput],
    work: impl Fn(&mut Worker<'p>, usize, &'p PlannedOutput) -> T + Sync,
) -> Vec<T> {
    let done: Vec<Vec<T>> = outputs
        .par_chunks(CHUNK)
        .enumerate()
        .map_init(
            || Worker::new(plan),
            |worker, (at, chunk)| {
                chunk.iter().enumerate().map(|(below, output)| work(worker, at * CHUNK + below, output)).collect()
            },
        )
        .collect();
    let mut results = Vec::with_capacity(outputs.len());
    results.extend(done.into_iter().flatten());
    results
}

/// The buffers and renderers of one thread.
struct Worker<'p> {
    plan: &'p Plan<'p>,
    reader: Box<dyn Reader + 'p>,
    renderers: HashMap<TemplateIndex, Renderer<'p>>,
    syntax: SharedSyntax,
    origin: String,
    /// What was rendered, or formatted.
    rendered: Vec<u8>,
    /// What is to be signed.
    unsigned: Vec<u8>,
    expected: Vec<u8>,
}

impl<'p> Worker<'p> {
    fn new(plan: &'p Plan<'p>) -> Self {
        let (rendered, unsigned, expected) = (Vec::new(), Vec::new(), Vec::new());
        let (renderers, syntax, origin) = (HashMap::new(), SharedSyntax::default(), String::new());
        let reader = plan.project.files.reader();
        Self { plan, reader, renderers, syntax, origin, rendered, unsigned, expected }
    }

    fn render(&mut self, output: &PlannedOutput) -> Result<(), Problem> {
        rendering(&mut self.renderers, self.plan, output).map(|rendering| rendering.write(&mut self.rendered))
    }

    fn judge(&mut self, output: &PlannedOutput, formatted: &Formatted<'_>) -> Result<State, Problem> {
        let rendering = if self.plan.formatter(output).is_some() {
            formatted(output, &mut self.rendered).map_err(|error| inaccessible(output.path.as_path(), &error))?;
            Rendering::whole(&self.rendered)
        } else {
            rendering(&mut self.renderers, self.plan, output)?
        };
        let location = self.plan.location(output);
        // The plan leaves out files that cannot be signed.
        let style = CommentStyle::of_signable(output.path.as_path());
        self.origin = self.plan.origin(output);
        // A fresh output was checked when it was written. Most are fresh, so they are compared before their text is joined.
        let mut is_intact = false;
        let read = self.reader.read(&location, &mut |content| {
            let text = Signed::text_of(content, style, &self.origin);
            is_intact = text.is_some();
            text.is_some_and(|text| rendering.is(text))
        });
        let existing = match read {
            Ok(true) => return Ok(State::Fresh),
            Ok(false) => Some(self.reader.content()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(inaccessible(&location, &error)),
        };
        rendering.write(&mut self.unsigned);
        Signed::new(&self.unsigned, style, &self.origin).write(&mut self.expected);
        let state = match existing {
            Some(existing) if is_intact => State::of_intact(&self.expected, existing),
            _ => State::of(&self.expected, existing),
        };
        let known = &self.plan.project.known_python;
        if state != State::Fresh && !self.syntax.is_valid(known, output, &rendering, &self.origin) {
            check_syntax(known, &location, &self.expected)?;
        }
        Ok(state)
    }
}

/// Renders an output with the renderer of its template.
fn rendering<'r, 'p>(
    renderers: &'r mut HashMap<TemplateIndex, Renderer<'p>>,
    plan: &'p Plan<'p>,
    output: &PlannedOutput,
) -> Result<Rendering<'r>, Problem> {
    let cancellation = &plan.project.cancellation;
    let renderer = || Renderer::of(&plan.templates[output.template]).cancelled_by(cancellation.clone());
    let renderer = renderers.entry(output.template).or_insert_with(renderer);
    renderer.rendering(&plan.case(output)).map_err(|problem| plan.project.library.locate(problem))
}

fn inaccessible(path: &Utf8Path, error: &io::Error) -> Problem {
    Problem::error(Code::OutputInaccessible, format!("cannot read the output `{path}`: {}", files::reason(error)))
        .in_file(path)
}

/// The result of a search for signed files that no case renders any more.
#[derive(Debug, Default)]
pub struct Orphans {
    /// The files, in order.
    pub files: Vec<Utf8PathBuf>,
    /// The output folders that cannot be listed, in which there may be more.
    pub problems: Vec<Problem>,
}

/// Searches the folders where the plan's outputs stand for signed files that no case renders any more.
///
/// A plan with errors lacks outputs that are wanted, so nothing counts as an orphan then.
#[must_use]
pub fn orphans(plan: &Plan<'_>) -> Orphans {
    if plan.project.unreadable().next().is_some() || plan.problems.iter().any(Problem::is_error) {
        return Orphans::default();
    }
    // As strings: a path is compared and hashed component by component, which is slow for thousands.
    let planned: HashSet<&str> = plan.outputs.iter().map(|output| output.path.as_path().as_str()).collect();
    let mut orphans = BTreeSet::new();
    let mut problems = Vec::new();
    let mut beginning = Vec::new();
    for folder in plan.output_folders() {
        let paths = match plan.project.files.list(&folder) {
            Ok(paths) => paths,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                problems.push(cannot_search(&folder, &error));
                continue;
            }
        };
        for path in paths.into_iter().filter(|path| !planned.contains(path.as_str())) {
            let read = plan.project.files.read_beginning(&path, signature::SEARCHED, &mut beginning);
            if read.is_ok() && signature::is_signed(&beginning) {
                orphans.insert(path);
            }
        }
    }
    Orphans { files: orphans.into_iter().collect(), problems }
}

fn cannot_search(folder: &Utf8Path, error: &io::Error) -> Problem {
    let reason = files::reason(error);
    Problem::error(Code::OutputInaccessible, format!("cannot search `{folder}` for orphaned outputs: {reason}"))
        .in_file(folder)
        .help("make the folder readable, or move it out of the output folder")
}
