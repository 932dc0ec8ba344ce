//! The hardware types that a test can be for.
//!
//! To add one, add a row to the table below; the configuration, its schema, the commands and the documentation follow.
//! This module names platforms; how a machine is searched for one is in `detection`.

pub mod detection;

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::base::named::named_enum;
use crate::base::suggest::closest;

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

    /// The hardware type that a misspelt name or a common synonym probably means.
    #[must_use]
    pub fn meant_by(name: &str) -> Option<Self> {
        let word = name.to_lowercase();
        let is_common = |(words, _): &&(&[&str], Self)| words.contains(&word.as_str());
        let common = COMMON_WORDS.iter().find(is_common).map(|(_, hardware)| *hardware);
        common.or_else(|| Self::from_name(closest(&word, Self::ALL.iter().map(|hardware| hardware.name()))?))
    }
}

/// Common synonyms of hardware types.
const COMMON_WORDS: &[(&[&str], HardwareType)] = &[
    (&["x86", "x86_64", "arm64", "aarch64", "processor"], HardwareType::Cpu),
    (&["gpu", "nvidia", "tensorrt"], HardwareType::Cuda),
    (&["amd", "hip", "radeon"], HardwareType::Rocm),
    (&["intel", "ov"], HardwareType::Openvino),
    (&["metal", "mac", "macos", "apple_silicon", "apple-silicon"], HardwareType::Mps),
    (&["qnn", "snapdragon", "hexagon"], HardwareType::Qualcomm),
];

impl<'de> Deserialize<'de> for HardwareType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| D::Error::custom(format!("there is no hardware type `{name}`")))
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

    #[test]
    fn a_common_word_or_a_slip_tells_which_type_is_meant() {
        let meant = |name: &str| HardwareType::meant_by(name);
        assert_eq!(["gpu", "NVIDIA", "cudda"].map(meant), [Some(HardwareType::Cuda); 3]);
        assert_eq!(meant("metal"), Some(HardwareType::Mps));
        assert_eq!(meant("tpu-v9"), None);
    }
}
