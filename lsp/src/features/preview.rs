//! Preview requests of this server's own (`tgen/...`): a rendered template, and the previewed case.

use serde::{Deserialize, Serialize};
use tgen_core::base::problem::Problem;
use tgen_core::ide::{Preview, View, preview};
use tgen_core::model::hardware::HardwareType;
use tower_lsp::ls_types::{TextDocumentIdentifier, Uri};

use crate::convert;
use crate::state::ProjectFile;

/// A template and the case to preview; omitted fields keep the current choice.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PreviewParams {
    /// The template.
    pub(crate) text_document: TextDocumentIdentifier,
    model: Option<String>,
    hardware: Option<String>,
    batch_size: Option<u32>,
}

impl PreviewParams {
    /// The requested case.
    pub(crate) fn over(&self, chosen: &Preview) -> Preview {
        let hardware = self.hardware.as_deref().and_then(HardwareType::from_name);
        Preview {
            model: self.model.clone().or_else(|| chosen.model.clone()),
            hardware: hardware.or(chosen.hardware),
            batch_size: self.batch_size.or(chosen.batch_size),
        }
    }
}

/// The rendered template, or the problem.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PreviewResult {
    text: Option<String>,
    problem: Option<String>,
    output: Option<Uri>,
    model: Option<String>,
}

/// The models that a template is rendered for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ModelsResult {
    models: Vec<String>,
    current: Option<String>,
}

/// Renders a template for the requested case.
pub(crate) fn render(file: &ProjectFile, asked: &PreviewParams) -> Option<PreviewResult> {
    let snapshot = file.project.snapshot.as_ref()?;
    let view = snapshot.view();
    let view = View::new(view.project, view.planned, asked.over(&view.preview));
    Some(match preview::preview(&view, &file.path) {
        Ok(rendered) => PreviewResult {
            text: Some(rendered.text),
            problem: None,
            output: convert::uri_of(file, &rendered.output),
            model: Some(rendered.model),
        },
        Err(problem) => PreviewResult {
            text: None,
            problem: Some(placed(&problem)),
            output: None,
            model: preview::shown_model(&view, &file.path).map(|model| model.name.as_str().to_owned()),
        },
    })
}

/// The problem's message, preceded by its place.
fn placed(problem: &Problem) -> String {
    let line = problem.range.map(|range| format!(":{}", range.start.line + 1)).unwrap_or_default();
    let file = problem.path.as_ref().map(|path| format!("{path}{line}: ")).unwrap_or_default();
    format!("{file}{}", convert::sentence(problem))
}

/// The models that a template can be previewed for.
pub(crate) fn models(file: &ProjectFile) -> Option<ModelsResult> {
    let view = file.project.snapshot.as_ref()?.view();
    let name = |model: &tgen_core::model::catalogue::Model| model.name.as_str().to_owned();
    Some(ModelsResult {
        models: preview::models(&view, &file.path).into_iter().map(name).collect(),
        current: preview::shown_model(&view, &file.path).map(name),
    })
}
