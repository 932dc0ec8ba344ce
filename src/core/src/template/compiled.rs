//! A template compiled for rendering: parsed with everything it builds on, its placeholders determined.
//!
//! This module must not know values, or how a template is rendered.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use camino::Utf8Path;
use tera::Tera;
use twox_hash::XxHash3_128;

use super::analysis::{Analysis, Meaning, Use, UseKind};
use super::closure::{Closure, Member};
use super::dollar::{self, DollarPiece};
use super::library::Library;
use super::metering::{self, Metered};
use super::skeleton::{self, Skeleton};
use super::tera_errors::{self, Places};
use super::{Dialect, TemplateName, bounded, budget, check, filters, stack};
use crate::base::problem::{Code, Problem};

/// Tera's name for a map of all values.
const CONTEXT: &str = "__tera_context";

/// The most templates that one may be rendered with; Tera renders templates in templates recursively.
const LARGEST_CLOSURE: usize = 4096;

/// A template that is ready to render.
pub struct Compiled {
    /// The template's name.
    pub name: TemplateName,
    /// The placeholders used by it and what it builds on, sorted by name.
    pub placeholders: Vec<Placeholder>,
    /// The templates whose texts its output depends on: itself first, then what it builds on.
    pub closure: Vec<TemplateName>,
    /// The support templates named by it and what it builds on.
    pub support: Vec<TemplateName>,
    /// A hash of the names and texts of the closure.
    pub text_hash: u128,
    /// The components that it, or what it builds on, calls; any template of the library may define them.
    pub(super) calls: BTreeSet<String>,
    pub(super) body: Body,
}

/// A placeholder that a template uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The name.
    pub name: String,
    /// The places where it is used.
    pub places: Vec<Place>,
    /// The places where it is used without a test whether it has a value.
    pub unguarded: Vec<Place>,
    /// Whether the template also binds the name itself somewhere.
    pub bound: bool,
    /// Whether every use writes it unchanged, so that its value cannot affect anything else in the output.
    pub(super) bare: bool,
}

/// A place in a template's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The template's path as the user would name it.
    pub path: Arc<Utf8Path>,
    /// The range there.
    pub range: crate::base::text::Range,
}

/// The part of a compiled template that depends on the dialect.
pub(super) enum Body {
    Tera(Box<TeraBody>),
    Dollar(Skeleton),
}

/// A Tera template with its closure.
pub(super) struct TeraBody {
    pub(super) tera: Tera,
    /// The units of the budget spent by everything outside blocks.
    pub(super) weight: u64,
    /// Maps places in the metered texts to places in the templates.
    pub(super) places: Places,
}

/// Compiles a template.
///
/// # Errors
/// All problems of the template and of what it builds on.
pub fn compile(library: &Library<'_>, name: &TemplateName) -> Result<Compiled, Vec<Problem>> {
    let mut closure = Closure::of(library, name);
    if !closure.problems.is_empty() {
        return Err(std::mem::take(&mut closure.problems));
    }
    if closure.members.len() > LARGEST_CLOSURE {
        let message = format!("`{name}` is rendered with more than {LARGEST_CLOSURE} other templates");
        let problem = Problem::error(Code::LimitExceeded, message).help("let fewer templates extend or include others");
        return Err(vec![problem.in_file(&closure.members[0].source.path)]);
    }
    closure.refuse(library)?;
    match name.dialect() {
        Dialect::Dollar => Ok(closure.compile_dollar(name)),
        Dialect::Tera => closure.compile_tera(name),
    }
}

