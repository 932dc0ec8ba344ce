//! What a plan holds: shown in its formats, or written as files.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;
use tgen_core::output::path::OutputPath;

use super::arguments::{Filter, PlanFormat, ShowArgs};
use super::{PAGE, with_support};
use crate::printer::{Printer, as_called};
use crate::project::arguments::ListFormat;
use crate::project::session;
use crate::report::plan as report;
use crate::report::plan_matrix::{github_matrix, is_too_large_for_github};
use crate::store::{self, Content, Store, StoredTest, SupportFile};
use crate::world::disk::{self, Writer};

/// The file that tells pytest's plugin which planned test each file is.
const PLANNED_TESTS: &str = "planned_tests.json";
/// How many of the written files are named.
const NAMED: usize = 20;

pub(super) fn run_show(store: &Store, args: &ShowArgs) -> anyhow::Result<()> {
    const PAGE_OF_TABLE: u32 = 50;
    let name = name_or_newest(store, args.name.as_ref())?;
    if !args.test.is_empty() {
        let found = |prefix: &String| Ok(store.planned_test(&name, store.test_id(&name, prefix)?)?);
        let tests = args.test.iter().map(found).collect::<anyhow::Result<Vec<_>>>()?;
        return show_tests(store, &name, tests, args.output_dir.as_deref());
    }
    if let Some(folder) = &args.output_dir {
        let tests = pages(store, &name, args.offset, args.limit, Content::With, args.filter());
        return write_tests(store, &name, tests, folder);
    }
    let limit = args.limit.or((args.format == PlanFormat::Table).then_some(PAGE_OF_TABLE));
    show(store, &name, args.format, args.offset, limit, &args.filter())
}

/// Writes tests that the user named into a folder, or prints the one.
fn show_tests(store: &Store, plan: &str, tests: Vec<StoredTest>, folder: Option<&Utf8Path>) -> anyhow::Result<()> {
    if let Some(folder) = folder {
        return write_tests(store, plan, std::iter::once(Ok(tests)), folder);
    }
    let [test] = tests.as_slice() else {
        bail!("`--test` shows the text of one test; `--output-dir DIR` writes several as files");
    };
    // On a terminal the test is read; in a file or a pipe it is there to be run.
    if Printer::is_read_by_a_person() {
        return Ok(Printer::content(&test.content)?);
    }
    Ok(Printer::content(&with_support::of(test, store.plan_support(plan)?)?)?)
}

/// Writes tests and what they import into a folder, where pytest runs them.
fn write_tests(
    store: &Store,
    plan: &str,
    pages: impl Iterator<Item = anyhow::Result<Vec<StoredTest>>>,
    folder: &Utf8Path,
) -> anyhow::Result<()> {
    let folder = session::current_folder()?.join(folder);
    let mut written = Vec::new();
    write_each(store, plan, pages, &folder, |test| {
        written.push(session::shown(&folder.join(report::file_name(&test))));
    })?;
    Ok(Printer::new().paths("wrote", &written, NAMED)?)
}

/// Writes all tests of a plan and what they import into a folder. Gives the tests, without their text.
pub(crate) fn export(store: &Store, plan: &str, folder: &Utf8Path) -> anyhow::Result<Vec<StoredTest>> {
    let mut tests = Vec::new();
    let pages = pages(store, plan, 0, None, Content::With, Filter::default());
    write_each(store, plan, pages, folder, |test| tests.push(StoredTest { content: String::new(), ..test }))?;
    Ok(tests)
}

