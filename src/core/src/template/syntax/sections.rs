//! The nesting of tags: which tag closes which, and which tags are allowed inside which.
//!
//! A stack of open sections suffices. A section without an end ends with its parent, so that one missing end tag is one
//! fault.

use std::collections::HashSet;

use super::tree::{ElementId, ElementKind, Fault, LoopContext, OwnFault, Span, Tree};
use crate::template::scan::{Piece, PieceKind};

/// How deep Tera lets sections nest, the template itself included.
const MAX_NESTING: usize = 40;
/// The most branches of one `if`: each takes a level of Tera's stack.
const MAX_BRANCHES: usize = 256;

/// A section that is open.
struct Open {
    element: ElementId,
    kind: Section,
    /// The place of its opening tag, for faults.
    span: Span,
    /// Whether only its end tag may follow: after `else`.
    last_part: bool,
    branches: usize,
    /// Whether the opening tag has a fault itself, so that no other fault is reported for it.
    faulty: bool,
}

/// The kinds of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    If,
    For,
    SetBlock,
    Block,
    Filter,
    Component,
    ComponentBody,
}

impl Section {
    fn of(kind: &ElementKind) -> Option<Self> {
        Some(match kind {
            ElementKind::If(_) => Self::If,
            ElementKind::For(_) => Self::For,
            ElementKind::SetBlock(..) => Self::SetBlock,
            ElementKind::Block(_) => Self::Block,
            ElementKind::Filter(_) => Self::Filter,
            ElementKind::Component(_) => Self::Component,
            ElementKind::ComponentBody(_) => Self::ComponentBody,
            _ => return None,
        })
    }

    /// The keyword of the tag that closes it.
    const fn end_word(self) -> &'static str {
        match self {
            Self::If => "endif",
            Self::For => "endfor",
            Self::SetBlock => "endset",
            Self::Block => "endblock",
            Self::Filter => "endfilter",
            Self::Component => "endcomponent",
            Self::ComponentBody => "</",
        }
    }

    const fn phrase(self) -> &'static str {
        match self {
            Self::If => "an `if`",
            Self::For => "a loop",
            Self::SetBlock => "a `set` block",
            Self::Block => "a block",
            Self::Filter => "a `filter` section",
            Self::Component => "the definition of a component",
            Self::ComponentBody => "the content of a component",
        }
    }

    /// Whether its content is captured instead of being written directly.
    const fn captures(self) -> bool {
        matches!(self, Self::SetBlock | Self::Filter | Self::ComponentBody)
    }
}

/// Nests elements, one after the other.
pub(super) struct Nesting<'s> {
    source: &'s str,
    open: Vec<Open>,
    blocks: HashSet<String>,
    components: HashSet<String>,
    extends: bool,
    /// Whether something that a child template must not have before `extends` has been seen.
    begun: bool,
}

