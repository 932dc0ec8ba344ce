use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::base::cancellation::Cancellation;
use crate::base::files::{Files, MemoryFiles};
use crate::config::Origin;
use crate::plan::Plan;
use crate::project::request::Request;
use crate::rendering::comparison::render_each;
use crate::template::library::Pack;

static PACK: &Pack = &[("built_in.tera", "built in"), ("part.tera", "part of the pack")];

const FIXTURE: &str = r#"
-- tgen.toml --
templates = "templates"
skillset = "skillset"
pipeline-map = "map.json"

[placeholders]
organisation = "acme"
unused = 1

[models.vit]
placeholders = { size = 5 }

[[suite]]
name = "s"
template = ["tasks/{{ primary_task }}.tera", "own/{{ normalized_name }}.txt", "child.tera"]
models = "all"
output = "out/{{ normalized_name }}.txt"
-- templates/base.tera --
# {% block body %}{% endblock %} {{ organisation }}
-- templates/child.tera --
{% extends "base.tera" %}{% block body %}{{ model_name }} {{ size | default(value=0) }}{% endblock %}
-- templates/tasks/fill-mask.tera --
{% include "part.tera" %} {{ primary_task }} {{ <card title={model_name} /> }}
-- templates/cards.tera --
{% component card(title) %}[{{ title }}]{% endcomponent %}
-- templates/own/whisper.txt --
${model_name} ${tasks} ${suite}
-- templates/idle.tera --
nobody uses this
-- map.json --
{"bert": ["fill-mask"], "gpt2": ["text-generation"], "vit": ["image-classification"], "whisper": ["audio-classification"]}
-- skillset/hf_bert.py --
class hf_bert:
    def init_cpu(self): pass
-- skillset/hf_gpt2.py --
class hf_gpt2:
    def init_cpu(self): pass
"#;

/// Checks the names of the outputs that a change affects.
#[track_caller]
fn check_affected(path: &str, content: Option<&str>, expected: &[&str]) {
    check_affected_in(FIXTURE, path, content, expected);
}

#[track_caller]
fn check_affected_in(fixture: &str, path: &str, content: Option<&str>, expected: &[&str]) {
    let before = MemoryFiles::from_fixture(fixture);
    let after = with(before.clone(), path, content);
    let files = Switch::of(before);
    let mut live = LiveProject::load(&files, PACK, Some(Origin::TgenToml));
    let mut ledger = Ledger::default();
    assert_eq!(plan_of(&live).problems, [], "the fixture is sound");
    ledger.update(&plan_of(&live));
    files.switch(after);
    live.apply(&Changes::from_iter([Change::At(path.into())]));
    let plan = plan_of(&live);
    let affected = ledger.update(&plan);
    let gone = affected.gone.iter().map(|path| format!("{} gone", path.file_stem().unwrap()));
    let names: Vec<_> = affected.outputs.iter().map(|at| stem(&plan, *at)).chain(gone).collect();
    assert_eq!(names, expected);
    assert!(ledger.update(&plan_of(&live)).is_empty(), "nothing changed since the last update");
}

fn with(mut files: MemoryFiles, path: &str, content: Option<&str>) -> MemoryFiles {
    match content {
        Some(content) => files.insert(path, content),
        None => files.remove(path),
    }
    files
}

fn plan_of<'p>(live: &'p LiveProject<'_>) -> Plan<'p> {
    Plan::new(live.current().unwrap(), &Request::default())
}

fn stem(plan: &Plan<'_>, output: usize) -> String {
    plan.outputs[output].path.as_path().file_stem().unwrap().to_owned()
}

fn text_of(path: &str) -> String {
    MemoryFiles::from_fixture(FIXTURE).read_text(path.into()).unwrap()
}

#[test]
fn a_template_affects_what_extends_it() {
    check_affected("templates/base.tera", Some("{% block body %}{% endblock %}"), &["gpt2", "vit"]);
    check_affected("templates/child.tera", Some("changed"), &["gpt2", "vit"]);
    check_affected("templates/idle.tera", Some("changed"), &[]);
}

#[test]
fn a_template_affects_what_includes_it_or_calls_its_components() {
    check_affected("templates/part.tera", Some("laid over the pack's"), &["bert"]);
    let wider = "{% component card(title) %}[ {{ title }} ]{% endcomponent %}";
    check_affected("templates/cards.tera", Some(wider), &["bert"]);
    check_affected("templates/own/whisper.txt", Some("changed"), &["whisper"]);
}

