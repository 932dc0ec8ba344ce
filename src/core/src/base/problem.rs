//! One finding about an input or an output: what, where, and what to do next.
//!
//! The terminal, the CI formats and the editor all show this one type. This module must not know how they show it.

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::base::named::named_enum;
use crate::base::text::Range;

/// A finding about an input or an output.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Problem {
    /// What kind of finding it is; stable across releases.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// The file it is about, as the user would name it; `None` for a problem of the command line.
    pub path: Option<Utf8PathBuf>,
    /// The place in that file; `None` if the problem is about the whole file.
    pub range: Option<Range>,
    /// What is wrong: lower case, names in backticks, no final dot.
    pub message: String,
    /// What to do next, in the same style.
    pub help: Option<String>,
    /// Other places that explain this one.
    pub related: Vec<Related>,
}

impl Problem {
    /// An error without a file or a place; [`Problem::in_file`] and [`Problem::at`] add them.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            path: None,
            range: None,
            message: message.into(),
            help: None,
            related: Vec::new(),
        }
    }

    /// A warning without a file or a place.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Says which file the problem is about.
    #[must_use]
    pub fn in_file(mut self, path: impl AsRef<Utf8Path>) -> Self {
        self.path = Some(path.as_ref().to_owned());
        self
    }

    /// Says where in the file the problem is.
    #[must_use]
    pub fn at(mut self, range: Range) -> Self {
        self.range = Some(range);
        self
    }

    /// Adds the next step.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another place that explains this one.
    #[must_use]
    pub fn related(mut self, related: Related) -> Self {
        self.related.push(related);
        self
    }

    /// Whether this finding makes a command fail.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A second place that belongs to a problem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Related {
    /// The file.
    pub path: Utf8PathBuf,
    /// The place in the file, if known.
    pub range: Option<Range>,
    /// How that place relates to the problem.
    pub message: String,
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never fails a command.
    Info,
    /// Probably a mistake; does not fail a command.
    Warning,
    /// Fails the command.
    Error,
}

named_enum! {
    /// The kinds of problems. The names are part of the tool's interface: CI filters and editors refer to them.
    pub enum Code {
        /// The configuration cannot be read: a syntax error, an unknown key, or a value of the wrong type.
        InvalidConfig = "invalid-config",
        /// The pipeline map is not a JSON object of model types and lists of tasks.
        InvalidPipelineMap = "invalid-pipeline-map",
        /// A model's name has characters that no Hugging Face model has, or is too long.
        InvalidModelName = "invalid-model-name",
        /// A selection names a model, family or task that the project does not have.
        UnknownModel = "unknown-model",
        /// None of the templates that a suite lists exists.
        MissingTemplate = "missing-template",
        /// A file cannot be read, or is not UTF-8 text.
        UnreadableFile = "unreadable-file",
        /// A template has a syntax error.
        TemplateSyntax = "template-syntax",
        /// A template uses a placeholder that does not exist.
        UnknownPlaceholder = "unknown-placeholder",
        /// A template asks for a value that differs from run to run, such as the time.
        NonDeterministic = "non-deterministic",
        /// A template uses the placeholder of an axis that the suite's output path does not expand.
        AxisNotExpanded = "axis-not-expanded",
        /// A template uses a filter, test, function or component that does not exist.
        UnknownFunction = "unknown-function",
        /// A call has an argument that nothing takes, or lacks one that is needed.
        WrongArguments = "wrong-arguments",
        /// A block in a template that extends another one overrides nothing.
        UnknownBlock = "unknown-block",
        /// A part of a template is never reached.
        Unreachable = "unreachable",
        /// A template sets a name that nothing uses.
        UnusedSet = "unused-set",
        /// A loop gives a name a new value that is lost after the loop, where the name is used.
        LostSet = "lost-set",
        /// A template writes a value that may be none, which is written as nothing.
        EmptyOutput = "empty-output",
        /// A template writes what `?.` or `?[` may find to have no value.
        OptionalOutput = "optional-output",
        /// A `${}` template without placeholders holds what looks like one of another language.
        LiteralPlaceholder = "literal-placeholder",
        /// A template of the project is part of no output.
        UnusedTemplate = "unused-template",
        /// A comment allows something that is not a problem code, or a code that cannot be allowed.
        UselessAllow = "useless-allow",
        /// A template extends or includes a template that does not exist, or one that leads back to itself.
        BrokenInheritance = "broken-inheritance",
        /// A placeholder, a field or an element has no value for some models.
        UndefinedValue = "undefined-value",
        /// Rendering a template failed for a case.
        RenderFailed = "render-failed",
        /// Rendering a template exceeded a limit of size, time or memory.
        LimitExceeded = "limit-exceeded",
        /// A value is written into Python code in a form that is not Python, such as `true`.
        NotPython = "not-python",
        /// A value would break out of the Python string or identifier it is put into.
        UnsafeValue = "unsafe-value",
        /// A rendered Python file is not valid Python.
        OutputSyntax = "output-syntax",
        /// An output path leaves the project's root or the given output folder, or is not a usable file name.
        InvalidOutputPath = "invalid-output-path",
        /// Two cases render to the same output path.
        OutputCollision = "output-collision",
        /// The output's file type has no comments, so it cannot carry a signature.
        UnsignableOutput = "unsignable-output",
        /// An output cannot be read or written.
        OutputInaccessible = "output-inaccessible",
        /// A suite's formatter failed.
        FormatterFailed = "formatter-failed",
        /// A test has failed at a line that a template wrote.
        FailedTest = "failed-test",
        /// A reference implementation has a syntax error or lacks the class that its file name promises.
        InvalidReference = "invalid-reference",
        /// The source of a transformers release is laid out in a way that was not understood.
        UnreadableRelease = "unreadable-release",
    }
}

impl Code {
    /// Whether a comment in a template can allow it (`tgen-allow`). Problems that prevent an output cannot be allowed,
    /// because the output would silently be missing.
    #[must_use]
    pub const fn can_be_allowed(self) -> bool {
        matches!(
            self,
            Self::UnknownPlaceholder
                | Self::NonDeterministic
                | Self::AxisNotExpanded
                | Self::WrongArguments
                | Self::UnsafeValue
                | Self::Unreachable
                | Self::UnusedSet
                | Self::LostSet
                | Self::EmptyOutput
                | Self::OptionalOutput
                | Self::LiteralPlaceholder
                | Self::UnusedTemplate
                | Self::NotPython
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_a_description() {
        let mut names: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.description().ends_with('.')));
    }
}
