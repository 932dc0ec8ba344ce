//! The template database at the size of a large team: `cargo bench --bench store --no-default-features --features store`.
//!
//! Each line is a figure of its own; memory is that of the whole process at its highest since the last such line.

use std::error::Error;
use std::time::{Duration, Instant};

use camino::Utf8Path;
use tgen_core::model::family::Family;
use tgen_core::model::hardware::HardwareType;
use tgen_core::project::registered::Wanted;
use tgen_core::schedule::estimate::Origin;
use tgen_core::template::Dialect;
use uuid::Uuid;

use crate::store::{Content, Mode, NewTemplate, NewTest, Patience, Store};

/// What the store needs of the room `world`.
#[path = "../src/world"]
mod world {
    #[expect(dead_code, unused_imports, reason = "only what the store needs of it is used here, and none of its tests")]
    pub(crate) mod disk;
    #[expect(dead_code, reason = "as above")]
    pub(crate) mod stamp;
}
#[expect(dead_code, unused_imports, reason = "only a part of it is measured")]
#[path = "../src/store/mod.rs"]
mod store;

const TEMPLATES: u32 = 100_000;
const TESTS: u32 = 1_000_000;
const CASES: u32 = 10_000;
const BATCH_SIZES: u32 = 6;
const LINES: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = Utf8Path::from_path(folder.path()).ok_or("the temporary folder is not UTF-8")?.join("templates.duckdb");
    let ((), created) = timed(|| open(&file, Mode::ReadWrite).map(drop))?;
    report("create an empty database", created);
    report_opening(&file, "an empty database")?;
    let ((), added) = timed(|| add_each(&file, 100))?;
    report("open, add one template, close", added / 100);
    memory();
    fill(&file)?;
    memory();
    report_opening(&file, "100,000 templates")?;
    let (templates, listed) = timed(|| open(&file, Mode::ReadOnly)?.templates())?;
    report(&format!("list {} templates", templates.len()), listed);
    drop(templates);
    let (chosen, selected) = timed(|| select(&file))?;
    memory();
    report(&format!("choose the templates of {CASES} cases ({chosen} have one)"), selected);
    for (name, lines) in [("long", LINES), ("short", 0)] {
        let ((), planned) = timed(|| plan(&file, name, lines))?;
        report(&format!("store {TESTS} planned tests with {name} texts"), planned);
        memory();
        let store = open(&file, Mode::ReadOnly)?;
        for offset in [0, TESTS / 2] {
            let (page, shown) = timed(|| store.planned_tests(name, offset, 50, Content::With))?;
            report(&format!("show {} tests after {offset}", page.len()), shown);
        }
    }
    let (differences, compared) = timed(|| open(&file, Mode::ReadOnly)?.compare_plans("short", "long"))?;
    report(&format!("compare the two plans ({} tests differ)", differences.len()), compared);
    drop(differences);
    memory();
    report_opening(&file, "all of it")?;
    report(&format!("the file has {} MB", std::fs::metadata(&file)?.len() / 1_000_000), Duration::ZERO);
    Ok(())
}

fn open(file: &Utf8Path, mode: Mode) -> Result<Store, store::StoreError> {
    Store::open(file, mode, &Patience { limit: Duration::from_secs(1), tell: &|_| () })
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, Duration), E> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed()))
}

#[expect(clippy::print_stdout, reason = "a benchmark has no printer")]
fn report(what: &str, took: Duration) {
    println!("{:>10.1} ms  {what}", took.as_secs_f64() * 1000.0);
}

/// The best of several, since the rest is other processes' time.
fn report_opening(file: &Utf8Path, what: &str) -> Result<(), Box<dyn Error>> {
    for mode in [Mode::ReadOnly, Mode::ReadWrite] {
        let mut best = Duration::MAX;
        for _ in 0..10 {
            best = best.min(timed(|| open(file, mode).map(drop))?.1);
        }
        report(&format!("open {what} and close it, {mode:?}"), best);
    }
    Ok(())
}

fn memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        report(peak, Duration::ZERO);
    }
    // What cannot be reset is too high, never too low.
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

fn add_each(file: &Utf8Path, count: u32) -> Result<(), store::StoreError> {
    for number in 0..count {
        open(file, Mode::ReadWrite)?.add_template(&NewTemplate {
            name: &format!("one by one {number}"),
            family: "text_embedding",
            hardware: &[HardwareType::Cuda],
            description: None,
            dialect: Dialect::Dollar,
            content: "text",
        })?;
    }
    Ok(())
}

/// As any other program that has DuckDB would.
fn fill(file: &Utf8Path) -> Result<(), duckdb::Error> {
    let connection = duckdb::Connection::open(file)?;
    connection.execute_batch(&format!(
        "INSERT INTO templates (name, family, current_version)
             SELECT 'template ' || i, 'family ' || i % 1000, 1 FROM range({TEMPLATES}) AS r (i);
         INSERT INTO template_versions
             SELECT template_id, 1, 'dollar', repeat('# ' || name, 100), repeat('0', 64), make_timestamp(template_id)
             FROM templates WHERE name LIKE 'template %';
         INSERT INTO template_hardware
             SELECT template_id, ['cpu', 'cuda', 'rocm'][1 + template_id % 4]
             FROM templates WHERE name LIKE 'template %' AND template_id % 4 < 3;
         INSERT INTO model_mappings
             SELECT 'model ' || i * 3, 'family 1', template_id, NULL
             FROM range(1000) AS r (i) JOIN templates ON name = 'template ' || i;"
    ))
}

fn select(file: &Utf8Path) -> Result<usize, store::StoreError> {
    let wanted = |(number, hardware)| Wanted {
        model: format!("model {number}"),
        family: Family::new(format!("family {}", number % 1100)),
        hardware: Some(hardware),
    };
    let hardware = HardwareType::ALL.iter().copied().cycle();
    let cases: Vec<_> = (0..CASES).zip(hardware).map(wanted).collect();
    let selection = open(file, Mode::ReadOnly)?.select(&cases)?;
    Ok(selection.choices.iter().flatten().count())
}

/// Each batch size depends on the next smaller one.
fn plan(file: &Utf8Path, name: &str, lines: usize) -> Result<(), store::StoreError> {
    let mut store = open(file, Mode::ReadWrite)?;
    let mut plan = store.new_plan(Some(name))?;
    for number in 0..TESTS {
        let (model, batch_size) = (number / BATCH_SIZES, number % BATCH_SIZES + 1);
        let id = |number: u32| Uuid::from_u128(0x5bd1_e995_9e37_79b9_7f4a_7c15 * u128::from(number + 1));
        let before = [id(number.saturating_sub(1))];
        let line = format!(
            "def test_model_{model}_batch_{batch_size}(): assert run({model}, {batch_size}).shape[0] == {batch_size}\n"
        );
        plan.add(&NewTest {
            test_id: id(number),
            model: &format!("model-{model}"),
            family: "text_embedding",
            hardware: HardwareType::Cuda,
            batch_size,
            content: &line.repeat(lines),
            test_type: "template",
            priority: 5,
            min_memory_gb: 1.5,
            timeout_seconds: 600,
            template: "text",
            template_version: Some(1),
            dependencies: if batch_size > 1 { &before } else { &[] },
            estimates: store::Estimates { memory: Origin::Estimated, seconds: None },
        })?;
    }
    plan.finish(&[]).map(drop)
}
