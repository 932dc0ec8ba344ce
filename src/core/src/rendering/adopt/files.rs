//! The files that edits of templates change, or why they cannot. This module must not write them.

use camino::{Utf8Path, Utf8PathBuf};

use super::{ChangedFile, LeftBlockReason};
use crate::base::text_path::TextPath;
use crate::config::Config;
use crate::project::Project;
use crate::template::TemplateName;

/// The files of templates with new texts. The text of a built-in template becomes a file of the project's own templates
/// folder, which the configuration has to name.
pub(super) fn of_templates(project: &Project<'_>, texts: Vec<(TemplateName, String)>) -> Vec<ChangedFile> {
    let files = texts.into_iter().filter_map(|(name, text)| {
        let source = project.library.source(&name).ok()?;
        let path = match TextPath::of(&source.path) {
            TextPath::File(path) => path.to_owned(),
            TextPath::BuiltIn(_) => own_path(project, &name),
        };
        Some(ChangedFile { path, before: source.text.clone(), text })
    });
    files.collect()
}

/// Why the text of a template cannot be changed by changing a file.
pub(super) fn refusal(project: &Project<'_>, name: &TemplateName) -> Option<LeftBlockReason> {
    if project.registry.as_ref().is_some_and(|registry| registry.find(name).is_some()) {
        return Some(LeftBlockReason::Registered);
    }
    let is_built_in = project.library.path_of(name).is_some_and(|path| TextPath::of(path).file().is_none());
    is_built_in.then(|| no_own_folder(project)).flatten()
}

/// Why no template of the project's own can be written.
pub(super) fn no_own_folder(project: &Project<'_>) -> Option<LeftBlockReason> {
    let has_own_folder = project.config.templates.is_some() || project.config.path.is_none();
    (!has_own_folder).then_some(LeftBlockReason::NoTemplatesFolder)
}

/// Where a template of the project's own stands.
pub(super) fn own_path(project: &Project<'_>, name: &TemplateName) -> Utf8PathBuf {
    own_folder(project).join(name.as_str())
}

fn own_folder(project: &Project<'_>) -> Utf8PathBuf {
    let configured = project.config.templates.as_ref().map(|folder| folder.value.as_path());
    configured.unwrap_or(Utf8Path::new(Config::USUAL_TEMPLATES)).to_owned()
}