#[test]
fn a_template_that_comes_or_goes_affects_whom_it_is_chosen_for() {
    check_affected("templates/own/vit.txt", Some("own"), &["vit"]);
    check_affected("templates/own/whisper.txt", None, &["whisper"]);
    check_affected("templates/tasks", None, &[]);
}

#[test]
fn the_pipeline_map_affects_the_models_whose_entry_has_changed() {
    let map = text_of("map.json");
    check_affected("map.json", Some(&map.replace("audio-classification", "fill-mask")), &["whisper"]);
    check_affected("map.json", Some(&map.replace("\"vit\"", "\"vitt\"")), &["vitt", "vit gone"]);
    check_affected("map.json", Some(&format!("{map}\n\n")), &[]);
}

#[test]
fn a_reference_implementation_affects_its_model_where_the_template_asks_for_it() {
    let changed = Some("class hf_bert:\n    def init_cuda(self): pass\n");
    check_affected("skillset/hf_bert.py", changed, &[]);
    let asking = FIXTURE.replace("{{ primary_task }}\n", "").replace(
        "{% include \"part.tera\" %}",
        "{{ reference.init_methods | length }}{{ reference.init_methods[0].name }}",
    );
    check_affected_in(&asking, "skillset/hf_bert.py", changed, &["bert"]);
    check_affected_in(
        &asking,
        "skillset/hf_bert.py",
        Some("\n\nclass hf_bert:\n    def init_cuda(self): pass\n"),
        &["bert"],
    );
    check_affected_in(&asking, "skillset/hf_gpt2.py", None, &[]);
}

#[test]
fn a_value_affects_the_cases_whose_template_uses_it() {
    let config = text_of("tgen.toml");
    let with = |from: &str, to: &str| config.replace(from, to);
    check_affected("tgen.toml", Some(&with("acme", "other")), &["gpt2", "vit"]);
    check_affected("tgen.toml", Some(&with("unused = 1", "unused = 2")), &[]);
    check_affected("tgen.toml", Some(&with("size = 5", "size = 6")), &["vit"]);
    check_affected("tgen.toml", Some(&with("name = \"s\"", "name = \"t\"")), &["whisper"]);
    check_affected(
        "tgen.toml",
        Some(&with("\nname", "\nformat = [\"black\"]\nname")),
        &["bert", "gpt2", "vit", "whisper"],
    );
    check_affected("tgen.toml", Some(&with("[models.vit]", "[models.gpt2]")), &["gpt2", "vit"]);
    check_affected("tgen.toml", Some(&format!("# a comment\n{config}")), &[]);
}

#[test]
fn a_broken_template_keeps_what_it_was_and_nothing_is_rendered_again_when_it_is_mended() {
    let files = Switch::of(MemoryFiles::from_fixture(FIXTURE));
    let mut live = LiveProject::load(&files, PACK, Some(Origin::TgenToml));
    let mut ledger = Ledger::default();
    ledger.update(&plan_of(&live));
    for content in ["{{ oops", &text_of("templates/base.tera")] {
        files.switch(with(MemoryFiles::from_fixture(FIXTURE), "templates/base.tera", Some(content)));
        live.apply(&Changes::from_iter([Change::At("templates/base.tera".into())]));
        assert!(ledger.update(&plan_of(&live)).is_empty());
    }
}

#[test]
fn a_broken_configuration_is_said_and_changes_under_it_are_not_lost() {
    let mut now = MemoryFiles::from_fixture(FIXTURE);
    let files = Switch::of(now.clone());
    let mut live = LiveProject::load(&files, PACK, Some(Origin::TgenToml));
    for (path, content) in
        [("tgen.toml", "oops ="), ("templates/child.tera", "new"), ("tgen.toml", &text_of("tgen.toml"))]
    {
        now.insert(path, content);
        files.switch(now.clone());
        live.apply(&Changes::from_iter([Change::At(path.into())]));
        assert_eq!(live.current().is_err(), content == "oops =" || content == "new");
    }
    let plan = plan_of(&live);
    assert_eq!(texts(&plan)["out/gpt2.txt"], Some("new".to_owned()));
}

