//! A template made ready to render: parsed with everything it builds on, its placeholders known.
//!
//! There is one way to render, and it is here. This module takes values by name; it must not know where they come from.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::io;
use std::ops::Range;

use camino::Utf8PathBuf;
use tera::{Context, Tera, Value};
use twox_hash::XxHash3_128;

use super::analysis::{Analysis, Meaning, Reference, UseKind};
use super::check;
use super::dollar::{self, DollarPiece};
use super::filters;
use super::library::{Library, Source};
use super::skeleton::{self, Narrowed, Skeleton};
use super::tera_errors;
use super::{Dialect, TemplateName};
use crate::base::problem::{Code, Problem, Related};
use crate::base::suggest::did_you_mean;

/// The largest output that is rendered.
pub const LARGEST_OUTPUT: usize = 64 * 1024 * 1024;

/// Where a rendering gets the values of placeholders.
pub trait Values {
    /// The value of a placeholder; none when it has no value here.
    fn value(&self, placeholder: &str) -> Option<Value>;
}

impl Values for BTreeMap<String, Value> {
    fn value(&self, placeholder: &str) -> Option<Value> {
        self.get(placeholder).cloned()
    }
}

/// A template ready to render.
pub struct Compiled {
    /// The template's name.
    pub name: TemplateName,
    /// The placeholders it and what it builds on use, sorted by name.
    pub placeholders: Vec<Placeholder>,
    /// The templates whose text decides its output: itself first, then what it builds on.
    pub closure: Vec<TemplateName>,
    /// The support templates that it or what it builds on asks for.
    pub support: Vec<TemplateName>,
    /// The names and texts of the closure, as one number.
    pub text_hash: u128,
    /// The components that it, or what it builds on, calls; any template of the library may define them.
    pub(super) calls: BTreeSet<String>,
    body: Body,
}

/// A placeholder that a template uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The name.
    pub name: String,
    /// Where it is used.
    pub places: Vec<Place>,
    /// Where it is used without asking first whether there is a value.
    pub unguarded: Vec<Place>,
    /// Whether the template also binds the name itself, somewhere.
    pub bound: bool,
    /// Whether it is only ever written as it is, so that its value changes nothing else.
    bare: bool,
}

/// A place in a template's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The template's path as the user would name it.
    pub path: Utf8PathBuf,
    /// The range there.
    pub range: crate::base::text::Range,
}

enum Body {
    Tera(Box<Tera>),
    Dollar(Skeleton),
}

/// Makes a template ready to render.
///
/// # Errors
/// All problems of the template and of what it builds on, when there are any.
pub fn compile(library: &Library<'_>, name: &TemplateName) -> Result<Compiled, Vec<Problem>> {
    let closure = Closure::of(library, name)?;
    closure.refuse(library)?;
    match name.dialect() {
        Dialect::Dollar => Ok(closure.compile_dollar(name)),
        Dialect::Tera => closure.compile_tera(name),
    }
}

/// A template and everything it builds on, read and analysed.
struct Closure<'l> {
    members: Vec<Member<'l>>,
}

struct Member<'l> {
    name: TemplateName,
    source: &'l Source,
    analysis: &'l Analysis,
}

impl<'l> Closure<'l> {
    fn of(library: &'l Library<'_>, root: &TemplateName) -> Result<Self, Vec<Problem>> {
        let mut closure = Self { members: Vec::new() };
        let mut problems = Vec::new();
        let mut waiting = VecDeque::from([(root.clone(), None)]);
        while let Some((name, asked_by)) = waiting.pop_front() {
            if closure.members.iter().any(|member| member.name == name) {
                continue;
            }
            match library.source(&name) {
                Ok(source) => waiting.extend(closure.add(name, source)),
                Err(problem) => problems.push(blame(problem, asked_by)),
            }
            if waiting.is_empty() {
                waiting.extend(closure.missing_components(library));
            }
        }
        if problems.is_empty() { Ok(closure) } else { Err(problems) }
    }

    /// Adds a member and returns what it builds on, with the place that asks for it.
    fn add(&mut self, name: TemplateName, source: &'l Source) -> Vec<(TemplateName, Option<Place>)> {
        let analysis = source.analysis();
        let asked = analysis
            .builds_on
            .iter()
            .map(|reference| (TemplateName::new(&reference.name), Some(place(source, &reference.span))))
            .collect();
        self.members.push(Member { name, source, analysis });
        asked
    }

