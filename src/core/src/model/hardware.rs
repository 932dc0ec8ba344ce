//! The hardware types that a test can be for.
//!
//! To add one, add a row to the table below; the configuration, its schema, the commands and the documentation follow.
//! This module names platforms; what tells that a machine has one is in `detection`.

pub mod detection;

use crate::base::named::named_enum;

named_enum! {
    /// A platform that a generated test runs on.
    pub enum HardwareType {
        /// The processor; every machine has it.
        Cpu = "cpu",
        /// NVIDIA graphics processors.
        Cuda = "cuda",
        /// AMD graphics processors.
        Rocm = "rocm",
        /// Intel's OpenVINO runtime.
        Openvino = "openvino",
        /// Apple Silicon, through Metal Performance Shaders.
        Mps = "mps",
        /// Qualcomm's neural processors.
        Qualcomm = "qualcomm",
    }
}

impl HardwareType {
    /// The hardware type of that name; `apple` is another name for `mps`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "apple" {
            return Some(Self::Mps);
        }
        Self::ALL.iter().copied().find(|hardware| hardware.name() == name)
    }
}

impl std::fmt::Display for HardwareType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_type() {
        assert!(HardwareType::ALL.iter().all(|hardware| HardwareType::from_name(hardware.name()) == Some(*hardware)));
        assert_eq!(HardwareType::from_name("apple"), Some(HardwareType::Mps));
        assert_eq!(HardwareType::from_name("tpu"), None);
    }
}
