//! `cargo tgen adopt`: an edit of an output becomes an edit of its template, proven by rendering.

mod edited;
mod formatting;
mod proof;
mod words;

use anyhow::{Context, bail};
use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};
use tgen_core::base::files::Files;
use tgen_core::base::layered::Layered;
use tgen_core::base::text::with_unix_line_ends;
use tgen_core::plan::Plan;
use tgen_core::project::Project;
use tgen_core::project::request::Request;
use tgen_core::rendering::adopt::{Adoption, ChangedFile, adopt, adopt_for_models, adopt_for_suites, reach};

use self::edited::Edited;
use self::proof::{Contents, Proof};
use crate::apply::refuse_unreadable;
use crate::exit::Exit;
use crate::printer::{Printer, ask, counted};
use crate::project::arguments::Global;
use crate::project::database;
use crate::project::pack;
use crate::project::session::Session;
use crate::world::disk::Writer;
use crate::world::interrupt;

/// Move edits of outputs into the templates that they are generated from
///
/// Each edit is traced to the template text that wrote the line, and the result is rendered before anything is written: the
/// outputs must come out exactly as you wrote them. Other outputs that would change too are shown, and you are asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen adopt test/skills/test_hf_bert.py   what you changed in one output
  cargo tgen adopt                               what you changed in any output
  cargo tgen adopt --to model FILE               into a template of that model alone
  cargo tgen adopt --to suite FILE               into a template of that suite alone
  cargo tgen adopt --dry-run                     show what would change, and change nothing
  cargo tgen adopt --yes                         change other outputs too without asking")]
pub(crate) struct AdoptArgs {
    /// The edited outputs [default: all that are edited]
    #[arg(value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
    /// Where the edits belong
    #[arg(long, value_enum, default_value_t)]
    to: Target,
    /// Show what would change, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Write without asking, even if outputs change that you did not edit
    #[arg(short, long)]
    yes: bool,
}

/// Where edits belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Target {
    /// In the template that wrote the text, for all models
    #[default]
    Template,
    /// In a template of the model's own, which is created if it is missing; other models stay as they are
    Model,
    /// In a template of the suite's own, which is created if it is missing; other suites stay as they are
    Suite,
}

pub(crate) fn run(global: &Global, args: &AdoptArgs) -> anyhow::Result<Exit> {
    interrupt::listen();
    let mut exit = Exit::Clean;
    let sessions = Session::open_all(global)?;
    let mut asked = Asked { args, is_only_project: sessions.len() == 1, named: Vec::new(), known: Vec::new() };
    for session in &sessions {
        exit = exit.max(adopt_in(session, &mut asked)?);
    }
    Edited::refuse_unknown(&asked.named, &args.files, &asked.known)?;
    Ok(exit)
}

/// What the user asks for, and which of the files were found in the projects so far.
struct Asked<'a> {
    args: &'a AdoptArgs,
    is_only_project: bool,
    named: Vec<Utf8PathBuf>,
    known: Vec<Utf8PathBuf>,
}

impl Asked<'_> {
    /// Takes note of the project's outputs and of those that the user named. Of a single project, files that are no outputs
    /// are refused here, before anything is written.
    fn note(&mut self, session: &Session, plan: &Plan<'_>, edited: &Edited) -> anyhow::Result<()> {
        self.named.extend(edited.named.iter().cloned());
        self.known.extend(plan.outputs.iter().map(|output| session.root.join(plan.location(output))));
        if self.is_only_project {
            Edited::refuse_unknown(&self.named, &self.args.files, &self.known)?;
        }
        Ok(())
    }
}

fn adopt_in(session: &Session, asked: &mut Asked<'_>) -> anyhow::Result<Exit> {
    let args = asked.args;
    let request = Request::default();
    let project = session.project_for(&request)?;
    let plan = Plan::new(&project, &request);
    refuse_unreadable(session, &plan, "nothing was changed")?;
    let edited = Edited::find(session, &plan, &args.files)?;
    asked.note(session, &plan, &edited)?;
    if edited.outputs.is_empty() {
        Printer::new().note("no output is edited")?;
        return Ok(Exit::findings_if(edited.skipped > 0));
    }
    let adoption = adoption(session, &plan, &edited, args.to)?;
    words::show_left(session, &plan, &adoption);
    formatting::show_hint(session, &plan, &adoption, &edited.outputs);
    if adoption.files.is_empty() {
        Printer::new().note("nothing was changed")?;
        return Ok(Exit::Findings);
    }
    prove_and_write(session, &plan, &adoption, &edited, args)
}

