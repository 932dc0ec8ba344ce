//! Evaluates expressions in a release's source: mappings keyed by strings, and auto classes with their mappings.
//!
//! It supports the few forms in which such tables are written. Everything else is returned as unknown, with its place,
//! for the caller to report; nothing is guessed. It must not know tasks.

use ruff_python_ast::{ArgOrKeyword, Arguments, Expr, ExprCall, ExprName, Operator, Stmt, StmtClassDef};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::module::{Effect, Module, Place, is_name, torch_truth};
use super::package::Package;
use crate::python::string_literal;

/// The longest chain of names that refer to names. Real releases need six; the limit ends import cycles.
const MAX_HOPS: u8 = 12;

/// Evaluates expressions, resolving names through the modules of a package.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'a> {
    pub(super) package: &'a Package<'a>,
}

/// An expression and the scope that its names are resolved in.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    expression: &'a Expr,
    scope: Scope<'a>,
}

/// The statements that names are resolved against: those of `module` before `until`.
#[derive(Clone, Copy)]
struct Scope<'a> {
    module: &'a Module,
    until: TextSize,
    hops: u8,
}

/// One entry of a mapping.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    /// A string key and its value.
    Known(&'a str, Value<'a>),
    /// Any number of entries that are not supported.
    Unknown(Place<'a>),
}

/// An auto class, and the mapping whose keys are the model types it can load.
pub(super) struct AutoClass<'a> {
    pub(super) name: &'a str,
    pub(super) mapping: Vec<Entry<'a>>,
}

impl<'a> Value<'a> {
    pub(super) fn place(&self) -> Place<'a> {
        self.scope.place(self.expression.range())
    }

    fn of(self, expression: &'a Expr) -> Self {
        Self { expression, ..self }
    }
}

impl<'a> Scope<'a> {
    fn whole(module: &'a Module) -> Self {
        Self { module, until: module.end(), hops: MAX_HOPS }
    }

    /// The scope for the statement that a name resolved to; `None` after [`MAX_HOPS`] steps.
    fn next(self, module: &'a Module, until: TextSize) -> Option<Self> {
        Some(Self { module, until, hops: self.hops.checked_sub(1)? })
    }

    fn place(self, range: TextRange) -> Place<'a> {
        Place { module: self.module, range }
    }
}

