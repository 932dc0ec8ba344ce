//! Reference implementations: the definitions of a skillset module `hf_<normalized_name>.py`, read without running it.
//!
//! Templates use a [`Reference`] as `reference`, so its field names are part of the tool's interface. This module reads
//! one file at a time; it does not know where the skillset is or which models exist.

mod classes;
mod headers;

use camino::{Utf8Path, Utf8PathBuf};
use ruff_python_ast::{self as ast, ModModule, StmtClassDef, StmtFunctionDef};
use ruff_python_parser::Parsed;
use ruff_text_size::TextRange;
use serde::Serialize;

use self::classes::{Method, Methods, Module};
use crate::base::problem::{Code, Problem};
use crate::base::text::LineIndex;
use crate::model::hardware::HardwareType;
use crate::python;

/// The most syntax errors reported: after one broken line, the parser may reject every following line.
const MOST_SYNTAX_ERRORS: usize = 10;

/// The definitions of a skillset module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// The module's name: `hf_bert`.
    pub module: String,
    /// The file.
    pub path: Utf8PathBuf,
    /// The class that holds the methods: `hf_bert`, or the module's own name for it.
    pub class_name: String,
    /// The parameters of the class's constructor.
    pub init_parameters: Vec<Parameter>,
    /// Whether there is a method `init`.
    pub has_init: bool,
    /// Whether there is a method `__test__`.
    pub has_test: bool,
    /// The parameters of `__test__`.
    pub test_parameters: Vec<Parameter>,
    /// The methods `init_<platform>`, in the order of the source.
    pub init_methods: Vec<InitMethod>,
    /// The methods `create_<platform>_<task>_endpoint_handler`, in the order of the source.
    pub handler_methods: Vec<HandlerMethod>,
}

/// A method that loads the model on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitMethod {
    /// The method's name.
    pub name: String,
    /// The platform as the method's name spells it: `apple` stays `apple`.
    pub platform: String,
    /// The hardware type of that name, if any.
    pub hardware_type: Option<HardwareType>,
    /// The parameters, without `self`.
    pub parameters: Vec<Parameter>,
    /// Whether it is an `async def`.
    pub is_async: bool,
    /// The line of its name, counted from one.
    pub line: u32,
}

/// A method that creates the function that answers requests on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandlerMethod {
    /// The method's name.
    pub name: String,
    /// The platform as the method's name spells it; `None` if the name has none (`create_vlm_endpoint_handler`).
    pub platform: Option<String>,
    /// The hardware type of that name, if any.
    pub hardware_type: Option<HardwareType>,
    /// The rest of the method's name, which says what the function handles: `text_embedding`.
    pub task: Option<String>,
    /// The parameters, without `self`.
    pub parameters: Vec<Parameter>,
    /// Whether it is an `async def`.
    pub is_async: bool,
    /// The line of its name, counted from one.
    pub line: u32,
}

/// A parameter of a method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name, without stars.
    pub name: String,
    /// Its default value, as the source has it.
    pub default: Option<String>,
    /// Whether it can only be passed by keyword.
    pub keyword_only: bool,
    /// Its annotation, as the source has it.
    pub annotation: Option<String>,
    /// How it can be passed.
    pub kind: ParameterKind,
}

/// How a parameter can be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// By position only, before a `/`.
    PositionalOnly,
    /// By position or keyword.
    Positional,
    /// By keyword only, after a `*`.
    Keyword,
    /// `*args`.
    Vararg,
    /// `**kwargs`.
    Kwarg,
}

impl Reference {
    /// The method that loads the model on a platform.
    #[must_use]
    pub fn init_method(&self, hardware: HardwareType) -> Option<&InitMethod> {
        self.init_methods.iter().find(|method| method.hardware_type == Some(hardware))
    }

    /// The number of definitions read; of two readings of one broken file, the larger one is better.
    fn size(&self) -> usize {
        1 + usize::from(self.has_init)
            + usize::from(self.has_test)
            + self.init_methods.len()
            + self.handler_methods.len()
    }
}

/// Reads a skillset module. Unreadable parts become problems; everything else is still in the reference.
#[must_use]
pub fn parse_reference(path: &Utf8Path, source: &str) -> (Option<Reference>, Vec<Problem>) {
    let module = path.file_stem().unwrap_or_default();
    if !is_importable(module) {
        return (None, vec![not_importable(path)]);
    }
    let file = File { path, source, module, lines: LineIndex::new(source) };
    let parsed = python::parse(source);
    let mut errors = python::errors_of(&parsed);
    if errors.is_empty() {
        return file.read(&parsed);
    }
    errors.sort_by_key(|error| error.span.start);
    let bones = python::parse(&headers::of(source, &parsed));
    let readings = [file.read(&bones), file.read(&parsed)];
    let fuller = readings.into_iter().max_by_key(|(reference, _)| reference.as_ref().map_or(0, Reference::size));
    let (reference, problems) = fuller.unwrap_or_default();
    (reference, file.syntax_problems(&errors).into_iter().chain(problems).collect())
}

