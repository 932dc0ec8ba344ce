//! The cases of a plan as tests to execute: ids, priorities, requirements and dependencies.
//!
//! This module has the rules; it must not know how a test plan is stored, shown or executed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use typed_index_collections::{TiSlice, TiVec};
use uuid::Uuid;

use crate::base::bytes::Bytes;
use crate::base::problem::{Code, Problem};
use crate::model::catalogue::Model;
use crate::model::family::Family;
use crate::model::hardware::HardwareType;
use crate::model::size::millions_of_parameters;
use crate::plan::case::Axes;
use crate::plan::{ModelIndex, Plan, Planned, PlannedOutput, PlannedSuite, Subject, SuiteIndex, TemplateIndex};
use crate::schedule::estimate::{Estimate, Origin};
use crate::schedule::history::{self, History};
use crate::template::compiled::Compiled;

/// The type of every planned test.
pub const TEST_TYPE: &str = "model_test";

/// The default time limit of a test, in seconds.
const DEFAULT_TIMEOUT: u32 = 600;

/// Large models have two bytes a parameter in their checkpoints, and loading takes a fifth more.
const GIGABYTES_OF_A_MILLION: f64 = 0.002 * 1.2;

/// The namespace of the ids. It never changes, so that a test has the same id in every release.
const NAMESPACE: Uuid = Uuid::from_u128(0x7b3e_9a5c_41d8_5f0e_9c27_5d1f_60a4_e8b2);

/// A test to execute.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTest {
    /// The id: equal for equal template content, model, hardware type and batch size.
    pub id: Uuid,
    /// The output that contains the test, as an index into the plan's.
    pub output: usize,
    /// The model.
    pub model: ModelIndex,
    /// The hardware type that it runs on.
    pub hardware: HardwareType,
    /// The batch size, at least 1.
    pub batch_size: u32,
    /// From 1 (first) to 10.
    pub priority: u8,
    /// The memory it needs, in gigabytes.
    pub min_memory_gb: f64,
    /// The source of `min_memory_gb`.
    pub memory_origin: Origin,
    /// How long it takes, estimated from earlier runs.
    pub expected: Option<Estimate<Duration>>,
    /// How long it may run.
    pub timeout_seconds: u32,
    /// The test that must pass first.
    pub depends_on: Option<Uuid>,
}

/// Every test of a plan and the problems found. Each test follows the one that it depends on; otherwise tests are
/// ordered by priority.
#[must_use]
pub fn planned_tests(plan: &Plan<'_>) -> (Vec<PlannedTest>, Vec<Problem>) {
    let templates: TiVec<TemplateIndex, Uuid> =
        plan.templates.iter().map(|template| template_id(plan, template)).collect();
    let mut tests = Vec::new();
    let mut problems = Vec::new();
    let mut seen: HashMap<Uuid, usize> = HashMap::new();
    for (at, output) in plan.outputs.iter().enumerate() {
        for test in tests_of(plan, at, output, &templates) {
            let first = *seen.entry(test.id).or_insert(at);
            if first == at {
                tests.push(test);
            } else {
                problems.push(planned_twice(plan, first, at));
            }
        }
    }
    problems.dedup();
    add_dependencies(&mut tests, plan);
    tests.sort_by_key(|test| (test.priority, test.batch_size, test.output));
    (tests, problems)
}

/// Adds estimates from earlier runs: durations, and memory for tests without a configured amount.
pub fn learn(plan: &Plan<'_>, tests: &mut [PlannedTest], history: &History) {
    for test in tests {
        let model = &plan.models[test.model];
        let unit = plan.location(&plan.outputs[test.output]);
        let subject = history::EstimateSubject {
            unit: unit.as_str(),
            model: Some(model.name.as_str()),
            family: Some(&model.family),
            hardware: test.hardware,
            device_name: None,
            batch: Some(test.batch_size),
        };
        let expected = history.duration(&subject, Duration::ZERO);
        test.expected = (expected.origin != Origin::Default).then_some(expected);
        let memory = history.memory(&subject, Bytes::from_gigabytes(test.min_memory_gb));
        if test.memory_origin != Origin::Stated && memory.origin != Origin::Default {
            test.min_memory_gb = rounded_up(memory.value.gigabytes());
            test.memory_origin = memory.origin;
        }
    }
}

/// Rounded up to two decimals, for a readable plan.
fn rounded_up(gigabytes: f64) -> f64 {
    (gigabytes * 100.0).ceil().max(1.0) / 100.0
}

