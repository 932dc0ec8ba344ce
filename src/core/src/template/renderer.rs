//! Renders the cases of one compiled template, within limits of time, memory and size.
//!
//! This is the only way to render. This module looks values up by name; it must not know where they come from.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use tera::{Context, Value};

use super::budget;
use super::compiled::{Body, Compiled, Placeholder, TeraBody};
use super::skeleton::{self, Narrowed, Skeleton};
use super::{filters, stack, tera_errors};
use crate::base::cancellation::Cancellation;
use crate::base::problem::{Code, Problem};

/// The source of the values of placeholders.
pub trait Values {
    /// The value of a placeholder; `None` if it has none.
    fn value(&self, placeholder: &str) -> Option<Value>;
}

impl Values for BTreeMap<String, Value> {
    fn value(&self, placeholder: &str) -> Option<Value> {
        self.get(placeholder).cloned()
    }
}

/// Renders case after case of one template.
pub struct Renderer<'c> {
    compiled: &'c Compiled,
    /// The values of the current case, in the order of the placeholders.
    values: Vec<Option<Value>>,
    /// The values of the last case that may affect more than the place where they are written.
    shared: Option<Vec<Option<Value>>>,
    /// The part of the output that consecutive cases with the same shared values have in common.
    skeleton: Option<Skeleton>,
    /// How many skeletons there were before.
    generation: usize,
    narrowed: Narrowed,
    holes: Vec<String>,
    /// The last text that Tera rendered.
    text: Vec<u8>,
    cancellation: Option<Cancellation>,
}

/// The rendering of a case: a whole text, or pieces that can be compared without being joined.
pub struct Rendering<'r>(Pieces<'r>);

enum Pieces<'r> {
    Whole(&'r [u8]),
    Filled { skeleton: &'r Skeleton, values: &'r [String], common: Common<'r> },
}

/// What a rendering has in common with other cases of its renderer: a text, and the places of the values in it.
#[derive(Clone, Copy)]
pub struct Common<'r> {
    skeleton: &'r Skeleton,
    generation: usize,
}

impl<'r> Common<'r> {
    /// Tells it from that of other renderings of the same renderer.
    #[must_use]
    pub const fn generation(self) -> usize {
        self.generation
    }

    /// The texts, and the numbers of the values between them, in order.
    pub fn pieces(self) -> impl Iterator<Item = Result<&'r str, usize>> {
        self.skeleton.parts()
    }
}

impl<'r> Rendering<'r> {
    /// A text that was rendered elsewhere.
    #[must_use]
    pub const fn whole(text: &'r [u8]) -> Self {
        Self(Pieces::Whole(text))
    }

    /// Writes the whole text into `output`, which is cleared first.
    pub fn write(&self, output: &mut Vec<u8>) {
        output.clear();
        match self.0 {
            Pieces::Whole(text) => output.extend_from_slice(text),
            Pieces::Filled { skeleton, values, .. } => skeleton.fill(values, output),
        }
    }

    /// What it has in common with other cases, and the values of its own.
    #[must_use]
    pub const fn common(&self) -> Option<(Common<'r>, &'r [String])> {
        match self.0 {
            Pieces::Whole(_) => None,
            Pieces::Filled { values, common, .. } => Some((common, values)),
        }
    }

    /// Whether it equals the concatenation of these parts.
    #[must_use]
    pub fn is(&self, parts: [&[u8]; 2]) -> bool {
        let mut rest = Rest(parts);
        match self.0 {
            Pieces::Whole(text) => rest.take(text) && rest.is_empty(),
            Pieces::Filled { skeleton, values, .. } => {
                skeleton.pieces(values).all(|piece| rest.take(piece)) && rest.is_empty()
            }
        }
    }
}

/// The unmatched rest of a text in two parts.
struct Rest<'t>([&'t [u8]; 2]);

impl Rest<'_> {
    /// Removes a piece from the beginning; false if the text does not start with it.
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

impl<'c> Renderer<'c> {
    /// A renderer of a template.
    #[must_use]
    pub fn of(compiled: &'c Compiled) -> Self {
        Self {
            compiled,
            values: Vec::new(),
            shared: None,
            skeleton: None,
            generation: 0,
            narrowed: Narrowed::default(),
            holes: Vec::new(),
            text: Vec::new(),
            cancellation: None,
        }
    }