struct Class<'a> {
    node: &'a StmtClassDef,
    methods: Methods<'a>,
}

/// The class that is named after the module, else the first with methods of a reference implementation.
fn class_of<'a>(module: &str, names: &Module<'a>) -> Option<Class<'a>> {
    let with_methods = |node| Class { node, methods: names.methods(node) };
    let namesake = names.class(module).map(with_methods);
    namesake.or_else(|| names.classes().map(with_methods).find(Class::has_platforms))
}

impl Class<'_> {
    fn has_platforms(&self) -> bool {
        self.methods.iter().any(|method| platform_of(method.name).or_else(|| handled_by(method.name)).is_some())
    }

    fn platforms(&self) -> Vec<&str> {
        self.methods.iter().filter_map(|method| platform_of(method.name)).collect()
    }
}

struct File<'a> {
    path: &'a Utf8Path,
    source: &'a str,
    module: &'a str,
    lines: LineIndex,
}

impl File<'_> {
    fn read(&self, parsed: &Parsed<ModModule>) -> (Option<Reference>, Vec<Problem>) {
        let names = Module::new(parsed.suite());
        let class = class_of(self.module, &names);
        let problem = self.class_problem(&names, class.as_ref());
        (class.map(|class| self.reference(&class)), problem.into_iter().collect())
    }

    fn reference(&self, class: &Class) -> Reference {
        let methods = &class.methods;
        let parameters = |name| methods.get(name).map(|method| self.parameters(method.function)).unwrap_or_default();
        let platforms = class.platforms();
        Reference {
            module: self.module.to_owned(),
            path: self.path.to_owned(),
            class_name: class.node.name.to_string(),
            init_parameters: parameters("__init__"),
            has_init: methods.get("init").is_some(),
            has_test: methods.get("__test__").is_some(),
            test_parameters: parameters("__test__"),
            init_methods: methods.iter().filter_map(|method| self.init_method(method)).collect(),
            handler_methods: methods.iter().filter_map(|method| self.handler_method(method, &platforms)).collect(),
        }
    }

    fn init_method(&self, method: &Method) -> Option<InitMethod> {
        let platform = platform_of(method.name)?;
        Some(InitMethod {
            name: method.name.to_owned(),
            platform: platform.to_owned(),
            hardware_type: HardwareType::from_name(platform),
            parameters: self.parameters(method.function),
            is_async: method.function.is_async,
            line: self.line(method.place),
        })
    }

    fn handler_method(&self, method: &Method, platforms: &[&str]) -> Option<HandlerMethod> {
        let (platform, task) = platform_and_task(handled_by(method.name)?, platforms);
        Some(HandlerMethod {
            name: method.name.to_owned(),
            platform: platform.map(str::to_owned),
            hardware_type: platform.and_then(HardwareType::from_name),
            task: task.map(str::to_owned),
            parameters: self.parameters(method.function),
            is_async: method.function.is_async,
            line: self.line(method.place),
        })
    }

    /// The parameters that a caller passes: all but the instance, which is the first parameter of a method that is not
    /// static.
    fn parameters(&self, function: &StmtFunctionDef) -> Vec<Parameter> {
        let ast::Parameters { posonlyargs, args, vararg, kwonlyargs, kwarg, .. } = &*function.parameters;
        let instance = usize::from(!is_static(function));
        let positional_only = posonlyargs.iter().map(|node| self.parameter(node, ParameterKind::PositionalOnly));
        let positional = args.iter().map(|node| self.parameter(node, ParameterKind::Positional));
        let keyword = kwonlyargs.iter().map(|node| self.parameter(node, ParameterKind::Keyword));
        let vararg = vararg.iter().map(|node| self.bare_parameter(node, ParameterKind::Vararg));
        let kwarg = kwarg.iter().map(|node| self.bare_parameter(node, ParameterKind::Kwarg));
        positional_only.chain(positional).skip(instance).chain(vararg).chain(keyword).chain(kwarg).collect()
    }

    fn parameter(&self, node: &ast::ParameterWithDefault, kind: ParameterKind) -> Parameter {
        let default = node.default().map(|default| python::text_of(default, self.source).to_owned());
        Parameter { default, ..self.bare_parameter(&node.parameter, kind) }
    }

    fn bare_parameter(&self, node: &ast::Parameter, kind: ParameterKind) -> Parameter {
        Parameter {
            name: node.name.to_string(),
            default: None,
            keyword_only: kind == ParameterKind::Keyword,
            annotation: node.annotation().map(|annotation| python::text_of(annotation, self.source).to_owned()),
            kind,
        }
    }

    fn line(&self, place: TextRange) -> u32 {
        self.lines.position(place.start().to_usize()).line + 1
    }

    fn syntax_problems(&self, errors: &[python::SyntaxError]) -> Vec<Problem> {
        let more = errors.len().saturating_sub(MOST_SYNTAX_ERRORS);
        let mut problems: Vec<_> =
            errors.iter().take(MOST_SYNTAX_ERRORS).map(|error| self.syntax_problem(error)).collect();
        if let (Some(last), 1..) = (problems.last_mut(), more) {
            last.help = Some(format!("{more} more syntax errors follow; fix the first one first"));
        }
        problems
    }

    fn syntax_problem(&self, error: &python::SyntaxError) -> Problem {
        Problem::error(Code::InvalidReference, format!("`{}` is not valid Python: {}", self.module, error.message))
            .help("fix the module: a generated test has to import it")
            .in_file(self.path)
            .at(self.lines.range(error.span.clone()))
    }

    fn class_problem(&self, names: &Module, class: Option<&Class>) -> Option<Problem> {
        let Some(class) = class else { return Some(self.without_class()) };
        let module = self.module;
        let name = &class.node.name;
        let (message, help, place) = if name.as_str() != module {
            let message = format!("the class `{name}` is used, because the module does not define `{module}`");
            (message, format!("call the class `{module}`"), name.range)
        } else if !class.has_platforms() {
            let message = format!("the class `{module}` has no method for any platform");
            (message, "define `init_<platform>` and `create_<platform>_<task>_endpoint_handler`".to_owned(), name.range)
        } else {
            let message = format!("`{module}` is rebound here, so importing it does not give the class");
            (message, "give this a name of its own".to_owned(), names.rebinding(class.node)?)
        };
        let problem = Problem::warning(Code::InvalidReference, message).help(help);
        Some(problem.in_file(self.path).at(self.lines.range(python::span(place))))
    }

    fn without_class(&self) -> Problem {
        if self.source.trim().is_empty() {
            // Editors truncate a file before they write it.
            let empty = Problem::error(Code::InvalidReference, format!("`{}` is empty", self.module));
            return empty.help("save the module again, or delete it").in_file(self.path);
        }
        let message =
            format!("`{0}` defines neither a class `{0}` nor one with `init_<platform>` methods", self.module);
        Problem::warning(Code::InvalidReference, message)
            .help("define the class, or give a module that is no reference implementation a name without `hf_`")
            .in_file(self.path)
    }
}