    /// The templates that define components which are called and not yet defined.
    fn missing_components(&self, library: &Library<'_>) -> Vec<(TemplateName, Option<Place>)> {
        let defined: BTreeSet<_> = self.names_of(|analysis| &analysis.defines);
        let called: BTreeSet<_> = self.names_of(|analysis| &analysis.calls);
        let missing: BTreeSet<_> = called.difference(&defined).copied().collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let defines_one = |name: &&TemplateName| {
            name.dialect() == Dialect::Tera
                && !self.members.iter().any(|member| member.name == **name)
                && library.source(name).is_ok_and(|source| {
                    source.analysis().defines.iter().any(|found| missing.contains(found.name.as_str()))
                })
        };
        library.names().filter(defines_one).map(|name| (name.clone(), None)).collect()
    }

    fn names_of(&self, list: impl Fn(&Analysis) -> &Vec<Reference>) -> BTreeSet<&str> {
        self.members.iter().flat_map(|member| list(member.analysis)).map(|reference| reference.name.as_str()).collect()
    }

    /// All that is wrong with the members; Tera itself would stop at the first error.
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
        let mut tera = Tera::default();
        tera.autoescape_on(Vec::<&str>::new());
        filters::register(&mut tera);
        let sources = self.members.iter().map(|member| (member.name.as_str(), member.source.text.as_str()));
        tera.add_raw_templates(sources).map_err(|error| self.explain(name, &error))?;
        let mut names: BTreeSet<String> = match tera.get_template_variables(name.as_str()) {
            Ok(names) => names.into_iter().map(str::to_owned).collect(),
            Err(error) => return Err(self.explain(name, &error)),
        };
        // A component can take a value from its surroundings by name (`@name`), which Tera does not count as a use.
        names.extend(self.component_parameters());
        let placeholders = self.placeholders(names);
        Ok(self.compiled(name, placeholders, Body::Tera(Box::new(tera))))
    }

    fn component_parameters(&self) -> impl Iterator<Item = String> {
        self.members.iter().flat_map(|member| member.analysis.parameters_from_surroundings()).map(str::to_owned)
    }

    fn placeholders(&self, names: BTreeSet<String>) -> Vec<Placeholder> {
        let changeable = self.members.iter().any(|member| {
            member.analysis.captures
                || skeleton::has_mark(&member.source.text)
                || member.source.text.contains("__tera_context")
        });
        names.into_iter().map(|name| self.placeholder(name, changeable)).collect()
    }

    fn placeholder(&self, name: String, changeable: bool) -> Placeholder {
        let is_bound = self.members.iter().any(|member| member.analysis.bound.contains(&name));
        let bare = !changeable && !is_bound;
        let bound = self.members.iter().any(|member| member.analysis.binds_for_others(&name));
        let mut placeholder = Placeholder { bare, bound, places: Vec::new(), unguarded: Vec::new(), name };
        for member in &self.members {
            for found in member.analysis.uses.iter().filter(|found| found.name == placeholder.name) {
                placeholder.bare &= found.kind == UseKind::Bare;
                if found.meaning == Meaning::Placeholder {
                    let place = place(member.source, &found.span);
                    if found.kind != UseKind::Guarded {
                        placeholder.unguarded.push(place.clone());
                    }
                    placeholder.places.push(place);
                }
            }
        }
        placeholder.bare &= !placeholder.places.is_empty();
        placeholder
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

    fn explain(&self, root: &TemplateName, error: &tera::Error) -> Vec<Problem> {
        let find =
            |name: &str| self.members.iter().find(|member| member.name.as_str() == name).map(|member| member.source);
        tera_errors::explain_all(error, root, &find)
    }
}

fn place(source: &Source, span: &Range<usize>) -> Place {
    Place { path: source.path.clone(), range: source.lines.range(span.clone()) }
}

/// A template that cannot be read is a problem of the place that asks for it.
fn blame(problem: Problem, asked_by: Option<Place>) -> Problem {
    let Some(place) = asked_by else { return problem };
    let code = if problem.code == Code::MissingTemplate { Code::BrokenInheritance } else { problem.code };
    let mut blamed = Problem { code, ..problem.clone() }.in_file(&place.path).at(place.range);
    if let Some(path) = problem.path {
        blamed.related.push(Related { path, range: problem.range, message: "this is the template".to_owned() });
    }
    blamed
}

fn dollar_skeleton(text: &str, placeholders: &[Placeholder]) -> Skeleton {
    let pieces = dollar::scan(text).into_iter().map(|piece| match piece {
        DollarPiece::Placeholder { name, .. } => {
            let name = &text[name];
            placeholders.iter().position(|found| found.name == name).map_or(Ok(""), Err)
        }
        DollarPiece::Escape(_) => Ok("${"),
        DollarPiece::Text(span) | DollarPiece::Broken(span) => Ok(&text[span]),
    });
    Skeleton::from_pieces(pieces)
}

