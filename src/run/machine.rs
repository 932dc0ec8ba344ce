//! What the machine offers to tests: memory, processors, devices.
//!
//! This module must not know what tests need.

use std::num::NonZero;
use std::path::Path;
use std::{env, fs};

use tgen_core::model::hardware::HardwareType;
use tgen_core::model::hardware::detection::visibility_variables;

/// The memory of the machine, or the limit of the control group if that is lower, in bytes.
pub(crate) fn memory() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let group = group.iter().filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok());
    machine.into_iter().chain(group).min()
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// The machine's name, system and processor.
pub(crate) fn description() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| env::var("HOSTNAME").ok());
    let name = name.map(|name| format!("{}, ", name.trim())).unwrap_or_default();
    format!("{name}{}-{}", env::consts::OS, env::consts::ARCH)
}

/// The version of the devices' driver.
pub(crate) fn driver() -> Option<String> {
    let text = ["/proc/driver/nvidia/version", "/sys/module/amdgpu/version"];
    let text = text.iter().find_map(|file| fs::read_to_string(file).ok())?;
    Some(text.lines().next()?.trim().to_owned())
}

/// How many processes of this control group the kernel has killed because memory ran out; `None` if it does not say.
pub(crate) fn kills_for_memory() -> Option<u64> {
    let events = fs::read_to_string("/sys/fs/cgroup/memory.events").ok()?;
    events.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

/// How many files are tested at a time unless `--jobs` says otherwise.
pub(crate) fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// How many devices of a hardware type there are, given that the machine has one.
pub(crate) fn device_count(hardware: HardwareType) -> usize {
    let Some(visible) = visibility_variables(hardware).first() else { return 1 };
    let visible = env::var(visible).ok().filter(|value| !value.is_empty());
    let nodes = |folder: &str, prefix: &str| entries(Path::new(folder), prefix);
    let count = match (visible, hardware) {
        (Some(visible), _) => visible.split(',').count(),
        (None, HardwareType::Cuda) => nodes("/proc/driver/nvidia/gpus", ""),
        (None, _) => nodes("/dev/dri", "renderD"),
    };
    count.max(1)
}

fn entries(folder: &Path, prefix: &str) -> usize {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    names.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_read_in_bytes() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       16 kB\n"), Some(16 * 1024));
        assert_eq!(total("nothing"), None);
    }
}
