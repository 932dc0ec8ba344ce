//! One Python module of a release, and the statements that bind or change a name in it.
//!
//! It classifies statements by their effect on a name; it does not evaluate expressions.

use camino::{Utf8Path, Utf8PathBuf};
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{
    Arguments, BoolOp, Expr, ExprContext, ModModule, Operator, Stmt, StmtClassDef, StmtIf, StmtImportFrom, UnaryOp,
};
use ruff_python_parser::Parsed;
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::base::problem::{Code, Problem};
use crate::base::text::LineIndex;
use crate::python;

/// A parsed module.
pub(super) struct Module {
    /// Its path in the package, such as `models/auto/modeling_auto.py`.
    pub(super) relative: Utf8PathBuf,
    path: Utf8PathBuf,
    source: String,
    /// Empty if it is nested too deeply.
    parsed: Parsed<ModModule>,
    is_too_deep: bool,
}

/// The effect of one statement on a name.
pub(super) enum Effect<'a> {
    /// `name = expression`
    Set(&'a Expr),
    /// `name |= expression` or `name += expression`
    Merge(&'a Expr),
    /// `name.update(...)`
    Update(&'a Arguments),
    /// `name[key] = value`
    Insert(&'a Expr, &'a Expr),
    /// `class name: ...`
    Class(&'a StmtClassDef),
    /// `from ... import original as name`
    Import(&'a StmtImportFrom, &'a str),
    /// Any other change.
    Opaque(TextRange),
}

impl Effect<'_> {
    /// The part of the statement that determines the new value.
    pub(super) fn range(&self) -> TextRange {
        match self {
            Self::Set(expression) | Self::Merge(expression) | Self::Insert(_, expression) => expression.range(),
            Self::Update(arguments) => arguments.range(),
            Self::Class(class) => class.name.range(),
            Self::Import(import, _) => import.range(),
            Self::Opaque(range) => *range,
        }
    }
}

/// A place in a module.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) module: &'a Module,
    pub(super) range: TextRange,
}

impl Module {
    /// Parses a module; `path` is the path that messages show.
    pub(super) fn new(relative: &Utf8Path, path: Utf8PathBuf, source: String) -> Self {
        let shallow = python::parse_shallow(&source);
        let is_too_deep = shallow.is_none();
        let parsed = shallow.unwrap_or_else(|| python::parse(""));
        Self { relative: relative.to_owned(), path, source, parsed, is_too_deep }
    }

    /// The effects on a name of the statements that end before `until`, in their order.
    pub(super) fn effects(&self, name: &str, until: TextSize) -> Vec<Effect<'_>> {
        let mut effects = Vec::new();
        collect_effects(&self.parsed.syntax().body, name, until, &mut effects);
        effects
    }

    /// The whole module as a place.
    pub(super) fn place(&self) -> Place<'_> {
        Place { module: self, range: TextRange::empty(TextSize::new(0)) }
    }

    /// Where the module ends.
    pub(super) fn end(&self) -> TextSize {
        self.parsed.syntax().range().end()
    }

    /// The module's syntax errors; code after one may have been misread.
    pub(super) fn syntax_problems(&self) -> Vec<Problem> {
        if self.is_too_deep {
            let most = python::MOST_LEVELS;
            let message = format!("the release's source is not read: it is nested more than {most} levels deep");
            return vec![Problem::error(Code::UnreadableRelease, message).in_file(&self.path)];
        }
        let index = LineIndex::new(&self.source);
        let problem = |error: python::SyntaxError| {
            Problem::error(
                Code::UnreadableRelease,
                format!("the release's source has a syntax error: {}", error.message),
            )
            .in_file(&self.path)
            .at(index.range(error.span))
        };
        python::errors_of(&self.parsed).into_iter().map(problem).collect()
    }
}

/// The most characters of source that a message quotes.
const LONGEST_QUOTE: usize = 60;

impl<'a> Place<'a> {
    /// The first line at this place, shortened.
    pub(super) fn quote(self) -> &'a str {
        let line = self.module.source[python::span(self.range)].lines().next().unwrap_or_default();
        let end = line.char_indices().nth(LONGEST_QUOTE).map_or(line.len(), |(end, _)| end);
        line[..end].trim_end()
    }

    /// A problem at this place.
    pub(super) fn problem(self, message: String) -> Problem {
        let range = LineIndex::new(&self.module.source).range(python::span(self.range));
        Problem::error(Code::UnreadableRelease, message).in_file(&self.module.path).at(range)
    }
}

fn collect_effects<'a>(body: &'a [Stmt], name: &str, until: TextSize, effects: &mut Vec<Effect<'a>>) {
    for statement in body.iter().take_while(|statement| statement.start() < until) {
        if let Stmt::If(conditional) = statement
            && let Some(branch) = taken_branch(conditional)
        {
            collect_effects(branch, name, until, effects);
        } else if statement.end() <= until {
            effects.extend(effect(statement, name));
        }
    }
}

