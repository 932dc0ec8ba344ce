//! How the presence of a platform is detected: driver libraries, device nodes, environment variables.
//!
//! To detect another sign, add it to the table below. This module does no IO: a `MachineProbe` answers its questions. It
//! must not know torch or any other program that would have to be run.

use super::HardwareType;

/// Answers questions about a machine.
pub trait MachineProbe {
    /// The operating system and processor, such as `linux-x86_64`.
    fn system(&self) -> String;
    /// The path of a shared library that the loader would find under this name.
    fn library(&self, name: &str) -> Option<String>;
    /// Whether a file, folder or device is there.
    fn has_path(&self, path: &str) -> bool;
    /// The value of an environment variable, unless it is empty.
    fn variable(&self, name: &str) -> Option<String>;
    /// The path of this package in the active Python environment.
    fn package(&self, name: &str) -> Option<String>;
}

/// What was found for a platform, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// The platform.
    pub hardware: HardwareType,
    /// The signs that were found.
    pub found: Vec<String>,
    /// What else would have to be present; empty if the platform is present.
    pub missing: Vec<String>,
}

impl Detection {
    /// Whether the platform is present.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Detects every platform.
#[must_use]
pub fn detect(machine: &dyn MachineProbe) -> Vec<Detection> {
    HardwareType::ALL.iter().map(|hardware| detect_one(*hardware, machine)).collect()
}

fn detect_one(hardware: HardwareType, machine: &dyn MachineProbe) -> Detection {
    let mut detection = Detection { hardware, found: Vec::new(), missing: Vec::new() };
    for need in needs(hardware) {
        let signs: Vec<String> = need.signs.iter().filter_map(|sign| sign.seen_on(machine)).collect();
        if signs.is_empty() {
            detection.missing.push(need.name.to_owned());
        }
        detection.found.extend(signs);
    }
    for name in visibility_variables(hardware) {
        if machine.variable(name).is_some_and(|value| value.trim() == "-1") {
            detection.missing.push(format!("`{name}` hides the devices"));
        }
    }
    detection
}

/// A requirement of a platform; any one of its signs satisfies it.
struct Need {
    name: &'static str,
    signs: &'static [Sign],
}

enum Sign {
    /// Present on every machine.
    Always,
    /// The operating system and processor.
    System(&'static str),
    /// A shared library.
    Library(&'static str),
    /// A device node or an installed folder.
    Path(&'static str),
    /// An environment variable that holds the path of an existing file or folder.
    PathIn(&'static str),
    /// A package of the active Python environment.
    Package(&'static str),
}

impl Sign {
    fn seen_on(&self, machine: &dyn MachineProbe) -> Option<String> {
        match self {
            Self::Always => Some(machine.system()),
            Self::System(system) => (machine.system() == *system).then(|| (*system).to_owned()),
            Self::Library(name) => machine.library(name),
            Self::Path(path) => machine.has_path(path).then(|| (*path).to_owned()),
            Self::PathIn(name) => {
                let path = machine.variable(name).filter(|path| machine.has_path(path))?;
                Some(format!("{name}={path}"))
            }
            Self::Package(name) => machine.package(name),
        }
    }
}

fn needs(hardware: HardwareType) -> &'static [Need] {
    match hardware {
        HardwareType::Cpu => &[Need { name: "a processor", signs: &[Sign::Always] }],
        HardwareType::Cuda => &[
            Need {
                name: "the driver's library (libcuda)",
                signs: &[Sign::Library("libcuda.so.1"), Sign::Library("nvcuda.dll")],
            },
            Need {
                name: "a device (/dev/nvidiactl)",
                signs: &[
                    Sign::Path("/dev/nvidiactl"),
                    Sign::Path("/dev/nvhost-ctrl-gpu"),
                    Sign::Path("/dev/dxg"),
                    Sign::System("windows-x86_64"),
                ],
            },
        ],
        HardwareType::Rocm => &[
            Need {
                name: "the runtime's library (libamdhip64)",
                signs: &[
                    Sign::Library("libamdhip64.so"),
                    Sign::Library("libamdhip64.so.7"),
                    Sign::Library("libamdhip64.so.6"),
                    Sign::Library("amdhip64.dll"),
                    Sign::Path("/opt/rocm/lib/libamdhip64.so"),
                ],
            },
            Need { name: "a device (/dev/kfd)", signs: &[Sign::Path("/dev/kfd"), Sign::System("windows-x86_64")] },
        ],
        HardwareType::Openvino => &[Need {
            name: "the runtime (INTEL_OPENVINO_DIR, libopenvino, or the Python package `openvino`)",
            signs: &[
                Sign::PathIn("INTEL_OPENVINO_DIR"),
                Sign::Library("libopenvino.so"),
                Sign::Library("openvino.dll"),
                Sign::Package("openvino"),
            ],
        }],
        HardwareType::Mps => &[Need { name: "macOS on Apple Silicon", signs: &[Sign::System("macos-aarch64")] }],
        HardwareType::Qualcomm => &[Need {
            name: "an SDK (QNN_SDK_ROOT, SNPE_ROOT) or the processor's driver",
            signs: &[
                Sign::PathIn("QNN_SDK_ROOT"),
                Sign::PathIn("SNPE_ROOT"),
                Sign::Library("libQnnHtp.so"),
                Sign::Path("/dev/fastrpc-cdsp"),
                Sign::Package("qai_appbuilder"),
            ],
        }],
    }
}

/// The environment variables that choose the devices that a process sees, the one to set first; `-1` hides all.
#[must_use]
pub fn visibility_variables(hardware: HardwareType) -> &'static [&'static str] {
    match hardware {
        HardwareType::Cuda => &["CUDA_VISIBLE_DEVICES"],
        HardwareType::Rocm => &["HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine that has exactly these things: libraries, paths, packages and `NAME=value`.
    struct Fixture(&'static str, &'static [&'static str]);

    impl Fixture {
        fn has(&self, thing: &str) -> Option<String> {
            self.1.contains(&thing).then(|| thing.to_owned())
        }
    }

    impl MachineProbe for Fixture {
        fn system(&self) -> String {
            self.0.to_owned()
        }

        fn library(&self, name: &str) -> Option<String> {
            self.has(name)
        }

        fn has_path(&self, path: &str) -> bool {
            self.has(path).is_some()
        }

        fn variable(&self, name: &str) -> Option<String> {
            let start = format!("{name}=");
            self.1.iter().find_map(|thing| thing.strip_prefix(&start).map(str::to_owned))
        }

        fn package(&self, name: &str) -> Option<String> {
            self.has(&format!("site-packages/{name}"))
        }
    }

    #[track_caller]
    fn check(system: &'static str, things: &'static [&'static str], expected: &[&str]) {
        let found = detect(&Fixture(system, things));
        let present: Vec<_> = found.iter().filter(|d| d.is_present()).map(|d| d.hardware.name()).collect();
        assert_eq!(present, expected);
    }

    #[test]
    fn a_bare_machine_has_its_processor_alone() {
        check("linux-x86_64", &[], &["cpu"]);
    }

    #[test]
    fn a_driver_without_a_device_is_no_platform() {
        check("linux-x86_64", &["libcuda.so.1"], &["cpu"]);
        check("linux-x86_64", &["/dev/nvidiactl"], &["cpu"]);
        check("linux-x86_64", &["libcuda.so.1", "/dev/nvidiactl"], &["cpu", "cuda"]);
        check("linux-x86_64", &["libamdhip64.so.6", "/dev/kfd"], &["cpu", "rocm"]);
    }

    #[test]
    fn hidden_devices_are_not_there() {
        check("linux-x86_64", &["libcuda.so.1", "/dev/nvidiactl", "CUDA_VISIBLE_DEVICES=-1"], &["cpu"]);
        check("linux-x86_64", &["libcuda.so.1", "/dev/nvidiactl", "CUDA_VISIBLE_DEVICES=0"], &["cpu", "cuda"]);
    }

    #[test]
    fn a_variable_counts_where_its_path_is_there() {
        check("linux-x86_64", &["QNN_SDK_ROOT=/opt/qnn"], &["cpu"]);
        check("linux-x86_64", &["QNN_SDK_ROOT=/opt/qnn", "/opt/qnn"], &["cpu", "qualcomm"]);
        check("linux-x86_64", &["site-packages/openvino"], &["cpu", "openvino"]);
    }

    #[test]
    fn apple_silicon_is_told_by_the_system() {
        check("macos-aarch64", &[], &["cpu", "mps"]);
        check("macos-x86_64", &[], &["cpu"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let found = detect(&Fixture("linux-x86_64", &["libcuda.so.1"]));
        let cuda = found.iter().find(|detection| detection.hardware == HardwareType::Cuda).unwrap();
        assert_eq!(cuda.found, ["libcuda.so.1"]);
        assert_eq!(cuda.missing, ["a device (/dev/nvidiactl)"]);
    }
}