/// The priority, from 1 (first) to 10: small batches and common hardware come first.
#[must_use]
pub fn priority(hardware: HardwareType, batch_size: u32) -> u8 {
    let of_batch = match batch_size {
        0 | 1 => -1,
        2..16 => 0,
        16.. => 1,
    };
    let of_hardware = match hardware {
        HardwareType::Cpu => -1,
        HardwareType::Cuda | HardwareType::Rocm => 1,
        HardwareType::Openvino | HardwareType::Mps | HardwareType::Qualcomm => 0,
    };
    5_u8.saturating_add_signed(of_batch + of_hardware)
}

/// The estimated memory of a test, in gigabytes, if none is configured: the model's weights, if its size is known, plus
/// the memory of a batch of its family.
#[must_use]
pub fn estimated_memory_gb(model: &Model, batch_size: u32) -> f64 {
    let weights = millions_of_parameters(model.name.as_str(), model.model_type.as_deref());
    let weights = weights.map_or(0.0, |millions| millions * GIGABYTES_OF_A_MILLION);
    let memory = (weights + batch_memory_gb(&model.family, batch_size)).max(0.5);
    (memory * 10.0).ceil() / 10.0
}

fn batch_memory_gb(family: &Family, batch_size: u32) -> f64 {
    let base = match family.name() {
        "text_generation" => 4.0,
        "vision" => 2.0,
        "multimodal" => 6.0,
        "audio" => 3.0,
        _ => 1.0,
    };
    base * f64::from(batch_size) / 4.0
}

/// Identifies everything that a template's output depends on except its values: its text and the texts it builds on.
fn template_id(plan: &Plan<'_>, template: &Compiled) -> Uuid {
    let mut content = Vec::new();
    for source in template.closure.iter().filter_map(|name| plan.project.library.source(name).ok()) {
        content.extend_from_slice(&(source.text.len() as u64).to_le_bytes());
        content.extend_from_slice(source.text.as_bytes());
    }
    Uuid::new_v5(&NAMESPACE, &content)
}

/// A plan with one output for each test, in the same order. A template that loops over an axis that its output path
/// does not expand loops over the test's own value only.
#[must_use]
pub fn contents<'p>(plan: &Plan<'p>, tests: &[PlannedTest]) -> Plan<'p> {
    let mut suites: TiVec<SuiteIndex, PlannedSuite> = TiVec::new();
    let mut narrowed: HashMap<(SuiteIndex, HardwareType, u32), SuiteIndex> = HashMap::new();
    let mut content = |test: &PlannedTest| {
        let mut output = plan.outputs[test.output].clone();
        if let Subject::Case { suite, .. } = &mut output.subject {
            let of_test = narrowed.entry((*suite, test.hardware, test.batch_size)).or_insert_with(|| {
                let axes = Axes { hardware: vec![test.hardware], batch_sizes: vec![test.batch_size] };
                suites.push_and_get_key(PlannedSuite { axes, ..plan.suites[*suite].clone() })
            });
            *suite = *of_test;
        }
        output
    };
    let outputs = tests.iter().map(&mut content).collect();
    let (templates, models) = (plan.templates.clone(), plan.models.clone());
    let planned = Planned { root: plan.root.clone(), suites, templates, models, outputs, ..Planned::default() };
    Plan { project: plan.project, planned: Arc::new(planned) }
}

fn tests_of(
    plan: &Plan<'_>,
    at: usize,
    output: &PlannedOutput,
    templates: &TiSlice<TemplateIndex, Uuid>,
) -> Vec<PlannedTest> {
    let Subject::Case { suite, model, hardware, batch_size } = output.subject else { return Vec::new() };
    let template = &plan.templates[output.template];
    let loops_over = |name| template.placeholder(name).is_some();
    let axes = &plan.suites[suite].axes;
    let hardware = values_of_tests(hardware, &axes.hardware, loops_over("hardware_backends"));
    let batch_sizes = values_of_tests(batch_size, &axes.batch_sizes, loops_over("batch_sizes"));
    let suite = &plan.suites[suite].suite;
    let of = &plan.models[model];
    let stated = plan.project.config.facts_of(of).and_then(|facts| facts.memory_gb).or(suite.memory_gb);
    let test = |hardware: HardwareType, batch_size: u32| PlannedTest {
        id: test_id(&templates[output.template], of.name.as_str(), hardware, batch_size),
        output: at,
        model,
        hardware,
        batch_size,
        priority: priority(hardware, batch_size),
        min_memory_gb: stated.map_or_else(|| estimated_memory_gb(of, batch_size), |stated| stated.value),
        memory_origin: if stated.is_some() { Origin::Stated } else { Origin::Estimated },
        expected: None,
        timeout_seconds: suite.test_timeout_seconds.unwrap_or(DEFAULT_TIMEOUT),
        depends_on: None,
    };
    let pairs = hardware.into_iter().flat_map(|hardware| batch_sizes.iter().map(move |size| (hardware, *size)));
    pairs.map(|(hardware, size)| test(hardware, size)).collect()
}

