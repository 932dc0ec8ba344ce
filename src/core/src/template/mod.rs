//! Templates: names, dialects, parsing, analysis and rendering.
//!
//! This room knows text, tags and values. It must not know suites, models or files: its callers supply the values and
//! the texts.

pub mod analysis;
mod bounded;
pub mod budget;
pub mod callees;
pub mod check;
mod closure;
pub mod compilations;
pub mod compiled;
pub mod dollar;
pub mod filters;
mod graph;
pub mod library;
pub mod links;
mod metering;
pub mod renderer;
pub mod scan;
mod skeleton;
mod stack;
pub mod syntax;
mod tera_errors;
pub mod vocabulary;

#[cfg(test)]
mod renderer_tests;

use std::fmt;

use crate::base::named::named_enum;

/// A template's name: its path below the templates folder, with `/` as separator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateName(String);

impl TemplateName {
    /// The template of that name; it need not exist.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name of a template of the template database. Its ending determines the dialect, as for every template.
    #[must_use]
    pub fn registered(name: &str, dialect: Dialect) -> Self {
        let end = match (dialect, Self::new(name).dialect()) {
            (Dialect::Tera, Dialect::Dollar) => ".tera",
            (Dialect::Dollar, Dialect::Tera) => ".dollar",
            _ => "",
        };
        Self(format!("database:{name}{end}"))
    }

    /// The name of the template at a path below the templates folder.
    #[must_use]
    pub fn at(path: &camino::Utf8Path) -> Self {
        Self(path.as_str().replace('\\', "/"))
    }

    /// The name as written in configuration and in `extends`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The dialect, which the name alone decides.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        if has_extension(&self.0, "tera") { Dialect::Tera } else { Dialect::Dollar }
    }

    /// The path of a support template's output, relative to the folder that needs it: its own path without `.tera`.
    #[must_use]
    pub fn support_path(&self) -> &str {
        if has_extension(&self.0, "tera") { &self.0[..self.0.len() - ".tera".len()] } else { &self.0 }
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    camino::Utf8Path::new(name).extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

named_enum! {
    /// The languages in which templates are written.
    pub enum Dialect {
        /// `*.tera`: Tera 2.
        Tera = "tera",
        /// Anything else: text with `${name}`.
        Dollar = "dollar",
    }
}