impl<'s> Nesting<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self {
            source,
            open: Vec::new(),
            blocks: HashSet::new(),
            components: HashSet::new(),
            extends: false,
            begun: false,
        }
    }

    /// Whether `loop` is defined in a piece; a loop's own header counts as inside.
    pub(super) fn loop_context(&self, piece: &Piece) -> LoopContext {
        let is_header = || {
            let word = piece.tokens.first().map(|token| token.text(self.source));
            piece.kind == PieceKind::Tag && word == Some("for")
        };
        if piece.tokens.is_empty() {
            return LoopContext::OutsideOfLoops;
        }
        if is_header() || self.contexts().any(|open| open.kind == Section::For) {
            LoopContext::InLoop
        } else {
            LoopContext::OutsideOfLoops
        }
    }

    /// Adds the next element of the tree to its section. A fault of the piece itself takes precedence over a fault of
    /// its nesting.
    pub(super) fn add(&mut self, tree: &mut Tree, element: ElementId, piece: &Piece, own: Option<Fault>) {
        let fault = self.nest(tree, element, piece, own.is_some());
        if let Some(own) = &own {
            tree.own_faults.push(OwnFault { element, fault: own.clone() });
        }
        tree.faults.extend(own.or(fault));
    }

    fn nest(&mut self, tree: &mut Tree, element: ElementId, piece: &Piece, faulty: bool) -> Option<Fault> {
        let word = piece.tokens.first().map(|token| (token.text(self.source), token.span.clone()));
        let kind = &tree.elements[element].kind;
        let fault = match (kind, word) {
            (ElementKind::Elif(_) | ElementKind::Else | ElementKind::End(_), Some((word, at))) => {
                return self.continue_or_close(tree, element, word, at);
            }
            (ElementKind::Text | ElementKind::Raw | ElementKind::Comment, _) | (_, None) => {
                self.check_text(kind, piece)
            }
            (_, Some((_, at))) => self.check_tag(kind, at, &piece.span),
        };
        let section = Section::of(kind);
        self.put_into_section(tree, element);
        // An unclosed tag is still being typed, and so its end tag may be missing too.
        if let Some(kind) = section.filter(|_| piece.closed && self.open.len() < MAX_NESTING) {
            let span = piece.span.clone();
            self.open.push(Open { element, kind, span, last_part: false, branches: 1, faulty });
        }
        fault
    }

    /// Adds the faults of sections that are still open, and sorts all faults.
    pub(super) fn finish(mut self, tree: &mut Tree) {
        while let Some(open) = self.open.pop() {
            tree.faults.extend(self.never_closed(&open));
        }
        tree.faults.sort_by_key(|fault| fault.span.start);
    }

    fn put_into_section(&self, tree: &mut Tree, element: ElementId) {
        let parent = self.open.last().map(|open| open.element);
        let element = &mut tree.elements[element];
        (element.parent, element.end) = (parent, None);
    }

    /// The surrounding sections that restrict what is allowed here, without the `else` of a loop.
    fn contexts(&self) -> impl DoubleEndedIterator<Item = &Open> {
        self.open.iter().filter(|open| open.kind != Section::For || !open.last_part)
    }

    fn is_ignored_place(&self) -> bool {
        self.extends && self.contexts().next().is_none()
    }

    fn check_text(&mut self, kind: &ElementKind, piece: &Piece) -> Option<Fault> {
        if !is_written(kind, &self.source[piece.span.clone()]) {
            return None;
        }
        self.begun |= self.open.is_empty();
        self.is_ignored_place().then(|| ignored(self.source, piece.span.clone()))
    }

    fn check_tag(&mut self, kind: &ElementKind, at: Span, piece: &Span) -> Option<Fault> {
        let fault = match kind {
            ElementKind::Extends(_) => self.check_extends(at),
            ElementKind::Block(name) => self.check_block(name.as_ref(), at),
            ElementKind::Component(definition) => self.check_component(definition.name.as_ref(), at),
            ElementKind::Break | ElementKind::Continue => self.check_jump(at),
            _ => None,
        };
        let belongs_to_children =
            matches!(kind, ElementKind::Extends(_) | ElementKind::Block(_) | ElementKind::Component(_));
        self.begun |= self.open.is_empty() && !matches!(kind, ElementKind::Component(_));
        if fault.is_some() {
            return fault;
        }
        if !belongs_to_children && self.is_ignored_place() {
            return Some(ignored(self.source, piece.clone()));
        }
        if Section::of(kind).is_some() && self.open.len() + 2 > MAX_NESTING {
            return Some(fault_at(piece.clone(), "the sections nest too deeply for Tera".to_owned()));
        }
        None
    }

    fn check_extends(&mut self, at: Span) -> Option<Fault> {
        let message = if self.extends {
            "the template extends another one already"
        } else if self.begun {
            "`extends` must come before everything else"
        } else if let Some(open) = self.contexts().next_back() {
            return Some(fault_at(at, format!("`extends` cannot stand inside of {}", open.kind.phrase())));
        } else {
            self.extends = true;
            return None;
        };
        Some(fault_at(at, message.to_owned()))
    }

    fn check_block(&mut self, name: Option<&Span>, at: Span) -> Option<Fault> {
        let bad = self.contexts().find(|open| matches!(open.kind, Section::For | Section::Component));
        if let Some(open) = bad {
            return Some(fault_at(at, format!("a block cannot stand inside of {}", open.kind.phrase())));
        }
        twice(self.source, &mut self.blocks, name?, "block")
    }

    fn check_component(&mut self, name: Option<&Span>, at: Span) -> Option<Fault> {
        if let Some(open) = self.contexts().next_back() {
            return Some(fault_at(at, format!("a component cannot be defined inside of {}", open.kind.phrase())));
        }
        twice(self.source, &mut self.components, name?, "component")
    }

    /// `break` and `continue` need a loop around them, with no capture in between.
    fn check_jump(&self, at: Span) -> Option<Fault> {
        let word = &self.source[at.clone()];
        let around = self.contexts().rev().find(|open| open.kind == Section::For || open.kind.captures());
        let message = match around.map(|open| open.kind) {
            Some(Section::For) => return None,
            Some(section) => format!("`{word}` cannot leave {}", section.phrase()),
            None => format!("`{word}` stands outside of any loop"),
        };
        Some(fault_at(at, message))
    }

    /// Handles a tag in the middle or at the end of a section.
    fn continue_or_close(&mut self, tree: &mut Tree, element: ElementId, word: &str, at: Span) -> Option<Fault> {
        let Some(depth) = self.open.iter().rposition(|open| open.takes(word)) else {
            self.put_into_section(tree, element);
            tree.elements[element].kind = ElementKind::Unknown;
            return Some(closes_nothing(word, at));
        };
        let mut fault = self.close_down_to(tree, depth);
        self.put_into_section(tree, element);
        let open = &mut self.open[depth];
        match word {
            "elif" => open.branches += 1,
            "else" => open.last_part = true,
            _ => {
                tree.elements[open.element].end = Some(element);
                fault = fault.or(self.check_end_name(tree, depth, element));
                self.open.truncate(depth);
                return fault;
            }
        }
        let too_many = (open.branches > MAX_BRANCHES)
            .then(|| fault_at(at, format!("an `if` may have at most {MAX_BRANCHES} branches")));
        fault.or(too_many)
    }

    /// Closes the sections inside the one at `depth`, whose end tags are missing.
    fn close_down_to(&mut self, tree: &mut Tree, depth: usize) -> Option<Fault> {
        let mut first = None;
        while self.open.len() > depth + 1 {
            if let Some(open) = self.open.pop() {
                tree.faults.extend(first.take());
                first = self.never_closed(&open);
            }
        }
        first
    }

    fn check_end_name(&self, tree: &Tree, depth: usize, end: ElementId) -> Option<Fault> {
        let opening = match &tree.elements[self.open[depth].element].kind {
            ElementKind::Block(name) => name.clone(),
            ElementKind::Component(definition) => definition.name.clone(),
            ElementKind::ComponentBody(call) => call.name.clone(),
            _ => None,
        }?;
        let ElementKind::End(Some(closing)) = &tree.elements[end].kind else { return None };
        let (opening, name) = (without_spaces(&self.source[opening]), without_spaces(&self.source[closing.clone()]));
        (opening != name)
            .then(|| fault_at(closing.clone(), format!("this is the end of `{opening}`, and it names `{name}`")))
    }

    fn never_closed(&self, open: &Open) -> Option<Fault> {
        let help = match open.kind {
            Section::ComponentBody => "close it with `{% </name> %}`".to_owned(),
            kind => format!("close it with `{{% {} %}}`", kind.end_word()),
        };
        let message = format!("{} is never closed", open.kind.phrase());
        let fault = Fault { span: trimmed(self.source, open.span.clone()), message, help: Some(help) };
        Some(fault).filter(|_| !open.faulty)
    }
}

