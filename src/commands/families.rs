//! The families that a template or a mapping can be for: a mistyped one would never be found.

use std::collections::BTreeSet;

use anyhow::bail;
use tgen_core::base::suggest::did_you_mean;
use tgen_core::model::family::Family;

use crate::project::session::Session;
use crate::store::{Mode, StoreError};

/// Whether a family may be one that nothing has yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NewFamily {
    Refused,
    /// `--new-family`.
    Allowed,
}

/// The family of a template that is added: the given one, or that of the version before.
pub(super) fn of_template(
    session: &Session,
    template: &str,
    given: Option<&str>,
    new: NewFamily,
) -> anyhow::Result<String> {
    if let Some(family) = given {
        require(session, family, new)?;
        return Ok(family.to_owned());
    }
    let earlier = match session.try_database(Mode::ReadOnly)? {
        Ok(store) => store.template(template).ok(),
        Err(StoreError::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    match earlier {
        Some(earlier) => Ok(earlier.family),
        None => bail!("`{template}` is a new template; say with `--family` which models it is for"),
    }
}

/// Refuses a family that nothing has, unless new ones are allowed.
pub(super) fn require(session: &Session, family: &str, new: NewFamily) -> anyhow::Result<()> {
    let known = known(session)?;
    if new == NewFamily::Allowed || known.contains(family) {
        return Ok(());
    }
    let hint = did_you_mean(family, known.iter().map(String::as_str)).map(|hint| format!("; {hint}"));
    bail!("there is no family `{family}`; `--new-family` adds it{}", hint.unwrap_or_default())
}

fn known(session: &Session) -> anyhow::Result<BTreeSet<String>> {
    let mut known: BTreeSet<String> = Family::KNOWN.iter().map(|family| family.name().to_owned()).collect();
    let configured = session.config.models.values().filter_map(|facts| facts.family.as_ref());
    known.extend(configured.map(|family| family.value.clone()));
    match session.try_database(Mode::ReadOnly)? {
        Ok(store) => {
            known.extend(store.templates()?.into_iter().map(|template| template.family));
            known.extend(store.mappings()?.into_iter().map(|mapping| mapping.family));
        }
        // An older file is upgraded when it is written, and a missing one is created.
        Err(StoreError::Missing(_) | StoreError::Older { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(known)
}