fn effect<'a>(statement: &'a Stmt, name: &str) -> Option<Effect<'a>> {
    match statement {
        Stmt::Assign(assign) => match assign.targets.as_slice() {
            targets if targets.iter().any(|target| is_name(target, name)) => Some(Effect::Set(&assign.value)),
            [Expr::Subscript(item)] if is_name(&item.value, name) => Some(Effect::Insert(&item.slice, &assign.value)),
            _ => opaque(statement, name),
        },
        Stmt::AnnAssign(assign) if is_name(&assign.target, name) => assign.value.as_deref().map(Effect::Set),
        Stmt::AugAssign(assign) if is_name(&assign.target, name) => match assign.op {
            Operator::BitOr | Operator::Add => Some(Effect::Merge(&assign.value)),
            _ => Some(Effect::Opaque(statement.range())),
        },
        Stmt::Expr(expression) => match expression.value.as_ref() {
            Expr::Call(call) if is_method(&call.func, name, &["update"]) => Some(Effect::Update(&call.arguments)),
            _ => opaque(statement, name),
        },
        Stmt::ClassDef(class) => (class.name.as_str() == name).then_some(Effect::Class(class)),
        Stmt::FunctionDef(function) => {
            (function.name.as_str() == name).then_some(Effect::Opaque(function.name.range()))
        }
        Stmt::ImportFrom(import) => import.names.iter().find_map(|alias| {
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            (bound.as_str() == name).then_some(Effect::Import(import, alias.name.as_str()))
        }),
        _ => opaque(statement, name),
    }
}

fn opaque<'a>(statement: &'a Stmt, name: &str) -> Option<Effect<'a>> {
    let mut search = ChangeSearch { name, found: false };
    search.visit_stmt(statement);
    search.found.then_some(Effect::Opaque(statement.range()))
}

/// Searches a statement for anything that changes a name's value.
struct ChangeSearch<'n> {
    name: &'n str,
    found: bool,
}

/// The methods that change a dict or a list.
const CHANGING_METHODS: &[&str] =
    &["append", "clear", "extend", "insert", "move_to_end", "pop", "popitem", "remove", "setdefault", "update"];

impl<'a> Visitor<'a> for ChangeSearch<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        self.found |= match expression {
            Expr::Name(name) => name.id.as_str() == self.name && changes(name.ctx),
            Expr::Subscript(item) => is_name(&item.value, self.name) && changes(item.ctx),
            Expr::Call(call) => is_method(&call.func, self.name, CHANGING_METHODS),
            _ => false,
        };
        walk_expr(self, expression);
    }
}

fn changes(context: ExprContext) -> bool {
    matches!(context, ExprContext::Store | ExprContext::Del)
}

/// Whether an expression is exactly this name.
pub(super) fn is_name(expression: &Expr, name: &str) -> bool {
    matches!(expression, Expr::Name(found) if found.id.as_str() == name)
}

fn is_method(callee: &Expr, name: &str, methods: &[&str]) -> bool {
    matches!(callee, Expr::Attribute(method) if is_name(&method.value, name) && methods.contains(&method.attr.as_str()))
}

/// The branch of an `if` that runs if torch is installed; `None` if its condition is about something else.
fn taken_branch(conditional: &StmtIf) -> Option<&[Stmt]> {
    if torch_truth(&conditional.test)? {
        return Some(&conditional.body);
    }
    for clause in &conditional.elif_else_clauses {
        let taken = clause.test.as_ref().map_or(Some(true), torch_truth)?;
        if taken {
            return Some(&clause.body);
        }
    }
    Some(&[])
}

/// The value of a condition if torch is the installed framework; `None` if unknown.
pub(super) fn torch_truth(test: &Expr) -> Option<bool> {
    match test {
        Expr::BooleanLiteral(literal) => Some(literal.value),
        Expr::Name(name) if name.id.as_str() == "TYPE_CHECKING" => Some(false),
        Expr::Call(call) if is_name(&call.func, "is_torch_available") => Some(true),
        Expr::Call(call) if is_name(&call.func, "is_tf_available") => Some(false),
        Expr::Call(call) if is_name(&call.func, "is_flax_available") => Some(false),
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => torch_truth(&not.operand).map(|truth| !truth),
        Expr::BoolOp(both) => {
            let truths: Option<Vec<bool>> = both.values.iter().map(torch_truth).collect();
            truths.map(|truths| match both.op {
                BoolOp::And => truths.iter().all(|truth| *truth),
                BoolOp::Or => truths.iter().any(|truth| *truth),
            })
        }
        _ => None,
    }
}
