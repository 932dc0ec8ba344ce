//! Whether a rendered text is valid Python, for outputs of that type.

use std::borrow::Cow;
use std::collections::HashMap;

use camino::Utf8Path;

use crate::base::problem::{Code, Problem};
use crate::base::text::{LineIndex, Range};
use crate::plan::{PlannedOutput, TemplateIndex};
use crate::python::KnownParts;
use crate::python::spliced::{Piece, SplicedModule};
use crate::template::renderer::{Common, Rendering};

/// How many renderings with common text are checked one by one, before the common text itself is parsed.
const CHECKED_ALONE: usize = 2;
/// How much of a line a message shows.
const SHOWN: usize = 80;

/// The first syntax error of a rendered text.
pub(crate) struct SyntaxError {
    /// What is wrong.
    pub(crate) message: String,
    /// The offset at which it begins.
    pub(crate) start: usize,
    /// Its place in the rendered text.
    pub(crate) range: Range,
    /// The beginning of its line.
    pub(crate) line: String,
}

impl SyntaxError {
    /// None where the text is valid.
    pub(crate) fn first_in(known: &KnownParts, text: &str) -> Option<Self> {
        let error = known.syntax_errors(text).into_iter().next()?;
        let start = error.span.start;
        let range = LineIndex::new(text).range(error.span);
        let line = text.lines().nth(range.start.line as usize).unwrap_or_default().trim();
        let message = format!("the rendered file is not valid Python: {}", error.message);
        Some(Self { message, start, range, line: line.chars().take(SHOWN).collect() })
    }

    /// The error as a problem of the output, where no template's line is to blame.
    pub(crate) fn in_output(self, path: &Utf8Path) -> Problem {
        let message = format!("{}, in `{}`", self.message, self.line);
        Problem::error(Code::OutputSyntax, message).in_file(path).at(self.range)
    }
}

/// Finds the first syntax error of a Python output.
///
/// # Errors
/// The error, at its line in the output.
pub fn check_syntax(known: &KnownParts, path: &Utf8Path, content: &[u8]) -> Result<(), Problem> {
    if path.extension() != Some("py") {
        return Ok(());
    }
    // Most outputs are UTF-8, which this finds several times faster than the lossy conversion.
    let text = std::str::from_utf8(content).map_or_else(|_| String::from_utf8_lossy(content), Cow::Borrowed);
    let error = SyntaxError::first_in(known, &text);
    error.map_or(Ok(()), |error| Err(error.in_output(path).help("correct the template; nothing was written")))
}

/// The syntax that renderings have in common, by their templates. Each template must have the same renderer throughout.
#[derive(Default)]
pub(crate) struct SharedSyntax(HashMap<TemplateIndex, Shared>);

#[derive(Default)]
struct Shared {
    /// Which of the renderer's common texts it is.
    generation: usize,
    /// How many renderings had it.
    count: usize,
    /// None while there are few renderings, or if the common text is not valid by itself.
    module: Option<SplicedModule>,
}

impl SharedSyntax {
    /// Whether a rendering, signed with `origin`, is valid Python because others like it are. If not, only
    /// [`check_syntax`] can tell.
    pub(crate) fn is_valid(
        &mut self,
        known: &KnownParts,
        output: &PlannedOutput,
        rendering: &Rendering<'_>,
        origin: &str,
    ) -> bool {
        let is_python = output.path.as_path().extension() == Some("py");
        // The signature is a comment of one line between statements.
        let is_line = !origin.contains(['\n', '\r']);
        let Some((common, values)) = rendering.common().filter(|_| is_python && is_line) else { return false };
        let shared = self.0.entry(output.template).or_default();
        shared.add(common);
        shared.module.as_mut().is_some_and(|module| module.is_valid_with(known, values))
    }
}

impl Shared {
    fn add(&mut self, common: Common<'_>) {
        if self.generation != common.generation() {
            *self = Self { generation: common.generation(), ..Self::default() };
        }
        self.count += 1;
        if self.count == CHECKED_ALONE + 1 {
            let pieces = common.pieces().map(|piece| piece.map_or_else(Piece::Value, Piece::Text));
            self.module = SplicedModule::new(pieces);
        }
    }
}