impl Closure<'_> {
    /// All problems of the members; Tera would stop at the first error.
    fn refuse(&self, library: &Library<'_>) -> Result<(), Vec<Problem>> {
        let problems: Vec<_> = self.members.iter().flat_map(|member| check::refusals(library, &member.name)).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn compile_dollar(self, name: &TemplateName) -> Compiled {
        let member = &self.members[0];
        let names: BTreeSet<_> = member.analysis.uses.iter().map(|found| found.name.clone()).collect();
        let placeholders = self.placeholders(names);
        let body = Body::Dollar(dollar_skeleton(&member.source.text, &placeholders));
        self.compiled(name, placeholders, body)
    }

    fn compile_tera(self, name: &TemplateName) -> Result<Compiled, Vec<Problem>> {
        let metered = self.metered();
        let texts = self.members.iter().zip(&metered).map(|(member, metered)| (member, metered.text.as_str()));
        let tera = match engine(texts) {
            Ok(tera) => tera,
            Err(error) => return Err(self.explain(name, &metered, &error)),
        };
        let mut names: BTreeSet<String> = match tera.get_template_variables(name.as_str()) {
            Ok(names) => names.into_iter().map(str::to_owned).collect(),
            Err(error) => return Err(self.explain(name, &metered, &error)),
        };
        // A component can take a value from its caller's scope by name (`@name`), which Tera does not count as a use.
        names.extend(self.component_parameters());
        // Tera does not count the map of all values either, whose order differs from run to run.
        let asks_for_all = |found: &Use| found.name == CONTEXT && found.meaning == Meaning::Placeholder;
        if self.members.iter().any(|member| member.analysis.uses.iter().any(asks_for_all)) {
            names.insert(CONTEXT.to_owned());
        }
        let placeholders = self.placeholders(names);
        let weight = self.weight(name, &metered);
        let places = self.members.iter().zip(metered).map(|(member, metered)| (member.name.clone(), metered.places));
        let body = TeraBody { tera, weight, places: places.collect() };
        Ok(self.compiled(name, placeholders, Body::Tera(Box::new(body))))
    }

    fn metered(&self) -> Vec<Metered> {
        let members = self.members.iter().map(|member| metering::Member {
            name: member.name.as_str(),
            text: &member.source.text,
            tree: member.source.tree(),
            analysis: member.analysis,
        });
        metering::meter(&members.collect::<Vec<_>>())
    }

    /// The weight of code that is executed in place: the content of the outermost parent.
    fn weight(&self, name: &TemplateName, metered: &[Metered]) -> u64 {
        let mut current = name.as_str();
        loop {
            let found = self.members.iter().zip(metered).find(|(member, _)| member.name.as_str() == current);
            match found {
                Some((Member { analysis: Analysis { extends: Some(parent), .. }, .. }, _)) => current = &parent.name,
                Some((_, metered)) => return metered.weight,
                None => return 0,
            }
        }
    }

    fn component_parameters(&self) -> impl Iterator<Item = String> {
        self.members.iter().flat_map(|member| member.analysis.parameters_from_surroundings()).map(str::to_owned)
    }

    fn placeholders(&self, names: BTreeSet<String>) -> Vec<Placeholder> {
        let changeable = self.members.iter().any(|member| {
            member.analysis.captures || skeleton::has_mark(&member.source.text) || member.source.text.contains(CONTEXT)
        });
        let mut placeholders: Vec<_> = names.into_iter().map(|name| self.placeholder(name, changeable)).collect();
        let numbers: HashMap<String, usize> =
            placeholders.iter().enumerate().map(|(number, placeholder)| (placeholder.name.clone(), number)).collect();
        for member in &self.members {
            let path: Arc<Utf8Path> = Arc::from(member.source.path.as_path());
            for found in &member.analysis.uses {
                if let Some(number) = numbers.get(&*found.name) {
                    let range = member.source.range(&found.span);
                    placeholders[*number].add(found, Place { path: Arc::clone(&path), range });
                }
            }
        }
        for placeholder in &mut placeholders {
            placeholder.bare &= !placeholder.places.is_empty();
        }
        placeholders
    }

    fn placeholder(&self, name: String, changeable: bool) -> Placeholder {
        let is_bound = self.members.iter().any(|member| member.analysis.bound.contains(&name));
        let bare = !changeable && !is_bound;
        let bound = self.members.iter().any(|member| member.analysis.binds_for_others(&name));
        Placeholder { bare, bound, places: Vec::new(), unguarded: Vec::new(), name }
    }

    fn compiled(self, name: &TemplateName, placeholders: Vec<Placeholder>, body: Body) -> Compiled {
        let support: BTreeSet<_> =
            self.members.iter().flat_map(|member| &member.analysis.support).map(|found| found.name.clone()).collect();
        Compiled {
            name: name.clone(),
            placeholders,
            text_hash: self.text_hash(),
            calls: self.names_of(|analysis| &analysis.calls).into_iter().map(str::to_owned).collect(),
            support: support.into_iter().map(TemplateName::new).collect(),
            closure: self.members.into_iter().map(|member| member.name).collect(),
            body,
        }
    }

    fn text_hash(&self) -> u128 {
        let mut hasher = XxHash3_128::new();
        for part in self.members.iter().flat_map(|member| [member.name.as_str(), &member.source.text]) {
            hasher.write(&part.len().to_le_bytes());
            hasher.write(part.as_bytes());
        }
        hasher.finish_128()
    }

    /// Explains why Tera rejects the metered texts. If it accepts the original templates, an expression is close to the
    /// limit of operators, and metering exceeded it.
    fn explain(&self, root: &TemplateName, metered: &[Metered], error: &tera::Error) -> Vec<Problem> {
        let find =
            |name: &str| self.members.iter().find(|member| member.name.as_str() == name).map(|member| member.source);
        let texts = self.members.iter().map(|member| (member, member.source.text.as_str()));
        if let Err(error) = engine(texts) {
            return tera_errors::explain_all(&error, root, &find);
        }
        let places = self.members.iter().zip(metered).map(|(member, found)| (member.name.clone(), &found.places));
        vec![tera_errors::too_complex(error, root, &find, &places.collect())]
    }
}