impl Compiled {
    /// Compiles a Tera text that stands in no file, such as a path pattern; `what` says what it is.
    ///
    /// # Errors
    /// All problems of the text, when there are any.
    pub fn inline(what: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let name = TemplateName::new(format!("{what}.tera"));
        compile(&Library::of_text(&name, text), &name)
    }

    /// A renderer, which remembers what consecutive cases have in common.
    #[must_use]
    pub fn renderer(&self) -> Renderer<'_> {
        let (values, holes, text) = (Vec::new(), Vec::new(), Vec::new());
        Renderer { compiled: self, values, shared: None, skeleton: None, narrowed: Narrowed::default(), holes, text }
    }

    /// The placeholder of that name, if the template uses it.
    #[must_use]
    pub fn placeholder(&self, name: &str) -> Option<&Placeholder> {
        self.placeholders.iter().find(|placeholder| placeholder.name == name)
    }
}

/// Renders case after case of one template.
pub struct Renderer<'c> {
    compiled: &'c Compiled,
    /// The values of the case at hand, in the order of the placeholders.
    values: Vec<Option<Value>>,
    /// The values of the last case that can change more than their own place.
    shared: Option<Vec<Option<Value>>>,
    /// What consecutive cases with the same shared values have in common.
    skeleton: Option<Skeleton>,
    narrowed: Narrowed,
    holes: Vec<String>,
    /// What Tera rendered last.
    text: Vec<u8>,
}

/// What a case renders to: a whole text, or the pieces of one, which need not be put together to be compared.
pub struct Rendering<'r>(Pieces<'r>);

enum Pieces<'r> {
    Whole(&'r [u8]),
    Filled(&'r Skeleton, &'r [String]),
}

impl<'r> Rendering<'r> {
    /// A text that was rendered elsewhere.
    #[must_use]
    pub const fn whole(text: &'r [u8]) -> Self {
        Self(Pieces::Whole(text))
    }

    /// Puts it together in `output`, which is cleared first.
    pub fn write(&self, output: &mut Vec<u8>) {
        output.clear();
        match self.0 {
            Pieces::Whole(text) => output.extend_from_slice(text),
            Pieces::Filled(skeleton, values) => skeleton.fill(values, output),
        }
    }

    /// Whether it is what these parts are, one after the other.
    #[must_use]
    pub fn is(&self, parts: [&[u8]; 2]) -> bool {
        let mut rest = Rest(parts);
        match self.0 {
            Pieces::Whole(text) => rest.take(text) && rest.is_empty(),
            Pieces::Filled(skeleton, values) => {
                skeleton.pieces(values).all(|piece| rest.take(piece)) && rest.is_empty()
            }
        }
    }
}

/// What is left of a text in two parts.
struct Rest<'t>([&'t [u8]; 2]);

impl Rest<'_> {
    /// Takes a piece from the beginning; false when it is not what is there.
    fn take(&mut self, piece: &[u8]) -> bool {
        let [first, second] = self.0;
        if first.is_empty() {
            return second.strip_prefix(piece).is_some_and(|rest| {
                self.0[1] = rest;
                true
            });
        }
        let (of_first, of_second) = piece.split_at(piece.len().min(first.len()));
        match (first.strip_prefix(of_first), second.strip_prefix(of_second)) {
            (Some(first), Some(second)) => {
                self.0 = [first, second];
                true
            }
            _ => false,
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|part| part.is_empty())
    }
}