#[test]
fn a_configuration_that_appears_is_found_and_one_that_goes_is_missed() {
    let files = Switch::of(MemoryFiles::default());
    let mut live = LiveProject::load(&files, PACK, None);
    assert!(live.current().is_ok());
    let mut go = |now: MemoryFiles, path: &str| {
        files.switch(now);
        live.apply(&Changes::from_iter([Change::At(path.into())]));
        live.current()
            .map(|project| project.config.suites[0].name.value.clone())
            .map_err(|faults| faults[0].message.clone())
    };
    let cargo = "[package]\nname = \"p\"\n[package.metadata.tgen]\n[[package.metadata.tgen.suite]]\nname = \"in-cargo\"\ntemplate = \"x\"\nmodels = \"all\"\noutput = \"o\"\n";
    let in_cargo = with(MemoryFiles::default(), "Cargo.toml", Some(cargo));
    assert_eq!(go(in_cargo.clone(), "Cargo.toml"), Ok("in-cargo".to_owned()));
    let both = with(in_cargo, "tgen.toml", Some(&text_of("tgen.toml")));
    assert_eq!(go(both, "tgen.toml"), Ok("s".to_owned()));
    let missing = go(MemoryFiles::default(), "tgen.toml").unwrap_err();
    assert_eq!(missing, "cannot read `tgen.toml`: it does not exist");
}

#[test]
fn only_inputs_concern_a_project() {
    let files = MemoryFiles::from_fixture(FIXTURE);
    let live = LiveProject::load(&files, PACK, Some(Origin::TgenToml));
    let concerned = |path: &str| live.is_concerned(path.into());
    assert!(
        ["tgen.toml", "map.json", "templates", "templates/own", "templates/base.tera"]
            .map(concerned)
            .iter()
            .all(|it| *it)
    );
    assert!(
        !["out/bert.txt", "Cargo.toml", "README.md", "templates/4913", "skillset/hf_bert.py.swp/x"]
            .map(concerned)
            .iter()
            .any(|it| *it)
    );
}

/// Files that can be replaced while a project refers to them.
struct Switch(std::sync::RwLock<MemoryFiles>);

impl Switch {
    fn of(files: MemoryFiles) -> Self {
        Self(files.into())
    }

    fn switch(&self, files: MemoryFiles) {
        *self.0.write().unwrap() = files;
    }
}

impl Files for Switch {
    fn read_into(&self, path: &Utf8Path, buffer: &mut Vec<u8>) -> std::io::Result<()> {
        self.0.read().unwrap().read_into(path, buffer)
    }

    fn list(&self, folder: &Utf8Path) -> std::io::Result<Vec<Utf8PathBuf>> {
        self.0.read().unwrap().list(folder)
    }

    fn is_file(&self, path: &Utf8Path) -> bool {
        self.0.read().unwrap().is_file(path)
    }
}

/// The expected text of every output, by its path; `None` if rendering fails.
fn texts(plan: &Plan<'_>) -> BTreeMap<String, Option<String>> {
    let rendered = render_each(plan, &plan.outputs, |output, rendered| {
        (plan.location(output).into_string(), rendered.ok().map(|text| String::from_utf8_lossy(text).into_owned()))
    });
    rendered.into_iter().collect()
}

