//! The classes of a Python module and the methods of their instances, read without running it.
//!
//! What Python decides at run time is approximated: of two definitions the later one wins, except under an `if` or a
//! `try`, where the first branch wins. This module knows Python's scopes; it does not know what a class is for.

use std::collections::HashSet;

use ruff_python_ast::statement_visitor::{StatementVisitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtAssign, StmtClassDef, StmtFunctionDef};
use ruff_text_size::TextRange;

/// The names that a module defines at its top level.
pub(crate) struct Module<'a>(Scope<'a>);

impl<'a> Module<'a> {
    pub(crate) fn new(body: &'a [Stmt]) -> Self {
        Self(Scope::of(body))
    }

    /// The classes, in the order of the source.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &'a StmtClassDef> {
        self.0.classes.iter().map(|found| found.node)
    }

    /// The class that the name refers to at the end of the module.
    pub(crate) fn class(&self, name: &str) -> Option<&'a StmtClassDef> {
        let named = || self.0.classes.iter().filter(|found| found.node.name.as_str() == name);
        named().rfind(|found| !found.is_conditional).or_else(|| named().next()).map(|found| found.node)
    }

    /// The place after the class where its name is rebound.
    pub(crate) fn rebinding(&self, class: &StmtClassDef) -> Option<TextRange> {
        let later = self.0.assignments.iter().filter(|found| found.node.range.start() > class.range.end());
        let is_name = |target: &&Expr| name_of(target) == Some(class.name.as_str());
        later.flat_map(|found| &found.node.targets).find(is_name).map(ruff_text_size::Ranged::range)
    }

    /// The methods of an instance: the class's own, those of its bases in this module, and aliases that the class or
    /// its constructor assigns.
    pub(crate) fn methods(&self, class: &'a StmtClassDef) -> Methods<'a> {
        let mut methods = Methods::default();
        self.collect(class, &mut methods, &mut HashSet::new());
        methods
    }

    fn collect(&self, class: &'a StmtClassDef, methods: &mut Methods<'a>, seen: &mut HashSet<TextRange>) {
        if !seen.insert(class.range) {
            return;
        }
        for base in class.bases().iter().rev().filter_map(name_of).filter_map(|base| self.class(base)) {
            self.collect(base, methods, seen);
        }
        let scope = Scope::of(&class.body);
        methods.define_all(&scope.functions);
        methods.rename_all(&scope.assignments, name_of);
        if let Some(constructor) = methods.get("__init__") {
            methods.rename_all(&Scope::of(&constructor.function.body).assignments, attribute_of_self);
        }
    }
}

/// The methods of a class, by name.
#[derive(Default)]
pub(crate) struct Methods<'a>(Vec<Method<'a>>);

/// A method, under one of its names.
#[derive(Clone, Copy)]
pub(crate) struct Method<'a> {
    pub(crate) name: &'a str,
    pub(crate) function: &'a StmtFunctionDef,
    /// Where it gets that name.
    pub(crate) place: TextRange,
}

impl<'a> Methods<'a> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Method<'a>> {
        self.0.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<Method<'a>> {
        self.0.iter().find(|method| method.name == name).copied()
    }

    fn define_all(&mut self, functions: &[Found<'a, StmtFunctionDef>]) {
        let mut own = HashSet::new();
        for Found { node: function, is_conditional } in functions {
            let name = function.name.as_str();
            let is_first = own.insert(name);
            if is_first || !is_conditional {
                self.put(Method { name, function, place: function.name.range });
            }
        }
    }

    /// Follows the assignments that alias methods; `read` extracts a method's name from either side.
    fn rename_all(&mut self, assignments: &[Found<'a, StmtAssign>], read: fn(&'a Expr) -> Option<&'a str>) {
        for Found { node: assignment, .. } in assignments {
            let Some(method) = read(&assignment.value).and_then(|name| self.get(name)) else { continue };
            for name in assignment.targets.iter().filter_map(read).filter(|name| *name != method.name) {
                self.put(Method { name, place: assignment.range, ..method });
            }
        }
    }

    fn put(&mut self, method: Method<'a>) {
        self.0.retain(|other| other.name != method.name);
        self.0.push(method);
    }
}

