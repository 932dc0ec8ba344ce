//! What a command or an editor asks to be planned, over what the configuration says.
//!
//! This module must not know how a request is written on a command line, or how a plan is made of it.

use camino::Utf8PathBuf;

use crate::model::catalogue::Selector;
use crate::model::hardware::HardwareType;

/// What is asked for; the default is everything that is configured.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Models instead of the suites' own.
    pub models: Vec<Selector>,
    /// The names of the suites; none for all.
    pub suites: Vec<String>,
    /// Hardware types instead of the suites' own.
    pub hardware: Option<Vec<HardwareType>>,
    /// Batch sizes instead of the suites' own.
    pub batch_sizes: Option<Vec<u32>>,
    /// A folder instead of the constant beginning of the suites' output paths.
    pub output_dir: Option<Utf8PathBuf>,
}

impl Request {
    /// Whether the plan covers all that is configured, so that a signed file outside of it is an orphan.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.models.is_empty()
            && self.suites.is_empty()
            && self.hardware.is_none()
            && self.batch_sizes.is_none()
            && self.output_dir.is_none()
    }
}