impl<'a> Evaluator<'a> {
    /// The mapping that a name is bound to at the end of a module; `None` if it is not defined.
    pub(super) fn mapping_named(self, module: &'a Module, name: &str) -> Option<Vec<Entry<'a>>> {
        let scope = Scope::whole(module);
        let last = module.effects(name, scope.until).pop()?.range();
        let mut entries = Vec::new();
        if !self.add_name(scope, name, &mut entries) {
            entries.push(Entry::Unknown(scope.place(last)));
        }
        Some(entries)
    }

    /// The entries of an expression, read as a mapping.
    pub(super) fn entries(self, value: Value<'a>) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        self.add(value, &mut entries);
        entries
    }

    /// The auto classes that an expression lists; for each unsupported one, its place.
    pub(super) fn auto_classes(self, value: Value<'a>) -> Vec<Result<AutoClass<'a>, Place<'a>>> {
        let each = |items: &'a [Expr]| items.iter().flat_map(|item| self.auto_classes(value.of(item))).collect();
        match value.expression {
            Expr::Tuple(tuple) => each(&tuple.elts),
            Expr::List(list) => each(&list.elts),
            Expr::NoneLiteral(_) => Vec::new(),
            Expr::If(choice) => match torch_truth(&choice.test) {
                Some(true) => self.auto_classes(value.of(&choice.body)),
                Some(false) => self.auto_classes(value.of(&choice.orelse)),
                None => vec![Err(value.place())],
            },
            // It documents the class in its argument and returns it.
            Expr::Call(call) if is_name(&call.func, "auto_class_update") => match &*call.arguments.args {
                [class, ..] => self.auto_classes(value.of(class)),
                [] => vec![Err(value.place())],
            },
            Expr::Name(name) => self.classes_named(value, name),
            _ => vec![Err(value.place())],
        }
    }

    fn classes_named(self, value: Value<'a>, name: &'a ExprName) -> Vec<Result<AutoClass<'a>, Place<'a>>> {
        let found = self.classes_in_scope(value.scope, name.id.as_str());
        found.unwrap_or_else(|| vec![Err(value.place())])
    }

    fn classes_in_scope(self, scope: Scope<'a>, name: &str) -> Option<Vec<Result<AutoClass<'a>, Place<'a>>>> {
        let effect = scope.module.effects(name, scope.until).pop()?;
        Some(match effect {
            Effect::Class(class) => vec![Ok(self.auto_class(scope, class))],
            Effect::Set(expression) => {
                let scope = scope.next(scope.module, expression.start())?;
                self.auto_classes(Value { expression, scope })
            }
            Effect::Import(import, original) => {
                let module = self.package.imported(scope.module, import)?;
                self.classes_in_scope(scope.next(module, module.end())?, original)?
            }
            other => vec![Err(scope.place(other.range()))],
        })
    }

    fn auto_class(self, scope: Scope<'a>, class: &'a StmtClassDef) -> AutoClass<'a> {
        let unknown = || vec![Entry::Unknown(scope.place(class.name.range()))];
        let own = class.body.iter().find_map(model_mapping);
        let mapping = match own {
            Some(expression) => scope
                .next(scope.module, expression.start())
                .map_or_else(unknown, |scope| self.entries(Value { expression, scope })),
            None => self.inherited_mapping(scope, class).unwrap_or_else(unknown),
        };
        AutoClass { name: class.name.as_str(), mapping }
    }

