//! How tags nest: which tag closes which, and what may stand inside of what.
//!
//! A stack of open sections is all that is needed. A section that is left open ends where the section around it does, so
//! that one forgotten end tag is one fault and not many.

use std::collections::HashSet;

use super::tree::{ElementId, ElementKind, Fault, LoopContext, OwnFault, Span, Tree};
use crate::template::scan::{Piece, PieceKind};

/// How deep Tera lets sections nest, the template itself included.
const MAX_NESTING: usize = 40;
/// Branches of one `if`: Tera goes one level of its stack deeper for each.
const MAX_BRANCHES: usize = 256;

/// A section that is open.
struct Open {
    element: ElementId,
    kind: Section,
    /// Where its opening tag stands, for faults.
    span: Span,
    /// Whether only its end can follow: after `else`.
    last_part: bool,
    branches: usize,
    /// Whether the opening tag has a fault itself, which is enough to say of it.
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

    /// The first word of the tag that closes it.
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

    /// Whether what is written inside is captured before it is written out.
    const fn captures(self) -> bool {
        matches!(self, Self::SetBlock | Self::Filter | Self::ComponentBody)
    }
}

/// Puts elements into their sections, one after the other.
pub(super) struct Nesting<'s> {
    source: &'s str,
    open: Vec<Open>,
    blocks: HashSet<String>,
    components: HashSet<String>,
    extends: bool,
    /// Whether something stands before that a child template could not have.
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

    /// Whether `loop` has its meaning in a piece; a loop's own header counts as inside.
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

    /// Puts the next element of the tree into its section. Its piece may have a fault of its own, which comes before a fault
    /// of its nesting.
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
        // What has no end of its own is half typed, and its end tag is not there yet either.
        if let Some(kind) = section.filter(|_| piece.closed && self.open.len() < MAX_NESTING) {
            let span = piece.span.clone();
            self.open.push(Open { element, kind, span, last_part: false, branches: 1, faulty });
        }
        fault
    }

    /// Adds the faults of what is still open at the end, and puts all faults in order.
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

    /// The sections around that have a say in what may stand here: the `else` of a loop has none.
    fn contexts(&self) -> impl DoubleEndedIterator<Item = &Open> {
        self.open.iter().filter(|open| open.kind != Section::For || !open.last_part)
    }

    fn is_ignored_place(&self) -> bool {
        self.extends && self.contexts().next().is_none()
    }

    fn check_text(&mut self, kind: &ElementKind, piece: &Piece) -> Option<Fault> {
        let is_written = match kind {
            ElementKind::Text => !self.source[piece.span.clone()].trim().is_empty(),
            ElementKind::Raw => !raw_content(&self.source[piece.span.clone()]).trim().is_empty(),
            _ => false,
        };
        if !is_written {
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

    /// `break` and `continue` reach the loop around them, but not out of what is captured.
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

    /// A tag in the middle or at the end of a section.
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

    /// Ends the sections inside of the one at `depth`, whose ends are missing.
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

/// Dotted names may be written with spaces, which Tera does not see.
fn without_spaces(name: &str) -> String {
    name.chars().filter(|char| !char.is_ascii_whitespace()).collect()
}

/// A span without the white space around it, and no more than its first line.
fn trimmed(source: &str, span: Span) -> Span {
    let text = &source[span.clone()];
    let start = span.start + (text.len() - text.trim_start().len());
    let line = text.trim().lines().next().unwrap_or_default();
    start..start + line.len()
}

/// What stands between the tags of a raw block.
fn raw_content(raw: &str) -> &str {
    let start = raw.find("%}").map_or(0, |at| at + 2);
    let end = raw.rfind("{%").unwrap_or(raw.len());
    raw.get(start..end).unwrap_or_default()
}
