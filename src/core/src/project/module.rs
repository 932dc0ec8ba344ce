//! A reference implementation: a file of the skillset folder, parsed on first use.

use std::sync::OnceLock;

use camino::{Utf8Path, Utf8PathBuf};
use tera::Value;

use super::inputs::unreadable;
use crate::base::files::Files;
use crate::base::problem::Problem;
use crate::python;
use crate::reference::{Reference, parse_reference};

/// A reference implementation.
pub(super) struct Module {
    pub(super) path: Utf8PathBuf,
    parsed: OnceLock<ParsedModule>,
}

/// The parsed source.
pub(super) struct ParsedModule {
    pub(super) reference: Option<Reference>,
    pub(super) value: Value,
    pub(super) problems: Vec<Problem>,
}

impl Module {
    pub(super) fn new(path: Utf8PathBuf) -> Self {
        Self { path, parsed: OnceLock::new() }
    }

    pub(super) fn parsed(&self, files: &dyn Files) -> &ParsedModule {
        self.parsed.get_or_init(|| self.parse(files))
    }

    fn parse(&self, files: &dyn Files) -> ParsedModule {
        match files.read_text(&self.path) {
            Ok(source) => {
                let (reference, problems) = python::with_stack_for(&source, || parse_reference(&self.path, &source));
                let value = reference.as_ref().map_or_else(Value::none, Value::from_serializable);
                ParsedModule { reference, value, problems }
            }
            Err(error) => {
                let problem = unreadable("reference implementation", &self.path, &error);
                ParsedModule { reference: None, value: Value::none(), problems: vec![problem] }
            }
        }
    }
}

/// `hf_big_bird.py` is the module `hf_big_bird`; `None` for other files.
pub(super) fn module_name(path: &Utf8Path) -> Option<&str> {
    path.file_name()?.strip_suffix(".py").filter(|name| name.starts_with("hf_"))
}
