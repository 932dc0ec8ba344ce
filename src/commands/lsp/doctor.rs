//! `cargo tgen lsp --doctor`: what the server sees of a project, and why, for someone whose editor shows nothing.

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};
use tgen_core::base::files::Files;
use tgen_core::config::Origin;
use tgen_core::plan::Plan;
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::template::{Dialect, TemplateName};

use crate::exit::Exit;
use crate::printer::{Printer, as_called, counted};
use crate::project::arguments::Global;
use crate::project::locate::{self, CargoOptions, ConfigSource, Located};
use crate::project::pack;
use crate::project::session;
use crate::world::disk::Disk;

pub(super) fn run(global: &Global, file: Option<&Utf8Path>) -> anyhow::Result<Exit> {
    let here = session::start(global)?;
    let file = file.map(|file| here.join(file));
    let start = file.as_deref().and_then(Utf8Path::parent).unwrap_or(&here);
    let found = locate::locate(start, &CargoOptions::default())?;
    let printer = Printer::new();
    printer.problems(&found.warnings, &|path| std::fs::read_to_string(path).ok());
    let Some(located) = found.projects.into_iter().next() else {
        bail!("`{start}` belongs to no project; write a `tgen.toml` with `cargo tgen init`")
    };
    let mut report = vec![row("server", format!("cargo-tgen {}", env!("CARGO_PKG_VERSION")))];
    report.extend(std::env::current_exe().ok().map(|path| row("program", path.display().to_string())));
    report.push(row("looked from", start.to_string()));
    report.push(row("project", format!("{}: {}", located.root, why(&located, start))));
    let disk = Disk::new(located.root.clone());
    let exit = match located.config(&disk) {
        Ok(config) => {
            let project = Project::load(&disk, config, pack::pack());
            report.extend(of_project(&project, file.as_deref().map(|file| below(&located.root, file))));
            printer.problems(&project.problems, &|path| disk.read_text(path).ok());
            Exit::of(&project.problems)
        }
        Err(problems) => {
            report.push(row("configuration", "cannot be used; until it can, templates are not checked".to_owned()));
            printer.problems(&problems, &|path| disk.read_text(path).ok());
            Exit::Findings
        }
    };
    let width = report.iter().map(|(what, _)| what.len()).max().unwrap_or_default();
    for (what, seen) in report {
        printer.line(&format!("{what:width$}  {}", as_called(&seen)))?;
    }
    Ok(exit)
}

type Row = (&'static str, String);

const fn row(what: &'static str, seen: String) -> Row {
    (what, seen)
}

fn why(located: &Located, start: &Utf8Path) -> String {
    match located.source {
        ConfigSource::File(Origin::TgenToml) if located.root == start => "it has a `tgen.toml`".to_owned(),
        ConfigSource::File(Origin::TgenToml) => "the nearest folder above with a `tgen.toml`".to_owned(),
        ConfigSource::File(origin) => format!("its `{}` has `[{}]`", origin.file_name(), origin.table().join(".")),
        ConfigSource::BuiltIn => {
            "no `tgen.toml` here or above, so the built-in configuration serves; run `cargo tgen init` to begin one"
                .to_owned()
        }
    }
}

fn of_project(project: &Project<'_>, file: Option<Utf8PathBuf>) -> Vec<Row> {
    let config = &project.config;
    let plan = Plan::new(project, &Request::default());
    let types = project.pipeline_map.model_types().count();
    let map = config.pipeline_map.as_ref().map_or("built-in".to_owned(), |spot| format!("`{}`", spot.value));
    let mut rows = vec![
        row("templates", templates(project)),
        row("pipeline map", format!("{map}, {}", counted(types, "model type"))),
        row("references", config.skillset.as_ref().map_or("none".to_owned(), |spot| format!("`{}`", spot.value))),
        row("placeholders", format!("{} of the project's own", config.placeholders.len())),
    ];
    for (index, planned) in plan.suites.iter_enumerated() {
        let outputs = plan.outputs.iter().filter(|output| output.suite() == Some(index)).count();
        rows.push(row("suite", format!("`{}`: {}", planned.suite.name.value, counted(outputs, "output"))));
    }
    rows.extend(file.map(|file| row("file", format!("`{file}`: {}", kind(project, &plan, &file)))));
    rows
}

fn templates(project: &Project<'_>) -> String {
    let own = counted(project.library.project_names().count(), "template");
    let built_in = project.library.names().count() - project.library.project_names().count();
    match &project.config.templates {
        Some(folder) => format!("`{}`: {own}, over {built_in} built-in", folder.value),
        None => format!("{built_in} built-in; `templates` in the configuration names a folder of your own"),
    }
}

/// What a file is to the server. Its name decides, and never what the editor calls its language.
fn kind(project: &Project<'_>, plan: &Plan<'_>, file: &Utf8Path) -> String {
    if project.config.path.as_deref() == Some(file) {
        return "the configuration".to_owned();
    }
    if project.is_input(file) {
        return "an input: the pipeline map, what stands beside it, or a reference implementation".to_owned();
    }
    if let Some(name) = project.template_name(file) {
        return template(plan, &name);
    }
    match plan.outputs.iter().find(|output| output.path.as_path() == file) {
        Some(output) => format!("an output, generated from {}", plan.origin(output)),
        None => "none of this project's; a template stands in the templates folder".to_owned(),
    }
}

fn template(plan: &Plan<'_>, name: &TemplateName) -> String {
    let dialect = match name.dialect() {
        Dialect::Tera => "Tera, because its name ends with `.tera`",
        Dialect::Dollar => "`${}`, because its name does not end with `.tera`",
    };
    let uses = |output: &&tgen_core::plan::PlannedOutput| plan.templates[output.template].closure.contains(name);
    let outputs = plan.outputs.iter().filter(uses).count();
    let left_out = plan.left_out.iter().filter(|case| case.template == *name).count();
    let left_out = match left_out {
        0 => String::new(),
        cases => format!("; {} left out because of problems, which `cargo tgen lint` shows", counted(cases, "output")),
    };
    format!("template `{name}`, {dialect}; part of {}{left_out}", counted(outputs, "output"))
}

/// A file as the project names it.
fn below(root: &Utf8Path, file: &Utf8Path) -> Utf8PathBuf {
    file.strip_prefix(root).unwrap_or(file).to_owned()
}
