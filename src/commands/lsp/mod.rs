//! `cargo tgen lsp`: the language server, and what it sees.

mod doctor;

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;
use tgen_core::base::files::Files;
use tgen_core::template::library::Pack;
use tgen_lsp::{End, Host, ServedProject};

use crate::exit::Exit;
use crate::project::arguments::Global;
use crate::project::locate::{self, CargoOptions, ConfigSource};
use crate::project::pack;
use crate::world::disk::Disk;

/// Start the language server, for editors
///
/// It speaks the language server protocol on standard input and output until the editor ends it. How to set up an editor
/// is in docs/editors.md.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo tgen lsp                                     what an editor runs
  cargo tgen lsp --doctor                            what the server sees here, and why
  cargo tgen lsp --doctor templates/bert.py.tera     how the server treats a file")]
pub(crate) struct LspArgs {
    /// Serve on standard input and output, as it does anyway; editors pass this option
    #[arg(long)]
    stdio: bool,
    /// Print what the server sees here, and why, instead of serving
    #[arg(long)]
    doctor: bool,
    /// With `--doctor`: the file whose treatment is explained
    #[arg(requires = "doctor")]
    file: Option<Utf8PathBuf>,
}

pub(crate) fn run(global: &Global, args: &LspArgs) -> anyhow::Result<Exit> {
    if args.doctor {
        return doctor::run(global, args.file.as_deref());
    }
    let end = tgen_lsp::serve(Arc::new(World))?;
    Ok(Exit::findings_if(end == End::Abrupt))
}

/// The disk and the embedded templates, for the server.
struct World;

impl Host for World {
    fn locate(&self, folder: &Utf8Path) -> Result<ServedProject, String> {
        let found = locate::locate(folder, &CargoOptions::default()).map_err(|error| format!("{error:#}"))?;
        let project = found.projects.into_iter().next().ok_or_else(|| format!("`{folder}` belongs to no project"))?;
        let origin = match project.source {
            ConfigSource::File(origin) => Some(origin),
            ConfigSource::BuiltIn => None,
        };
        Ok(ServedProject { root: project.root, origin })
    }

    fn files(&self, root: &Utf8Path) -> Arc<dyn Files + Send + Sync> {
        Arc::new(Disk::new(root.to_owned()))
    }

    fn pack(&self) -> &'static Pack {
        pack::pack()
    }
}