impl Renderer<'_> {
    /// Renders one case into `output`, which is cleared first.
    ///
    /// # Errors
    /// A problem on the template's line when it cannot be rendered with these values.
    pub fn render(&mut self, values: &dyn Values, output: &mut Vec<u8>) -> Result<(), Problem> {
        self.rendering(values).map(|rendering| rendering.write(output))
    }

    /// Renders one case.
    ///
    /// # Errors
    /// As [`Renderer::render`].
    pub fn rendering(&mut self, values: &dyn Values) -> Result<Rendering<'_>, Problem> {
        self.values.clear();
        self.values.extend(self.compiled.placeholders.iter().map(|placeholder| values.value(&placeholder.name)));
        match &self.compiled.body {
            Body::Dollar(skeleton) => {
                fill_dollar(&self.compiled.placeholders, &self.values, &mut self.holes)?;
                Ok(Rendering(Pieces::Filled(self.narrowed.of(skeleton, &self.holes), &self.holes)))
            }
            Body::Tera(tera) => self.rendering_of_tera(tera),
        }
    }

    fn rendering_of_tera(&mut self, tera: &Tera) -> Result<Rendering<'_>, Problem> {
        if self.has_skeleton(tera)
            && let Some(skeleton) = &self.skeleton
        {
            return Ok(Rendering(Pieces::Filled(self.narrowed.of(skeleton, &self.holes), &self.holes)));
        }
        self.text.clear();
        render_directly(tera, self.compiled, &self.values, &mut self.text)?;
        Ok(Rendering::whole(&self.text))
    }

    /// Whether the case at hand is its values in what it has in common with the case before it.
    fn has_skeleton(&mut self, tera: &Tera) -> bool {
        if !self.fill_holes() {
            return false;
        }
        if !self.same_as_before() {
            self.skeleton = None;
            self.narrowed.clear();
            self.shared = Some(self.shared_values());
            return false;
        }
        if self.skeleton.is_none() {
            self.skeleton = self.render_skeleton(tera);
        }
        self.skeleton.is_some()
    }

    /// Writes the values of bare placeholders; false when one of them is nothing that can be put in as it is.
    fn fill_holes(&mut self) -> bool {
        self.holes.resize_with(self.compiled.placeholders.len(), String::new);
        let places = self.compiled.placeholders.iter().zip(&self.values).zip(&mut self.holes);
        places.filter(|((placeholder, _), _)| placeholder.bare).all(|((_, value), hole)| {
            hole.clear();
            value.as_ref().is_some_and(|value| push_plain(value, hole))
        })
    }

    fn same_as_before(&self) -> bool {
        let shared = self.compiled.placeholders.iter().zip(&self.values).filter(|(placeholder, _)| !placeholder.bare);
        self.shared.as_ref().is_some_and(|before| shared.map(|(_, value)| value).eq(before))
    }

    fn shared_values(&self) -> Vec<Option<Value>> {
        let shared = self.compiled.placeholders.iter().zip(&self.values).filter(|(placeholder, _)| !placeholder.bare);
        shared.map(|(_, value)| value.clone()).collect()
    }

    fn render_skeleton(&self, tera: &Tera) -> Option<Skeleton> {
        let marked =
            self.compiled.placeholders.iter().zip(&self.values).enumerate().map(|(index, (placeholder, value))| {
                if placeholder.bare { Some(Value::from(skeleton::mark(index))) } else { value.clone() }
            });
        let marked: Vec<_> = marked.collect();
        if self.values.iter().flatten().any(|value| skeleton::has_mark(&value.to_string())) {
            return None;
        }
        let mut rendered = Vec::new();
        render_directly(tera, self.compiled, &marked, &mut rendered).ok()?;
        Skeleton::cut(String::from_utf8(rendered).ok()?, marked.len())
    }
}

fn render_directly(
    tera: &Tera,
    compiled: &Compiled,
    values: &[Option<Value>],
    output: &mut Vec<u8>,
) -> Result<(), Problem> {
    let mut context = Context::new();
    for (placeholder, value) in compiled.placeholders.iter().zip(values) {
        if let Some(value) = value {
            context.insert_value(placeholder.name.clone(), value.clone());
        }
    }
    filters::begin_rendering();
    tera.render_to(compiled.name.as_str(), &context, Bounded(output))
        .map_err(|error| tera_errors::explain_rendering(&error, &compiled.name))
}

fn fill_dollar(placeholders: &[Placeholder], values: &[Option<Value>], holes: &mut Vec<String>) -> Result<(), Problem> {
    holes.resize_with(placeholders.len(), String::new);
    for ((placeholder, value), hole) in placeholders.iter().zip(values).zip(holes) {
        hole.clear();
        let value = value.as_ref().filter(|value| !value.is_none()).ok_or_else(|| no_value(placeholder))?;
        if !push_plain(value, hole) {
            hole.push_str(&filters::python_literal(value));
        }
    }
    Ok(())
}

fn no_value(placeholder: &Placeholder) -> Problem {
    let problem = Problem::error(Code::RenderFailed, format!("placeholder `{}` has no value here", placeholder.name));
    match placeholder.places.first() {
        Some(place) => problem.in_file(&place.path).at(place.range),
        None => problem,
    }
}

/// Writes a string as it is or an integer; false for a value whose text Tera decides.
fn push_plain(value: &Value, text: &mut String) -> bool {
    if let Some(string) = value.as_str() {
        text.push_str(string);
        return true;
    }
    match value.as_i64().filter(|_| !value.is_f64()) {
        Some(number) => text.write_fmt(format_args!("{number}")).is_ok(),
        None => false,
    }
}

/// Gives up on an output that grows beyond every sensible file.
struct Bounded<'a>(&'a mut Vec<u8>);

impl io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST_OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The help for a name that no template, filter or placeholder has.
#[must_use]
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    did_you_mean(name, known).unwrap_or_else(|| "run `cargo tgen placeholders` to see what there is".to_owned())
}