impl Placeholder {
    /// Records a use of the name.
    fn add(&mut self, found: &Use, place: Place) {
        self.bare &= found.kind == UseKind::Bare;
        if found.meaning == Meaning::Placeholder {
            if found.kind != UseKind::Guarded {
                self.unguarded.push(place.clone());
            }
            self.places.push(place);
        }
    }
}

/// A Tera engine with these templates and cargo-tgen's filters.
fn engine<'t>(texts: impl ExactSizeIterator<Item = (&'t Member<'t>, &'t str)>) -> tera::TeraResult<Tera> {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::<&str>::new());
    filters::register(&mut tera);
    bounded::register(&mut tera);
    budget::register(&mut tera);
    stack::for_compiling(texts.len(), || {
        tera.add_raw_templates(texts.map(|(member, text)| (member.name.as_str(), text)))?;
        Ok(tera)
    })
}

fn dollar_skeleton(text: &str, placeholders: &[Placeholder]) -> Skeleton {
    let pieces = dollar::scan(text).into_iter().map(|piece| match piece {
        DollarPiece::Placeholder { name, .. } => {
            let name = &text[name];
            placeholders.binary_search_by(|found| found.name.as_str().cmp(name)).map_or(Ok(""), Err)
        }
        DollarPiece::Escape(_) => Ok("${"),
        DollarPiece::Text(span) | DollarPiece::Broken(span) => Ok(&text[span]),
    });
    Skeleton::from_pieces(pieces)
}

impl Compiled {
    /// Compiles a Tera text that is not in a file, such as a path pattern; `what` describes it.
    ///
    /// # Errors
    /// All problems of the text.
    pub fn inline(what: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let name = TemplateName::new(format!("{what}.tera"));
        compile(&Library::of_text(&name, text), &name)
    }

    /// The placeholder of that name, if the template uses it.
    #[must_use]
    pub fn placeholder(&self, name: &str) -> Option<&Placeholder> {
        self.placeholders.iter().find(|placeholder| placeholder.name == name)
    }
}
