//! What the commands of the template database share: which file it is, and how to wait for it.

use std::time::Duration;

use anyhow::bail;
use camino::Utf8PathBuf;
use clap::Args;

use crate::cli::Global;
use crate::printer::Printer;
use crate::session::{self, Session};
use crate::store::{Mode, Patience, Store, StoreError};

/// The template database's usual name.
const DEFAULT_FILE: &str = "templates.duckdb";
/// How long to wait for another process that holds the file.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Which template database.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// The template database [default: the configured `template-db`, else `templates.duckdb`]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Project")]
    template_db: Option<Utf8PathBuf>,
}

impl DatabaseArgs {
    /// Opens it.
    pub(crate) fn open(&self, session: &Session, mode: Mode) -> anyhow::Result<Store> {
        Ok(self.try_open(session, mode)??)
    }

    /// Opens it, for a caller who knows what to do where that fails.
    pub(crate) fn try_open(&self, session: &Session, mode: Mode) -> anyhow::Result<Result<Store, StoreError>> {
        let tell = |message: &str| Printer::new().warning(message);
        let patience = Patience { limit: LONGEST_WAIT, tell: &tell };
        Ok(Store::open(&self.path(session)?, mode, &patience))
    }

    fn path(&self, session: &Session) -> anyhow::Result<Utf8PathBuf> {
        let path = match (&self.template_db, &session.config.template_db) {
            (Some(given), _) => session::current_folder()?.join(given),
            (None, Some(configured)) => session.root.join(&configured.value),
            (None, None) => session.root.join(DEFAULT_FILE),
        };
        Ok(session::shown(&path))
    }
}

/// The one project that the command line means.
pub(crate) fn one_session(global: &Global) -> anyhow::Result<Session> {
    let mut sessions = Session::open_all(global)?;
    match (sessions.pop(), sessions.is_empty()) {
        (Some(session), true) => Ok(session),
        _ => bail!("a template database is for one project; choose it with `--package` or `--root`"),
    }
}