fn is_static(function: &StmtFunctionDef) -> bool {
    function.decorator_list.iter().any(|decorator| classes::name_of(&decorator.expression) == Some("staticmethod"))
}

/// `cuda` of `init_cuda`.
fn platform_of(method: &str) -> Option<&str> {
    method.strip_prefix("init_").filter(|platform| !platform.is_empty())
}

/// `cuda_text_embedding` of `create_cuda_text_embedding_endpoint_handler`.
fn handled_by(method: &str) -> Option<&str> {
    method.strip_prefix("create_")?.strip_suffix("_endpoint_handler").filter(|handled| !handled.is_empty())
}

/// Splits `cuda_text_embedding` after the platform. Both halves may contain `_`, so the known platforms are tried:
/// those that the class initialises, the longest first, then the hardware types.
fn platform_and_task<'a>(handled: &'a str, platforms: &[&str]) -> (Option<&'a str>, Option<&'a str>) {
    let cut = |length: usize| (handled.get(..length), handled.get(length + 1..));
    let is_whole = |platform: &&&str| {
        handled.strip_prefix(**platform).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    if let Some(platform) = platforms.iter().filter(is_whole).max_by_key(|platform| platform.len()) {
        return cut(platform.len());
    }
    let first = handled.split('_').next().unwrap_or_default();
    if HardwareType::from_name(first).is_some() { cut(first.len()) } else { (None, Some(handled)) }
}

fn is_importable(module: &str) -> bool {
    let begins_well = module.starts_with(|first: char| first.is_alphabetic() || first == '_');
    begins_well && module.chars().all(|char| char.is_alphanumeric() || char == '_')
}

fn not_importable(path: &Utf8Path) -> Problem {
    let name = path.file_name().unwrap_or(path.as_str());
    Problem::warning(Code::InvalidReference, format!("`{name}` is not a module that Python can import"))
        .help("call it `hf_<name>.py` with letters, digits and `_`, or move it out of the skillset")
        .in_file(path)
}

#[cfg(test)]
mod tests;