/// The edits of outputs as edits of files of the project.
fn adoption(session: &Session, plan: &Plan<'_>, edited: &Edited, target: Target) -> anyhow::Result<Adoption> {
    let adoption = match target {
        Target::Template => adopt(plan, &edited.outputs),
        Target::Model => adopt_for_models(plan, &edited.outputs),
        Target::Suite => adopt_for_suites(plan, &edited.outputs),
    };
    adoption.map_err(|problem| {
        session.print_problems(plan.project, &[problem]);
        anyhow::anyhow!("an edited output cannot be rendered, so nothing was changed; correct the errors above first")
    })
}

/// Renders the outputs with the changed files, shows what changes, and writes it all if the user wants that.
fn prove_and_write(
    session: &Session,
    plan: &Plan<'_>,
    adoption: &Adoption,
    edited: &Edited,
    args: &AdoptArgs,
) -> anyhow::Result<Exit> {
    let texts = adoption.files.iter().map(|file| (file.path.clone(), file.text.as_str().into())).collect();
    let layered = Layered::new(&session.disk, texts);
    let changed_project = changed_project(session, plan.project, &layered, adoption)?;
    let changed_plan = Plan::new(&changed_project, &Request::default());
    let contents = if args.dry_run { Contents::Dropped } else { Contents::Kept };
    let proof = Proof::of(session, plan, &changed_plan, adoption, edited, contents)?;
    words::show_changes(session, &changed_plan, adoption, &proof)?;
    let unasked: Vec<_> = proof.merged_unasked(plan, edited).collect();
    words::show_merged_unasked(session, &changed_plan, &unasked);
    if args.dry_run || !is_wanted(proof.others.len(), unasked.len(), args)? {
        return Ok(Exit::Findings);
    }
    write(session, &changed_plan, adoption, &proof, edited)?;
    words::show_written(session, &changed_plan, adoption, &proof)?;
    Ok(Exit::findings_if(!adoption.left.is_empty() || edited.skipped > 0))
}

/// The project as it is with the changed files.
fn changed_project<'l>(
    session: &'l Session,
    project: &Project<'l>,
    layered: &'l Layered<&'l crate::world::disk::Disk>,
    adoption: &Adoption,
) -> anyhow::Result<Project<'l>> {
    if let Some(changed) = reach::changed_project(project, layered, adoption) {
        return Ok(changed);
    }
    let config = project.config.reread(layered).map_err(|problems| {
        session.print_problems(project, &problems);
        anyhow::anyhow!(
            "the changed configuration would have these errors, so nothing was changed; edit the configuration yourself"
        )
    })?;
    database::ask(session, Project::load(layered, config, pack::pack()), &Request::default())
}

/// Whether outputs may change that nobody edited, or that were edited and not named.
fn is_wanted(others: usize, unasked: usize, args: &AdoptArgs) -> anyhow::Result<bool> {
    if others + unasked == 0 || args.yes {
        return Ok(true);
    }
    let others = (others > 0).then(|| format!("{} that you did not edit", counted(others, "output")));
    let unasked = (unasked > 0).then(|| format!("{} that you edited and did not name", counted(unasked, "output")));
    let outputs = others.into_iter().chain(unasked).collect::<Vec<_>>().join(" and ");
    let answer = ask(&format!("change {outputs} too?"))?;
    if answer.is_none() {
        Printer::new().warning(&format!("{outputs} would change too, so nothing was changed; run it with `--yes`"));
    }
    Ok(answer.unwrap_or(false))
}

fn write(
    session: &Session,
    plan: &Plan<'_>,
    adoption: &Adoption,
    proof: &Proof,
    edited: &Edited,
) -> anyhow::Result<()> {
    let writer = Writer::new(&session.root)?;
    edited.refuse_changed_since(session, plan)?;
    let contents = adoption.files.iter().map(|file| content(session, file)).collect::<anyhow::Result<Vec<_>>>()?;
    for (file, content) in adoption.files.iter().zip(contents) {
        let path = session.standpoint.seen(&file.path);
        writer.write(&file.path, content.as_bytes()).with_context(|| format!("cannot write `{path}`"))?;
    }
    proof.write_outputs(session, plan)
}

/// What a template or the configuration is to hold, with the line ends and the byte order mark that it has. Fails if it was
/// changed after it was read.
fn content(session: &Session, file: &ChangedFile) -> anyhow::Result<String> {
    const MARK: char = '\u{feff}';
    let Ok(now) = session.disk.read_text(&file.path) else { return Ok(file.text.clone()) };
    if with_unix_line_ends(now.trim_start_matches(MARK)) != with_unix_line_ends(&file.before) {
        bail!("`{}` was changed meanwhile; nothing was changed, run it again", file.path);
    }
    let text = with_unix_line_ends(&file.text);
    let text = if now.contains("\r\n") { text.replace('\n', "\r\n") } else { text.into_owned() };
    Ok(if now.starts_with(MARK) { format!("{MARK}{text}") } else { text })
}