    fn inherited_mapping(self, scope: Scope<'a>, class: &'a StmtClassDef) -> Option<Vec<Entry<'a>>> {
        let expression = class.arguments.as_ref()?.args.first()?;
        let scope = scope.next(scope.module, class.start())?;
        let base = self.auto_classes(Value { expression, scope }).pop()?.ok()?;
        Some(base.mapping)
    }

    fn add(self, value: Value<'a>, into: &mut Vec<Entry<'a>>) {
        match value.expression {
            Expr::Dict(dict) => {
                for item in &dict.items {
                    match &item.key {
                        Some(key) => into.push(entry(value, key, &item.value)),
                        None => self.add(value.of(&item.value), into),
                    }
                }
            }
            Expr::List(list) => self.add_pairs(value, &list.elts, into),
            Expr::Tuple(tuple) => self.add_pairs(value, &tuple.elts, into),
            Expr::BinOp(sum) if matches!(sum.op, Operator::Add | Operator::BitOr) => {
                self.add(value.of(&sum.left), into);
                self.add(value.of(&sum.right), into);
            }
            Expr::If(choice) if let Some(truth) = torch_truth(&choice.test) => {
                self.add(value.of(if truth { &choice.body } else { &choice.orelse }), into);
            }
            Expr::Call(call) => self.add_call(value, call, into),
            Expr::Name(name) => {
                if !self.add_name(value.scope, name.id.as_str(), into) {
                    into.push(Entry::Unknown(value.place()));
                }
            }
            _ => into.push(Entry::Unknown(value.place())),
        }
    }

    fn add_pairs(self, value: Value<'a>, items: &'a [Expr], into: &mut Vec<Entry<'a>>) {
        for item in items {
            match item {
                Expr::Starred(starred) => self.add(value.of(&starred.value), into),
                Expr::Tuple(pair) if let [key, content] = pair.elts.as_slice() => into.push(entry(value, key, content)),
                _ => into.push(Entry::Unknown(value.of(item).place())),
            }
        }
    }

    fn add_call(self, value: Value<'a>, call: &'a ExprCall, into: &mut Vec<Entry<'a>>) {
        match call.func.as_ref() {
            Expr::Name(name) if matches!(name.id.as_str(), "OrderedDict" | "dict" | "list" | "tuple") => {
                self.add_arguments(value, &call.arguments, into);
            }
            // It pairs configurations with models, and its keys are those of the second mapping. It holds a reference,
            // so entries added to that mapping later count too.
            Expr::Name(name) if name.id.as_str() == "_LazyAutoMapping" && call.arguments.args.len() == 2 => {
                let scope = Scope { until: value.scope.module.end(), ..value.scope };
                self.add(Value { expression: &call.arguments.args[1], scope }, into);
            }
            Expr::Attribute(method)
                if matches!(method.attr.as_str(), "items" | "copy") && call.arguments.is_empty() =>
            {
                self.add(value.of(&method.value), into);
            }
            _ => into.push(Entry::Unknown(value.place())),
        }
    }

    fn add_arguments(self, value: Value<'a>, arguments: &'a Arguments, into: &mut Vec<Entry<'a>>) {
        for argument in arguments.iter_source_order() {
            match argument {
                ArgOrKeyword::Arg(Expr::Starred(_)) => into.push(Entry::Unknown(value.of(argument.value()).place())),
                ArgOrKeyword::Arg(argument) => self.add(value.of(argument), into),
                ArgOrKeyword::Keyword(keyword) => match &keyword.arg {
                    Some(key) => into.push(Entry::Known(key.as_str(), value.of(&keyword.value))),
                    None => self.add(value.of(&keyword.value), into),
                },
            }
        }
    }

    /// Adds the entries that a name evaluates to; false if the name cannot be resolved.
    fn add_name(self, scope: Scope<'a>, name: &str, into: &mut Vec<Entry<'a>>) -> bool {
        let effects = scope.module.effects(name, scope.until);
        let first = into.len();
        let understood = effects.iter().all(|effect| self.apply(scope, effect, first, into).is_some());
        understood && !effects.is_empty()
    }

    /// Applies the effect of a statement to the entries from `first` on; `None` after [`MAX_HOPS`] steps.
    fn apply(self, scope: Scope<'a>, effect: &Effect<'a>, first: usize, into: &mut Vec<Entry<'a>>) -> Option<()> {
        let at = |expression: &'a Expr| {
            let scope = scope.next(scope.module, expression.start())?;
            Some(Value { expression, scope })
        };
        match effect {
            Effect::Set(expression) => {
                into.truncate(first);
                self.add(at(expression)?, into);
            }
            Effect::Merge(expression) => self.add(at(expression)?, into),
            Effect::Update(arguments) => {
                if let Some(argument) = arguments.iter_source_order().next() {
                    self.add_arguments(at(argument.value())?, arguments, into);
                }
            }
            Effect::Insert(key, content) => into.push(entry(at(content)?, key, content)),
            Effect::Import(import, original) => {
                into.truncate(first);
                let module = self.package.imported(scope.module, import)?;
                return self.add_name(scope.next(module, module.end())?, original, into).then_some(());
            }
            Effect::Class(_) | Effect::Opaque(_) => into.push(Entry::Unknown(scope.place(effect.range()))),
        }
        Some(())
    }
}

fn entry<'a>(value: Value<'a>, key: &'a Expr, content: &'a Expr) -> Entry<'a> {
    match string_literal(key) {
        Some(text) => Entry::Known(text, value.of(content)),
        None => Entry::Unknown(value.of(key).place()),
    }
}

/// The expression of `_model_mapping = ...` in a class's body.
fn model_mapping(statement: &Stmt) -> Option<&Expr> {
    match statement {
        Stmt::Assign(assign) if assign.targets.iter().any(|target| is_name(target, "_model_mapping")) => {
            Some(&assign.value)
        }
        Stmt::AnnAssign(assign) if is_name(&assign.target, "_model_mapping") => assign.value.as_deref(),
        _ => None,
    }
}