    /// Makes renderings cancellable; a cancelled one fails with `limit-exceeded`.
    #[must_use]
    pub fn cancelled_by(self, cancellation: Cancellation) -> Self {
        Self { cancellation: Some(cancellation), ..self }
    }
}

impl Renderer<'_> {
    /// Renders one case into `output`, which is cleared first.
    ///
    /// # Errors
    /// A problem on the template's line, if it cannot be rendered with these values.
    pub fn render(&mut self, values: &dyn Values, output: &mut Vec<u8>) -> Result<(), Problem> {
        self.rendering(values).map(|rendering| rendering.write(output))
    }

    /// Renders one case.
    ///
    /// # Errors
    /// See [`Renderer::render`].
    pub fn rendering(&mut self, values: &dyn Values) -> Result<Rendering<'_>, Problem> {
        self.values.clear();
        self.values.extend(self.compiled.placeholders.iter().map(|placeholder| values.value(&placeholder.name)));
        match &self.compiled.body {
            Body::Dollar(skeleton) => {
                fill_dollar(&self.compiled.placeholders, &self.values, &mut self.holes)?;
                Ok(filled(&mut self.narrowed, skeleton, &self.holes, self.generation))
            }
            Body::Tera(body) => self.rendering_of_tera(body),
        }
    }

    fn rendering_of_tera(&mut self, body: &TeraBody) -> Result<Rendering<'_>, Problem> {
        if self.has_skeleton(body)
            && let Some(skeleton) = &self.skeleton
        {
            return Ok(filled(&mut self.narrowed, skeleton, &self.holes, self.generation));
        }
        self.text.clear();
        render_directly(body, self.compiled, &self.values, self.cancellation.as_ref(), &mut self.text)?;
        Ok(Rendering::whole(&self.text))
    }

    /// Whether the current case can use the skeleton of the previous ones.
    fn has_skeleton(&mut self, body: &TeraBody) -> bool {
        if !self.fill_holes() {
            return false;
        }
        if !self.same_as_before() {
            self.skeleton = None;
            self.generation += 1;
            self.narrowed.clear();
            self.shared = Some(self.shared_values());
            return false;
        }
        if self.skeleton.is_none() {
            self.skeleton = self.render_skeleton(body);
        }
        self.skeleton.is_some()
    }

    /// Writes the values of bare placeholders; false if one of them cannot be inserted unchanged.
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

    fn render_skeleton(&self, body: &TeraBody) -> Option<Skeleton> {
        let marked =
            self.compiled.placeholders.iter().zip(&self.values).enumerate().map(|(index, (placeholder, value))| {
                if placeholder.bare { Some(Value::from(skeleton::mark(index))) } else { value.clone() }
            });
        let marked: Vec<_> = marked.collect();
        if self.values.iter().flatten().any(|value| skeleton::has_mark(&value.to_string())) {
            return None;
        }
        let mut rendered = Vec::new();
        render_directly(body, self.compiled, &marked, self.cancellation.as_ref(), &mut rendered).ok()?;
        Skeleton::cut(String::from_utf8(rendered).ok()?, marked.len())
    }
}

fn filled<'r>(
    narrowed: &'r mut Narrowed,
    whole: &'r Skeleton,
    values: &'r [String],
    generation: usize,
) -> Rendering<'r> {
    let common = Common { skeleton: whole, generation };
    Rendering(Pieces::Filled { skeleton: narrowed.of(whole, values), values, common })
}

fn render_directly(
    body: &TeraBody,
    compiled: &Compiled,
    values: &[Option<Value>],
    cancellation: Option<&Cancellation>,
    output: &mut Vec<u8>,
) -> Result<(), Problem> {
    let mut context = Context::new();
    for (placeholder, value) in compiled.placeholders.iter().zip(values) {
        if let Some(value) = value {
            context.insert_value(placeholder.name.clone(), value.clone());
        }
    }
    let (rendered, stop) = budget::with_budget(cancellation, || {
        budget::spend(body.weight)?;
        stack::for_rendering(compiled.closure.len(), || {
            body.tera.render_to(compiled.name.as_str(), &context, Bounded(output))
        })
    });
    rendered.map_err(|error| tera_errors::explain_rendering(&error, stop, &compiled.name, &body.places))
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

/// Writes a string or an integer unchanged; false for other values, whose text Tera determines.
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

/// Fails once an output exceeds the size limit.
struct Bounded<'a>(&'a mut Vec<u8>);

impl io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > budget::LARGEST_OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
