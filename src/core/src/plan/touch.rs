//! Finds the outputs of a plan that a change of files may have affected.
//!
//! Each changed file is classified once and each output is looked up once, so the cost is linear in both. This module
//! uses the file system only to ask whether a changed input still exists.

use std::collections::HashSet;
use std::sync::Arc;

use camino::Utf8PathBuf;
use typed_index_collections::TiVec;

use super::{ModelIndex, Plan, PlannedOutput, Subject, TemplateIndex};
use crate::model::catalogue::Model;
use crate::project::inputs::{InputKind, Reach};
use crate::template::compiled::Compiled;

/// What a change of files may have affected.
pub(super) struct Touch<'a> {
    every_output: bool,
    database_suites: bool,
    /// For each template of the plan, whether it builds on a changed one.
    templates: TiVec<TemplateIndex, bool>,
    /// For each model of the plan, whether its reference implementation has changed.
    models: TiVec<ModelIndex, bool>,
    /// The changed files that may be outputs.
    others: HashSet<&'a str>,
}

impl<'a> Touch<'a> {
    pub(super) fn of(plan: &Plan<'_>, changed: &'a [Utf8PathBuf]) -> Self {
        let mut touch = Self {
            every_output: false,
            database_suites: false,
            templates: TiVec::new(),
            models: TiVec::new(),
            others: changed.iter().map(|path| path.as_str()).collect(),
        };
        let (mut templates, mut references) = (HashSet::new(), HashSet::new());
        for path in changed {
            for reach in plan.project.inputs.kinds_of(path).map(InputKind::reach) {
                match reach {
                    Reach::Everything => touch.every_output = true,
                    Reach::DatabaseSuites => touch.database_suites = true,
                    // Any case may have used a deleted file.
                    Reach::Templates | Reach::References if touch.every_output || !plan.project.files.is_file(path) => {
                        touch.every_output = true;
                    }
                    Reach::Templates => drop(templates.insert(path.as_str())),
                    Reach::References => drop(references.insert(path.as_str())),
                }
            }
        }
        let builds_on = |template: &Arc<Compiled>| {
            let mut paths = template.closure.iter().filter_map(|name| plan.project.library.path_of(name));
            paths.any(|path| templates.contains(path.as_str()))
        };
        let refers =
            |model: &Model| plan.project.reference_path(model).is_some_and(|path| references.contains(path.as_str()));
        touch.templates = plan.templates.iter().map(builds_on).collect();
        touch.models = plan.models.iter().map(refers).collect();
        touch
    }

    pub(super) fn reaches(&self, plan: &Plan<'_>, output: &PlannedOutput) -> bool {
        let by_subject = match output.subject {
            Subject::Case { suite, model, .. } => {
                self.models[model] || (self.database_suites && plan.suites[suite].suite.takes_registered())
            }
            Subject::Support => false,
        };
        self.every_output
            || by_subject
            || self.templates[output.template]
            || self.others.contains(plan.location(output).as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use camino::Utf8Path;

    use super::*;
    use crate::base::files::{Files, MemoryFiles};
    use crate::config::{self, Origin};
    use crate::project::Project;
    use crate::project::registered::Registry;
    use crate::project::request::Request;

    const FIXTURE: &str = r#"
-- tgen.toml --
templates = "templates"
skillset = "skillset"
pipeline-map = "map.json"
template-db = "t.duckdb"
[[suite]]
name = "files"
template = ["own/{{ normalized_name }}.txt", "t.txt.tera"]
models = ["bert", "vit"]
output = "out/{{ normalized_name }}.txt"
[[suite]]
name = "registered"
template = "database"
models = ["bert"]
output = "db/{{ normalized_name }}.txt"
-- map.json --
{"bert": ["fill-mask"], "vit": ["image-classification"]}
-- templates/t.txt.tera --
# {% include "part.tera" %}
-- templates/part.tera --
part
-- templates/own/vit.txt --
own
-- templates/idle.tera --
idle
-- skillset/hf_bert.py --
class hf_bert: pass
"#;

    /// Files that count the calls of `is_file`.
    struct Counted(MemoryFiles, AtomicUsize);

    impl Files for Counted {
        fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> std::io::Result<()> {
            self.0.read_into(path, buffer)
        }

        fn list(&self, folder: &Utf8Path) -> std::io::Result<Vec<Utf8PathBuf>> {
            self.0.list(folder)
        }

        fn is_file(&self, path: &Utf8Path) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.is_file(path)
        }
    }

    /// The outputs that a change of these files affects, and the number of calls of `is_file`.
    fn touched(changed: &[&str]) -> (Vec<String>, usize) {
        let files = Counted(MemoryFiles::from_fixture(FIXTURE), AtomicUsize::new(0));
        let project = Project::load(&files, config::load(&files, Origin::TgenToml).unwrap(), &[]);
        let registry = registry(&project);
        let project = project.with_registry("t.duckdb".into(), registry);
        let plan = Plan::new(&project, &Request::default());
        assert_eq!(plan.problems, []);
        files.1.store(0, Ordering::Relaxed);
        let changed: Vec<_> = changed.iter().map(Utf8PathBuf::from).collect();
        let outputs = plan.touched_by(&changed).map(|output| output.path.to_string()).collect();
        (outputs, files.1.load(Ordering::Relaxed))
    }

    /// A template database with one template, which matches every case.
    fn registry(project: &Project<'_>) -> Registry {
        use crate::project::registered::{ChosenTemplates, Registered};
        use crate::template::Dialect;

        let registry = Registry::new(&project.catalogue, []);
        let wanted = registry.wanted(&project.config, &Request::default());
        let content = "registered".to_owned();
        let template = Registered { name: "r".to_owned(), version: 1, dialect: Dialect::Dollar, content };
        let choices = vec![Some(0); wanted.len()];
        registry.with_chosen(wanted, ChosenTemplates { templates: vec![template], choices }, Vec::new())
    }

    #[track_caller]
    fn check(changed: &str, expected: &[&str]) {
        assert_eq!(touched(&[changed]).0, expected, "{changed}");
    }

    #[test]
    fn a_change_touches_the_outputs_that_follow_from_it() {
        check("templates/part.tera", &["out/bert.txt"]);
        check("templates/own/vit.txt", &["out/vit.txt"]);
        check("templates/idle.tera", &[]);
        check("skillset/hf_bert.py", &["out/bert.txt", "db/bert.txt"]);
        check("t.duckdb", &["db/bert.txt"]);
        check("out/vit.txt", &["out/vit.txt"]);
        check("README.md", &[]);
    }

    #[test]
    fn an_input_of_everything_or_one_that_is_gone_touches_every_output() {
        let every = ["out/bert.txt", "out/vit.txt", "db/bert.txt"];
        for changed in ["tgen.toml", "map.json", "map.auto_classes.json", "templates/gone.tera", "skillset/hf_gone.py"]
        {
            check(changed, &every);
        }
    }

    #[test]
    fn the_file_system_is_asked_once_for_each_changed_input() {
        let (_, questions) =
            touched(&["templates/part.tera", "templates/idle.tera", "skillset/hf_bert.py", "README.md"]);
        assert_eq!(questions, 3);
    }
}