/// The values of an axis for which an output has tests: its own if its path expands the axis, all if its template loops
/// over them, else only the smallest, because the tests for other values would have the same text.
fn values_of_tests<T: Copy + Ord>(own: Option<T>, all: &[T], loops_over_all: bool) -> Vec<T> {
    match own {
        Some(own) => vec![own],
        None if loops_over_all => all.to_vec(),
        None => all.iter().min().copied().into_iter().collect(),
    }
}

fn test_id(template: &Uuid, model: &str, hardware: HardwareType, batch_size: u32) -> Uuid {
    // A model's name cannot contain a line break, so the names are unique.
    Uuid::new_v5(template, format!("{model}\n{hardware}\n{batch_size}").as_bytes())
}

/// Within one model, hardware type and template, each batch size depends on the next smaller one.
fn add_dependencies(tests: &mut [PlannedTest], plan: &Plan<'_>) {
    let mut ladders: HashMap<(&str, HardwareType, TemplateIndex), Vec<usize>> = HashMap::new();
    for (at, test) in tests.iter().enumerate() {
        let name = plan.models[test.model].name.as_str();
        ladders.entry((name, test.hardware, plan.outputs[test.output].template)).or_default().push(at);
    }
    for mut ladder in ladders.into_values() {
        ladder.sort_by_key(|at| tests[*at].batch_size);
        for pair in ladder.windows(2) {
            tests[pair[1]].depends_on = Some(tests[pair[0]].id);
        }
    }
}