/// The definitions in a list of statements, without the bodies of classes and functions.
struct Scope<'a> {
    classes: Vec<Found<'a, StmtClassDef>>,
    functions: Vec<Found<'a, StmtFunctionDef>>,
    assignments: Vec<Found<'a, StmtAssign>>,
    depth: usize,
}

struct Found<'a, T> {
    node: &'a T,
    is_conditional: bool,
}

impl<'a> Scope<'a> {
    fn of(body: &'a [Stmt]) -> Self {
        let mut scope = Self { classes: Vec::new(), functions: Vec::new(), assignments: Vec::new(), depth: 0 };
        scope.visit_body(body);
        scope
    }
}

impl<'a> StatementVisitor<'a> for Scope<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        let is_conditional = self.depth > 0;
        match statement {
            Stmt::ClassDef(node) => self.classes.push(Found { node, is_conditional }),
            Stmt::FunctionDef(node) => self.functions.push(Found { node, is_conditional }),
            Stmt::Assign(node) => self.assignments.push(Found { node, is_conditional }),
            other => {
                self.depth += 1;
                walk_stmt(self, other);
                self.depth -= 1;
            }
        }
    }
}

/// `x` in the expression `x`.
pub(crate) fn name_of(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Name(name) => Some(name.id.as_str()),
        _ => None,
    }
}

/// `x` in the expression `self.x`.
fn attribute_of_self(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Attribute(attribute) if name_of(&attribute.value) == Some("self") => Some(attribute.attr.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The methods of class `A` as `name` or `name=function`, in order.
    #[track_caller]
    fn check(source: &str, expected: &str) {
        let parsed = crate::python::parse(source);
        let module = Module::new(parsed.suite());
        let methods = module.methods(module.class("A").unwrap());
        let shown: Vec<_> = methods.iter().map(|method| shown(method, source)).collect();
        assert_eq!(shown.join(" "), expected);
    }

    fn shown(method: &Method, source: &str) -> String {
        let function = method.function.name.as_str();
        let alias = if function == method.name { String::new() } else { format!("={function}") };
        let line = source[..method.place.start().to_usize()].lines().count();
        format!("{}{alias}:{line}", method.name)
    }

    #[test]
    fn nested_classes_and_functions_keep_their_methods() {
        check(
            "class A:\n def f(self):\n  def g(): pass\n class B:\n  def h(self): pass\n def i(self): pass\n",
            "f:2 i:6",
        );
    }

    #[test]
    fn the_later_definition_counts_and_the_first_branch() {
        check("class A:\n def f(self): pass\n def g(self): pass\n def f(self, x): pass\n", "g:3 f:4");
        check("class A:\n if x:\n  def f(self): pass\n else:\n  def f(self, y): pass\n", "f:3");
        check(
            "class A:\n try:\n  async def f(self): pass\n except E:\n  def f(self): pass\n finally:\n  def g(self): pass\n",
            "f:3 g:7",
        );
        check("try:\n class A:\n  def f(self): pass\nexcept E:\n class A:\n  def g(self): pass\n", "f:3");
        check("class A:\n def f(self): pass\nclass A:\n def g(self): pass\n", "g:4");
    }

    #[test]
    fn a_base_in_the_same_module_lends_its_methods() {
        check("class B:\n def f(self): pass\n def g(self): pass\nclass A(B, Other):\n def f(self): pass\n", "g:3 f:5");
        check("class A(B):\n def f(self): pass\nclass B(A):\n def g(self): pass\n", "g:4 f:2");
        check("class B:\n def f(self): pass\nclass A(B):\n if x:\n  def f(self): pass\n", "f:5");
    }

    #[test]
    fn a_second_name_is_a_method_too() {
        check("class A:\n def f(self): pass\n g = f\n h = nothing\n", "f:2 g=f:3");
        check(
            "class A:\n def __init__(self):\n  self.g = self.f\n  self.f = self.f\n  self.x = self.y\n def f(self): pass\n",
            "__init__:2 f:6 g=f:3",
        );
    }

    #[test]
    fn a_name_that_is_rebound_is_seen() {
        let source = "A = None\nclass A: pass\nb = A()\nA = A()\n";
        let parsed = crate::python::parse(source);
        let module = Module::new(parsed.suite());
        let place = module.rebinding(module.class("A").unwrap()).unwrap();
        assert_eq!(place.start().to_usize(), source.rfind("A = ").unwrap());
    }
}