/// The planned tests that were written into a folder before.
fn planned_before(folder: &Utf8Path) -> BTreeMap<String, String> {
    let text = disk::read_text(&folder.join(PLANNED_TESTS)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn write_each(
    store: &Store,
    plan: &str,
    pages: impl Iterator<Item = anyhow::Result<Vec<StoredTest>>>,
    folder: &Utf8Path,
    mut on_written: impl FnMut(StoredTest),
) -> anyhow::Result<()> {
    let mut pages = pages.peekable();
    // A plan that is not there leaves no folder.
    if let Some(Err(error)) = pages.next_if(Result::is_err) {
        return Err(error);
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{folder}`"))?;
    let writer = Writer::new(folder).with_context(|| format!("cannot write below `{folder}`"))?;
    let mut planned = planned_before(folder);
    for page in pages {
        for test in page? {
            let name = Utf8PathBuf::from(report::file_name(&test));
            writer.write(&name, test.content.as_bytes()).with_context(|| format!("cannot write `{name}`"))?;
            planned.insert(name.into_string(), test.test_id.to_string());
            on_written(test);
        }
    }
    let planned = serde_json::to_vec_pretty(&planned)?;
    writer.write(Utf8Path::new(PLANNED_TESTS), &planned).with_context(|| format!("cannot write `{PLANNED_TESTS}`"))?;
    for SupportFile { path, content } in store.plan_support(plan)? {
        let path = OutputPath::new(&path).map_err(|reason| anyhow!("the plan's support file `{path}` {reason}"))?;
        let path = path.as_path();
        writer.write(path, content.as_bytes()).with_context(|| format!("cannot write `{path}`"))?;
    }
    Ok(())
}

pub(super) fn name_or_newest(store: &Store, name: Option<&String>) -> anyhow::Result<String> {
    match (name, store.plans()?.into_iter().next()) {
        (Some(name), _) => Ok(name.clone()),
        (None, Some(newest)) => Ok(newest.name),
        (None, None) => bail!("there is no plan; `cargo tgen plan` makes one"),
    }
}

pub(super) fn show(
    store: &Store,
    name: &str,
    format: PlanFormat,
    offset: u32,
    limit: Option<u32>,
    filter: &Filter,
) -> anyhow::Result<()> {
    let printer = Printer::new();
    let pages = |content| pages(store, name, offset, limit, content, filter.clone());
    let all = || Ok::<Vec<_>, anyhow::Error>(pages(Content::Without).collect::<anyhow::Result<Vec<_>>>()?.concat());
    let support = || {
        let files = store.plan_support(name)?.into_iter();
        Ok::<_, anyhow::Error>(files.map(|file| file.path).collect::<Vec<_>>())
    };
    match format {
        PlanFormat::Table => {
            let rest = if filter.is_empty() { store.plan(name)?.tests } else { 0 };
            show_table(&printer, name, offset, &all()?, rest)
        }
        PlanFormat::Json => printer.stream(|out| report::write_json(out, name, &support()?, pages(Content::With))),
        PlanFormat::Jsonl => {
            printer.stream(|out| report::write_json_lines(out, name, &support()?, pages(Content::With)))
        }
        PlanFormat::GithubMatrix => show_github_matrix(&printer, &all()?),
        PlanFormat::Mermaid => show_flowchart(&printer, &all()?),
    }
}

fn show_github_matrix(printer: &Printer, tests: &[StoredTest]) -> anyhow::Result<()> {
    let matrix = github_matrix(tests);
    if is_too_large_for_github(&matrix) {
        printer.warning(
            "the matrix is larger than the 1 MB that GitHub's jobs hand on; choose with `--model` or `--hardware`",
        );
    }
    // One line, as `$GITHUB_OUTPUT` takes it.
    Ok(printer.report(|out| writeln!(out, "{matrix}"))?)
}

fn show_flowchart(printer: &Printer, tests: &[StoredTest]) -> anyhow::Result<()> {
    if report::is_too_large_for_mermaid(tests) {
        printer.warning("the flowchart is larger than Mermaid draws by default; choose with `--model` or `--limit`");
    }
    Ok(printer.report(|out| report::write_mermaid(out, tests))?)
}

fn show_table(printer: &Printer, name: &str, offset: u32, tests: &[StoredTest], all: u64) -> anyhow::Result<()> {
    let (headings, rows) = report::table(tests);
    printer.table(&headings, rows)?;
    let end = u64::from(offset) + tests.len() as u64;
    let rest = all.saturating_sub(end);
    if rest > 0 {
        printer.line(&as_called(&format!("and {rest} more: `cargo tgen plan show {name} --offset {end}`")))?;
    }
    Ok(())
}

/// The tests of a plan that a filter has, page by page, until there are no more.
fn pages<'s>(
    store: &'s Store,
    name: &'s str,
    offset: u32,
    limit: Option<u32>,
    content: Content,
    filter: Filter,
) -> impl Iterator<Item = anyhow::Result<Vec<StoredTest>>> + 's {
    // Without a filter, the database leaves out what is not shown.
    let (mut next, mut skipped) = if filter.is_empty() { (offset, 0) } else { (0, offset) };
    let mut left = limit.unwrap_or(u32::MAX);
    std::iter::from_fn(move || {
        let size = if filter.is_empty() { PAGE.min(left) } else { PAGE };
        if left == 0 {
            return None;
        }
        let mut page = match store.planned_tests(name, next, size, content) {
            Ok(page) if page.is_empty() => return None,
            Ok(page) => page,
            Err(error) => return Some(Err(error.into())),
        };
        next = next.saturating_add(size);
        page.retain(|test| filter.has(test));
        let skip = skipped.min(count(&page));
        page.drain(..skip as usize);
        skipped -= skip;
        page.truncate(left as usize);
        left -= count(&page);
        Some(Ok(page))
    })
}

/// How many tests a page has: never more than [`PAGE`].
fn count(page: &[StoredTest]) -> u32 {
    u32::try_from(page.len()).unwrap_or(u32::MAX)
}

pub(super) fn show_plans(plans: &[store::StoredPlan], format: ListFormat) -> anyhow::Result<()> {
    let printer = Printer::new();
    match format {
        ListFormat::Json => {
            let as_json = |plan: &store::StoredPlan| {
                json!({
                    "name": plan.name,
                    "created_at": plan.created_at,
                    "created_by": plan.created_by,
                    "tests": plan.tests,
                })
            };
            printer.json(&plans.iter().map(as_json).collect::<Vec<_>>())?;
        }
        ListFormat::Table => {
            let row =
                |plan: &store::StoredPlan| vec![plan.name.clone(), plan.tests.to_string(), plan.created_at.clone()];
            printer.table(&["plan", "tests", "created"], plans.iter().map(row).collect())?;
        }
    }
    Ok(())
}