/// Whether a text or a raw block writes something that counts; white space and comments do not.
pub(super) fn is_written(kind: &ElementKind, text: &str) -> bool {
    match kind {
        ElementKind::Text => !text.trim().is_empty(),
        ElementKind::Raw => !raw_content(text).trim().is_empty(),
        _ => false,
    }
}

impl Open {
    /// Whether a tag of that word continues or closes this section.
    fn takes(&self, word: &str) -> bool {
        match word {
            "elif" => self.kind == Section::If && !self.last_part,
            "else" => matches!(self.kind, Section::If | Section::For) && !self.last_part,
            word => word == self.kind.end_word(),
        }
    }
}

fn twice(source: &str, seen: &mut HashSet<String>, name: &Span, what: &str) -> Option<Fault> {
    let word = without_spaces(&source[name.clone()]);
    let message = format!("the template has a {what} `{word}` already");
    (!seen.insert(word)).then(|| fault_at(name.clone(), message))
}

fn closes_nothing(word: &str, at: Span) -> Fault {
    Fault {
        span: at,
        message: format!("`{word}` belongs to nothing that is open here"),
        help: Some("remove it, or add the tag that it ends".to_owned()),
    }
}

fn ignored(source: &str, span: Span) -> Fault {
    Fault {
        span: trimmed(source, span),
        message: "this would be ignored, because the template extends another one".to_owned(),
        help: Some("move it into a block".to_owned()),
    }
}

fn fault_at(span: Span, message: String) -> Fault {
    Fault { span, message, help: None }
}

/// Dotted names may be written with spaces, which Tera ignores.
fn without_spaces(name: &str) -> String {
    name.chars().filter(|char| !char.is_ascii_whitespace()).collect()
}

/// A span without surrounding white space, limited to its first line.
fn trimmed(source: &str, span: Span) -> Span {
    let text = &source[span.clone()];
    let start = span.start + (text.len() - text.trim_start().len());
    let line = text.trim().lines().next().unwrap_or_default();
    start..start + line.len()
}

/// The content of a raw block, without its tags.
fn raw_content(raw: &str) -> &str {
    let start = raw.find("%}").map_or(0, |at| at + 2);
    let end = raw.rfind("{%").unwrap_or(raw.len());
    raw.get(start..end).unwrap_or_default()
}