/// The observable state of a project.
fn picture(live: &LiveProject<'_>) -> String {
    match live.current() {
        Err(faults) => format!("{faults:#?}"),
        Ok(project) => {
            let plan = Plan::new(project, &Request::default());
            let origins: Vec<_> = plan.outputs.iter().map(|output| plan.origin(output)).collect();
            format!("{:#?}\n{origins:#?}\n{:#?}\n{:#?}", texts(&plan), project.problems, plan.problems)
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Write(&'static str, &'static str),
    Remove(&'static str),
    Rename(&'static str, &'static str),
    Unseen(&'static str, &'static str),
}

const FILES: [&str; 12] = [
    "templates/base.tera",
    "templates/child.tera",
    "templates/part.tera",
    "templates/cards.tera",
    "templates/more/cards.tera",
    "templates/tasks/fill-mask.tera",
    "templates/own/whisper.txt",
    "templates/own/vit.txt",
    "map.json",
    "skillset/hf_bert.py",
    "skillset/hf_vit.py",
    "notes.md",
];
const FOLDERS: [&str; 6] = ["templates", "templates/own", "templates/tasks", "templates/more", "skillset", "gone"];
const TEXTS: [&str; 9] = [
    "{{ model_name }} {{ organisation }}",
    "{% extends \"base.tera\" %}{% block body %}{{ reference.class_name }}{% endblock %}",
    "{% include \"part.tera\" %}",
    "{{ oops",
    "{% component card(title) %}<{{ title }}>{% endcomponent %}",
    "{{ <card title={primary_task} /> }} {{ size | default(value=1) }}",
    "class hf_bert:\n    def init_cuda(self): pass\n",
    "{\"bert\": [\"fill-mask\", \"text-generation\"], \"vit\": [\"fill-mask\"]}",
    "${model_type} ${tasks}",
];

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let file = || prop::sample::select(&FILES[..]);
    let folder = || prop::sample::select(&FOLDERS[..]);
    let text = || prop::sample::select(&TEXTS[..]);
    let config = text_of("tgen.toml");
    let configs = [
        "oops =".to_owned(),
        config.replace("acme", "other"),
        config.replace("\"all\"", "[\"vit\", \"bert\"]"),
        config.replace("pipeline-map = \"map.json\"", ""),
        config.replace("size = 5", "size = 7"),
        config,
    ];
    let configs: Vec<&'static str> = configs.into_iter().map(|text| &*text.leak()).collect();
    let step = prop_oneof![
        6 => (file(), text()).prop_map(|(path, text)| Step::Write(path, text)),
        2 => file().prop_map(Step::Remove),
        2 => (file(), file()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => folder().prop_map(Step::Remove),
        1 => (folder(), folder()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (file(), text()).prop_map(|(path, text)| Step::Unseen(path, text)),
        2 => prop::sample::select(configs).prop_map(|text| Step::Write("tgen.toml", text)),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..4), 1..8)
}

/// Performs a step and returns the changes that a watcher would report.
fn carry_out(step: &Step, files: &mut MemoryFiles) -> Vec<Change> {
    let at = |path: &str| Change::At(path.into());
    match step {
        Step::Write(path, text) => {
            files.insert(*path, *text);
            vec![at(path)]
        }
        Step::Remove(path) => {
            take(files, path);
            vec![at(path)]
        }
        Step::Rename(from, to) => {
            for (path, content) in take(files, from) {
                let below = path.strip_prefix(from).unwrap();
                let target =
                    if below.as_str().is_empty() { Utf8PathBuf::from(to) } else { Utf8Path::new(to).join(below) };
                files.insert(target, content);
            }
            vec![at(from), at(to)]
        }
        Step::Unseen(path, text) => {
            files.insert(*path, *text);
            vec![Change::Rescan]
        }
    }
}

/// Removes a file, or all files of a folder, and returns them.
fn take(files: &mut MemoryFiles, path: &str) -> Vec<(Utf8PathBuf, Vec<u8>)> {
    let paths = files.list(path.into()).unwrap_or_default();
    let mut taken = Vec::new();
    for path in paths {
        let mut content = Vec::new();
        files.read_into(&path, &mut content).unwrap();
        files.remove(&path);
        taken.push((path, content));
    }
    taken
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changes_one_by_one_equal_a_fresh_load(batches in steps()) {
        let mut now = MemoryFiles::from_fixture(FIXTURE);
        let files = Switch::of(now.clone());
        let mut live = LiveProject::load(&files, PACK, Some(Origin::TgenToml));
        let mut ledger = Ledger::default();
        let mut written: BTreeMap<String, String> = BTreeMap::new();
        for batch in std::iter::once(Vec::new()).chain(batches) {
            let changes: Changes = batch.iter().flat_map(|step| carry_out(step, &mut now)).collect();
            files.switch(now.clone());
            live.apply(&changes);
            prop_assert_eq!(picture(&live), picture(&LiveProject::load(&now, PACK, Some(Origin::TgenToml))));
            let Ok(project) = live.current() else { continue };
            let plan = Plan::new(project, &Request::default());
            let should = texts(&plan);
            for output in ledger.update(&plan).outputs {
                let path = plan.location(&plan.outputs[output]).into_string();
                written.extend(should[&path].clone().map(|text| (path, text)));
            }
            // Every renderable output is what a fresh `generate` would write, although only affected ones were written.
            for (path, text) in should.iter().filter_map(|(path, text)| Some((path, text.as_ref()?))) {
                prop_assert_eq!(written.get(path), Some(text));
            }
        }
    }
}

#[test]
fn a_cancelled_project_plans_no_output() {
    let files = MemoryFiles::from_fixture(FIXTURE);
    let cancellation = Cancellation::default();
    let mut live = LiveProject::load(&files, PACK, Some(Origin::TgenToml)).cancelled_by(&cancellation);
    let planned = |live: &LiveProject<'_>| Plan::new(live.current().unwrap(), &Request::default()).outputs.len();
    assert_eq!(planned(&live), 4);

    cancellation.cancel();
    assert_eq!(planned(&live), 0);
    live.apply(&Changes::from_iter([Change::Rescan]));
    assert_eq!(planned(&live), 0);
}
