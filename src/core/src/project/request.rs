//! A request: what a command or an editor asks to plan, as overrides of the configuration.
//!
//! This module must not know how a request is written on a command line, or how it is planned.

use camino::Utf8PathBuf;

use crate::model::catalogue::Selector;
use crate::model::hardware::HardwareType;

/// The requested plan; by default, everything that is configured.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Models instead of the suites' own.
    pub models: Vec<Selector>,
    /// The names of the suites; empty for all.
    pub suites: Vec<String>,
    /// Hardware types instead of the suites' own.
    pub hardware: Option<Vec<HardwareType>>,
    /// Batch sizes instead of the suites' own.
    pub batch_sizes: Option<Vec<u32>>,
    /// A folder that replaces the constant prefix of the suites' output paths.
    pub output_dir: Option<Utf8PathBuf>,
}

impl Request {
    /// Whether the plan covers everything configured, so that any other signed file is an orphan.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.models.is_empty()
            && self.suites.is_empty()
            && self.hardware.is_none()
            && self.batch_sizes.is_none()
            && self.output_dir.is_none()
    }
}
