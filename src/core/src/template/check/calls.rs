//! Checks calls of filters, tests, functions and components: unknown names and wrong arguments.

use std::collections::HashSet;

use super::checked::Checked;
use super::tera1;
use crate::base::problem::{Code, Problem, Related};
use crate::base::suggest::did_you_mean;
use crate::template::TemplateName;
use crate::template::analysis::{Callee, Reference};
use crate::template::callees::{self, CalleeSignature, Need};
use crate::template::syntax::tree::{
    Attribute, ComponentCall, Definition, ElementKind, Expr, ExprKind, ParameterSource,
};

/// Names that Tera rejects.
pub(super) fn unknown(checked: &Checked<'_, '_>) -> Vec<Problem> {
    let callees = checked.analysis().callees.iter().filter(|callee| callees::find(callee.kind, &callee.name).is_none());
    let mut problems: Vec<_> = callees
        .map(|callee| {
            let message = format!("there is no {} `{}`", callee.kind.name(), callee.name);
            let known = callees::of_kind(callee.kind).map(|known| known.name);
            let of_tera1 = tera1::help(callee.kind, &callee.name).map(str::to_owned);
            let help = of_tera1.or_else(|| did_you_mean(&callee.name, known));
            let help = help.unwrap_or_else(|| "docs/templates.md lists the available ones".to_owned());
            checked.error(Code::UnknownFunction, &callee.span, message).help(help)
        })
        .collect();
    let calls =
        checked.analysis().calls.iter().filter(|call| checked.library.graph().definers_of(&call.name).is_empty());
    problems.extend(calls.map(|call| {
        let message = format!("there is no component `{}`", call.name);
        let problem = checked.error(Code::UnknownFunction, &call.span, message);
        match checked.library.graph().did_you_mean(&call.name) {
            Some(help) => problem.help(help),
            None => problem.help(format!("define it: `{{% component {}() %}}…{{% endcomponent %}}`", call.name)),
        }
    }));
    problems.extend(checked.analysis().calls.iter().filter_map(|call| ambiguous_call(checked, call)));
    problems
}

/// A call of a component that two templates define, neither of which the caller builds on.
fn ambiguous_call(checked: &Checked<'_, '_>, call: &Reference) -> Option<Problem> {
    let [first, second, ..] = checked.library.graph().definers_of(&call.name) else { return None };
    let builds_on = checked.library.closure(checked.name);
    if [first, second]
        .into_iter()
        .chain(checked.library.graph().definers_of(&call.name))
        .any(|definer| builds_on.contains(definer))
    {
        return None;
    }
    let message = format!("the component `{}` is defined twice: in `{first}` and in `{second}`", call.name);
    let problem = checked.error(Code::BrokenInheritance, &call.span, message);
    let definitions = [first, second].into_iter().filter_map(|definer| definition_in(checked, definer, &call.name));
    let problem = definitions.fold(problem, Problem::related);
    Some(problem.help("give one of the two another name"))
}

fn definition_in(checked: &Checked<'_, '_>, template: &TemplateName, component: &str) -> Option<Related> {
    let source = checked.library.source(template).ok()?;
    let definition = source.analysis().defines.iter().find(|found| found.name == component)?;
    let range = Some(source.range(&definition.span));
    Some(Related { path: source.path.clone(), range, message: "one is here".to_owned() })
}

/// Definitions of components that another template defines too, so that a third template cannot call them.
pub(super) fn ambiguous_definitions(checked: &Checked<'_, '_>) -> Vec<Problem> {
    let analysis = checked.analysis();
    let called: HashSet<&str> = analysis.calls.iter().map(|call| call.name.as_str()).collect();
    let uncalled = analysis.defines.iter().filter(|own| !called.contains(own.name.as_str()));
    uncalled
        .filter_map(|own| {
            let mut definers = checked.library.graph().definers_of(&own.name).iter();
            let other = definers.find(|definer| *definer != checked.name)?;
            let message =
                format!("`{other}` defines a component `{}` too, so that no other template can call it", own.name);
            let problem = checked.warning(Code::BrokenInheritance, &own.span, message);
            let problem = definition_in(checked, other, &own.name).into_iter().fold(problem, Problem::related);
            Some(problem.help("give one of the two another name"))
        })
        .collect()
}

/// Missing and unknown arguments.
pub(super) fn wrong_arguments(checked: &Checked<'_, '_>) -> Vec<Problem> {
    let known = |callee: &'_ Callee| callees::find(callee.kind, &callee.name);
    let callees = checked.analysis().callees.iter().filter_map(|callee| Some((callee, known(callee)?)));
    let mut problems: Vec<_> = callees.flat_map(|(callee, signature)| of_callee(checked, callee, signature)).collect();
    if !checked.analysis().calls.is_empty() {
        each_component_call(checked, &mut |call| problems.extend(of_component(checked, call)));
    }
    problems
}

