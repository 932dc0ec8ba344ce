//! The resources that jobs share. This module must not know how they were detected.

use crate::base::bytes::Bytes;
use crate::model::hardware::HardwareType;

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The memory that all jobs together may need.
    pub memory: Bytes,
    /// How many jobs may run at once; at least one does.
    pub jobs: usize,
    /// Its devices; the processor is not one of them.
    pub devices: Vec<Device>,
}

/// A device of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The hardware type.
    pub hardware: HardwareType,
    /// Its name, such as `cuda:0`.
    pub label: String,
    /// How many jobs may use it at once.
    pub slots: usize,
}

/// The device that a job runs on: its place in [`Machine::devices`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIndex(pub usize);

/// One slot of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceSlot {
    /// The device.
    pub device: DeviceIndex,
    /// Which of its slots, from 0. No two running jobs have the same.
    pub slot: usize,
}