fn planned_twice(plan: &Plan<'_>, first: usize, second: usize) -> Problem {
    let [first, second] = [first, second].map(|at| {
        let output = &plan.outputs[at];
        let suite = plan.case(output).suite.map_or("", |suite| suite.name.value.as_str());
        format!("`{suite}` ({})", plan.origin(output))
    });
    Problem::error(Code::OutputCollision, format!("two suites plan the same test: {first} and {second}"))
        .help("choose one of them with `--suite`")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::base::files::MemoryFiles;
    use crate::config;
    use crate::model::family::Modality;
    use crate::model::names::ModelName;
    use crate::project::Project;
    use crate::project::request::Request;
    use crate::results::reading::read;
    use crate::template::renderer::Renderer;

    const PROJECT: &str = "\
-- templates/base.py.tera --
{% block test %}{% endblock %}
-- templates/test.py.tera --
{% extends \"base.py.tera\" %}{% block test %}MODEL = {{ model_name | py_str }} {{ batch_sizes }}{% endblock %}
-- tgen.toml --
templates = \"templates\"
[[suite]]
name = \"one\"
template = \"test.py.tera\"
models = [\"bert\"]
output = \"test/test_{{ normalized_name }}_{{ hardware_type }}.py\"
hardware = [\"cpu\", \"cuda\"]
batch-sizes = [16, 1, 4]
";

    fn plan(fixture: &str) -> String {
        let files = MemoryFiles::from_fixture(fixture);
        let config = config::load(&files, config::Origin::TgenToml).unwrap();
        let project = Project::load(&files, config, &[]);
        let plan = Plan::new(&project, &Request::default());
        let (tests, problems) = planned_tests(&plan);
        let short = |id: Uuid| id.to_string()[..8].to_owned();
        let line = |test: &PlannedTest| {
            let model = plan.models[test.model].name.as_str();
            let after = test.depends_on.map(short).unwrap_or_default();
            let PlannedTest { id, hardware, batch_size, priority, min_memory_gb, timeout_seconds, .. } = test;
            let id = short(*id);
            let line = format!(
                "{id} {model} {hardware} {batch_size}: {priority}, {min_memory_gb} GB, {timeout_seconds} s {after}"
            );
            line.trim_end().to_owned()
        };
        let problems = plan.problems.iter().chain(&problems).map(|problem| problem.message.clone());
        tests.iter().map(line).chain(problems).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_batch_size_waits_for_the_next_smaller_one_on_its_hardware_type() {
        assert_snapshot!(plan(PROJECT), @"
        0a52eb77 bert cpu 1: 3, 0.6 GB, 600 s
        66f7ee9d bert cpu 4: 4, 1.3 GB, 600 s 0a52eb77
        b759aee5 bert cuda 1: 5, 0.6 GB, 600 s
        d64ae482 bert cpu 16: 5, 4.3 GB, 600 s 66f7ee9d
        9a6d2610 bert cuda 4: 6, 1.3 GB, 600 s b759aee5
        b6093cb7 bert cuda 16: 7, 4.3 GB, 600 s 9a6d2610
        ");
    }

    /// The axes of the tests of a template on which no axis is expanded, and what each test has for text.
    fn texts(template: &str) -> Vec<(HardwareType, u32, String)> {
        let fixture = PROJECT
            .replace("_{{ hardware_type }}.py", ".py")
            .replace("MODEL = {{ model_name | py_str }} {{ batch_sizes }}", template);
        let files = MemoryFiles::from_fixture(&fixture);
        let config = config::load(&files, config::Origin::TgenToml).unwrap();
        let project = Project::load(&files, config, &[]);
        let plan = Plan::new(&project, &Request::default());
        let (tests, _) = planned_tests(&plan);
        let contents = contents(&plan, &tests);
        let rendered = |output: &PlannedOutput| {
            let mut renderer = Renderer::of(&contents.templates[output.template]);
            let mut text = Vec::new();
            renderer.rendering(&contents.case(output)).unwrap().write(&mut text);
            String::from_utf8(text).unwrap().trim().to_owned()
        };
        let all_rendered = contents.outputs.iter().map(rendered);
        tests.iter().zip(all_rendered).map(|(test, text)| (test.hardware, test.batch_size, text)).collect()
    }

    #[test]
    fn a_template_that_loops_over_an_axis_loops_over_the_value_of_each_test() {
        use HardwareType::{Cpu, Cuda};

        let both = texts("{{ hardware_backends }} {{ batch_sizes }}");
        assert_eq!(both[0], (Cpu, 1, "[\"cpu\"] [1]".to_owned()));
        assert_eq!(both.len(), 6);
        let hardware = texts("{% for one in hardware_backends %}{{ one }}{% endfor %}");
        assert_eq!(hardware, [(Cpu, 1, "cpu".to_owned()), (Cuda, 1, "cuda".to_owned())]);
    }

    #[test]
    fn a_template_that_loops_over_no_axis_is_one_test() {
        assert_eq!(texts("x = 1"), [(HardwareType::Cpu, 1, "x = 1".to_owned())]);
    }

    #[test]
    fn an_id_follows_the_template_and_what_it_builds_on_and_nothing_else() {
        let ids = |fixture: &str| plan(fixture).lines().map(|line| line[..8].to_owned()).collect::<Vec<_>>();
        let before = ids(PROJECT);
        assert_eq!(before, ids(&PROJECT.replace("name = \"one\"", "name = \"two\"\nmemory-gb = 7")));
        assert_ne!(before, ids(&PROJECT.replace("MODEL", "NAME")));
        assert_ne!(
            before,
            ids(&PROJECT.replace("{% block test %}{% endblock %}\n", "\n{% block test %}{% endblock %}\n"))
        );
    }

    #[test]
    fn what_is_configured_comes_before_what_is_estimated() {
        let configured = "memory-gb = 7\ntest-timeout-seconds = 30\n[models.bert]\nmemory-gb = 9.5\n";
        assert_snapshot!(plan(&format!("{}{configured}", PROJECT.replace("[16, 1, 4]", "[1]"))), @"
        0a52eb77 bert cpu 1: 3, 9.5 GB, 30 s
        b759aee5 bert cuda 1: 5, 9.5 GB, 30 s
        ");
    }

    /// The memory and the durations of the tests on one hardware type, once earlier runs of some of them are known.
    fn learnt(fixture: &str, ends: &[&str]) -> String {
        let files = MemoryFiles::from_fixture(fixture);
        let config = config::load(&files, config::Origin::TgenToml).unwrap();
        let project = Project::load(&files, config, &[]);
        let plan = Plan::new(&project, &Request::default());
        let (mut tests, _) = planned_tests(&plan);
        let end = |end: &&str| {
            format!(
                "{{\"tgen-unit\": \"u\", \"run\": \"r\", \"hardware\": \"cpu\", \"model\": \"bert\", \"outcome\": \"passed\", {end}}}\n"
            )
        };
        let recorded = read(ends.iter().map(end).collect::<String>().as_bytes()).unwrap();
        learn(&plan, &mut tests, &History::new(&recorded, &|_| None));
        let line = |test: &PlannedTest| {
            let seconds = test.expected.map(|expected| format!("{:?} ({})", expected.value, expected.origin));
            let PlannedTest { batch_size, min_memory_gb, memory_origin, .. } = test;
            format!("{batch_size}: {min_memory_gb} GB ({memory_origin}), {}", seconds.as_deref().unwrap_or("-"))
        };
        let on_cpu = tests.iter().filter(|test| test.hardware == HardwareType::Cpu);
        on_cpu.map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn earlier_runs_tell_memory_and_duration_and_stated_memory_stays() {
        let ends = [r#""batch": 4, "duration": 3, "memory_peak": 812345678"#];
        assert_snapshot!(learnt(PROJECT, &[]), @"
        1: 0.6 GB (estimated), -
        4: 1.3 GB (estimated), -
        16: 4.3 GB (estimated), -
        ");
        assert_snapshot!(learnt(PROJECT, &ends), @"
        1: 0.82 GB (estimated), 750ms (estimated)
        4: 0.82 GB (learnt n=1), 3s (learnt n=1)
        16: 3.25 GB (estimated), 12s (estimated)
        ");
        assert_snapshot!(learnt(&PROJECT.replace("name = \"one\"", "name = \"one\"\nmemory-gb = 7"), &ends), @"
        1: 7 GB (stated), 750ms (estimated)
        4: 7 GB (stated), 3s (learnt n=1)
        16: 7 GB (stated), 12s (estimated)
        ");
    }

    #[test]
    fn one_test_of_two_suites_is_a_problem() {
        let second = PROJECT.split("[[suite]]").last().unwrap().replace("\"one\"", "\"two\"").replace("test/", "two/");
        let twice = format!("{PROJECT}[[suite]]{second}").replace("[16, 1, 4]", "[1]").replace(", \"cuda\"", "");
        assert_snapshot!(plan(&twice), @"
        0a52eb77 bert cpu 1: 3, 0.6 GB, 600 s
        two suites plan the same test: `one` (test.py.tera for bert on cpu) and `two` (test.py.tera for bert on cpu)
        ");
    }

    #[test]
    fn memory_is_that_of_the_weights_and_of_a_batch_of_the_family() {
        let of = |name: &str, model_type: Option<&str>, family: &str| {
            let model = Model {
                name: ModelName::new(name).unwrap(),
                model_type: model_type.map(str::to_owned),
                family: Family::new(family.to_owned()),
                modality: Modality::Text,
                tasks: Vec::new(),
                reference_module: None,
            };
            format!("{name} {:?}", [1, 4, 16].map(|size| estimated_memory_gb(&model, size)))
        };
        let table = [
            of("bert-base-uncased", Some("bert"), "text_embedding"),
            of("llava", Some("llava"), "multimodal"),
            of("acme/Small-1.5B", None, "text_generation"),
            of("mine", None, "own"),
        ];
        assert_snapshot!(table.join("\n"), @"
        bert-base-uncased [0.6, 1.3, 4.3]
        llava [18.2, 22.7, 40.7]
        acme/Small-1.5B [4.6, 7.6, 19.6]
        mine [0.5, 1.0, 4.0]
        ");
    }

    #[test]
    fn small_batches_and_cpus_come_first() {
        let of = |hardware: &HardwareType| [1, 2, 15, 16].map(|size| priority(*hardware, size));
        let table: Vec<_> = HardwareType::ALL.iter().map(|hardware| format!("{hardware} {:?}", of(hardware))).collect();
        assert_snapshot!(table.join("\n"), @"
        cpu [3, 4, 4, 5]
        cuda [5, 6, 6, 7]
        rocm [5, 6, 6, 7]
        openvino [4, 5, 5, 6]
        mps [4, 5, 5, 6]
        qualcomm [4, 5, 5, 6]
        ");
    }
}