fn of_callee(checked: &Checked<'_, '_>, callee: &Callee, signature: CalleeSignature) -> Vec<Problem> {
    let is_given = |name: &str| callee.arguments.iter().any(|argument| argument.name == name);
    let required = signature.arguments.iter().filter(|parameter| parameter.need == Need::Required);
    let missing = required.filter(|parameter| !is_given(parameter.name));
    let what = || format!("the {} `{}`", callee.kind.name(), callee.name);
    let mut problems: Vec<_> = missing
        .map(|parameter| {
            checked
                .error(
                    Code::WrongArguments,
                    &callee.span,
                    format!("{} needs the argument `{}`", what(), parameter.name),
                )
                .help(format!("write `{}({}=…)`", callee.name, parameter.name))
        })
        .collect();
    let is_known = |name: &str| signature.arguments.iter().any(|parameter| parameter.name == name);
    for argument in callee.arguments.iter().filter(|argument| !is_known(&argument.name)) {
        // Tera ignores it.
        let message = format!("{} has no argument `{}`, so it changes nothing", what(), argument.name);
        let problem = checked.warning(Code::WrongArguments, &argument.span, message);
        let known = signature.arguments.iter().map(|parameter| parameter.name);
        problems.push(match did_you_mean(&argument.name, known) {
            Some(help) => problem.help(help),
            None => problem.help(format!("{} takes no arguments", what())),
        });
    }
    problems
}

fn each_component_call<'c>(checked: &Checked<'c, '_>, visit: &mut dyn FnMut(&'c ComponentCall)) {
    for element in &checked.source.tree().elements {
        if let ElementKind::ComponentBody(call) = &element.kind {
            visit(call);
        }
        element.kind.each_expression(&mut |value| calls_in(value, visit));
    }
}

fn calls_in<'c>(value: &'c Expr, visit: &mut dyn FnMut(&'c ComponentCall)) {
    if let ExprKind::Component(call) = &value.kind {
        visit(call);
    }
    value.each_child(&mut |child| calls_in(child, visit));
}

fn of_component(checked: &Checked<'_, '_>, call: &ComponentCall) -> Vec<Problem> {
    let Some(name) = &call.name else { return Vec::new() };
    let component = checked.source.slice(name);
    let Some((source, definition)) = checked.library.component(component) else { return Vec::new() };
    let parameters: Vec<&str> = definition.parameters.iter().map(|parameter| source.slice(&parameter.name)).collect();
    let attributes: Vec<_> = call.attributes.iter().filter_map(|attribute| named(checked, attribute)).collect();
    let mut problems = Vec::new();
    for attribute in attributes
        .iter()
        .filter(|attribute| definition.rest.is_none() && !parameters.contains(&attribute.name.as_str()))
    {
        let message = format!("the component `{component}` has no parameter `{}`", attribute.name);
        let problem = checked.error(Code::WrongArguments, &attribute.span, message);
        problems.push(match did_you_mean(&attribute.name, parameters.iter().copied()) {
            Some(help) => problem.help(help),
            None => problem.help("take it out"),
        });
    }
    let spreads = call.attributes.iter().any(|attribute| matches!(attribute, Attribute::Spread(_)));
    let missing = required_parameters(definition)
        .filter(|parameter| !attributes.iter().any(|attribute| attribute.name == source.slice(parameter)));
    problems.extend(missing.filter(|_| !spreads).map(|parameter| {
        let parameter = source.slice(parameter);
        checked
            .error(Code::WrongArguments, name, format!("the component `{component}` needs the attribute `{parameter}`"))
            .help(format!("write `{parameter}=\"…\"` or `{parameter}={{…}}`"))
    }));
    problems
}

fn named(checked: &Checked<'_, '_>, attribute: &Attribute) -> Option<Reference> {
    match attribute {
        Attribute::Named { name, .. } => {
            Some(Reference { name: checked.source.slice(name).to_owned(), span: name.clone() })
        }
        Attribute::Spread(_) => None,
    }
}

fn required_parameters(definition: &Definition) -> impl Iterator<Item = &std::ops::Range<usize>> {
    let required = |parameter: &&crate::template::syntax::tree::Parameter| {
        parameter.default.is_none() && parameter.source == ParameterSource::Attribute
    };
    definition.parameters.iter().filter(required).map(|parameter| &parameter.name)
}
