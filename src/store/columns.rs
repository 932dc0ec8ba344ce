//! Collects the rows of a plan as columns, because the appender takes many rows at once much faster than single ones.

use std::sync::Arc;

use duckdb::arrow::array::{
    ArrayRef, Float64Array, Float64Builder, Int64Array, Int64Builder, RecordBatch, StringArray, StringBuilder,
    UInt8Builder, UInt32Array, UInt32Builder,
};
use duckdb::arrow::error::ArrowError;
use uuid::Uuid;

use super::error::StoreError;
use super::plans::{Estimates, NewTest};

/// Rows of `planned_tests` to be appended.
#[derive(Default)]
pub(super) struct TestColumns {
    plan_id: Int64Builder,
    position: UInt32Builder,
    test_id: StringBuilder,
    model_name: StringBuilder,
    model_family: StringBuilder,
    hardware_type: StringBuilder,
    batch_size: UInt32Builder,
    test_content: StringBuilder,
    test_type: StringBuilder,
    priority: UInt8Builder,
    min_memory_gb: Float64Builder,
    test_timeout_seconds: UInt32Builder,
    template_name: StringBuilder,
    template_version: UInt32Builder,
    size: usize,
}

impl TestColumns {
    /// Adds a row.
    pub(super) fn add(&mut self, plan: i64, position: u32, test: &NewTest<'_>) {
        self.plan_id.append_value(plan);
        self.position.append_value(position);
        self.test_id.append_value(test.test_id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        self.model_name.append_value(test.model);
        self.model_family.append_value(test.family);
        self.hardware_type.append_value(test.hardware.name());
        self.batch_size.append_value(test.batch_size);
        self.test_content.append_value(test.content);
        self.test_type.append_value(test.test_type);
        self.priority.append_value(test.priority);
        self.min_memory_gb.append_value(test.min_memory_gb);
        self.test_timeout_seconds.append_value(test.timeout_seconds);
        self.template_name.append_value(test.template);
        self.template_version.append_option(test.template_version);
        self.size += ROW + test.content.len();
    }

    /// The approximate size of the collected rows, in bytes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Takes the collected rows, leaving none.
    pub(super) fn take(&mut self) -> Result<RecordBatch, StoreError> {
        self.size = 0;
        batch([
            ("plan_id", Arc::new(self.plan_id.finish())),
            ("position", Arc::new(self.position.finish())),
            ("test_id", Arc::new(self.test_id.finish())),
            ("model_name", Arc::new(self.model_name.finish())),
            ("model_family", Arc::new(self.model_family.finish())),
            ("hardware_type", Arc::new(self.hardware_type.finish())),
            ("batch_size", Arc::new(self.batch_size.finish())),
            ("test_content", Arc::new(self.test_content.finish())),
            ("test_type", Arc::new(self.test_type.finish())),
            ("priority", Arc::new(self.priority.finish())),
            ("min_memory_gb", Arc::new(self.min_memory_gb.finish())),
            ("test_timeout_seconds", Arc::new(self.test_timeout_seconds.finish())),
            ("template_name", Arc::new(self.template_name.finish())),
            ("template_version", Arc::new(self.template_version.finish())),
        ])
    }
}

/// The approximate size of a row without its content, in bytes.
const ROW: usize = 200;

/// Rows of `dependencies`: the positions of a test and of its dependency.
pub(super) fn dependencies(plan: i64, pairs: &[(u32, u32)]) -> Result<RecordBatch, StoreError> {
    batch([
        ("plan_id", Arc::new(Int64Array::from(vec![plan; pairs.len()]))),
        ("position", Arc::new(UInt32Array::from_iter_values(pairs.iter().map(|(position, _)| *position)))),
        ("depends_on", Arc::new(UInt32Array::from_iter_values(pairs.iter().map(|(_, on)| *on)))),
    ])
}

/// Rows of `test_estimates`, for the tests of a plan in their order.
pub(super) fn estimates(plan: i64, estimates: &[Estimates]) -> Result<RecordBatch, StoreError> {
    let positions = (0..).take(estimates.len());
    let seconds = estimates.iter().map(|of| of.seconds);
    batch([
        ("plan_id", Arc::new(Int64Array::from(vec![plan; estimates.len()]))),
        ("position", Arc::new(UInt32Array::from_iter_values(positions))),
        ("memory_origin", Arc::new(StringArray::from_iter_values(estimates.iter().map(|of| of.memory.to_string())))),
        ("expected_seconds", Arc::new(seconds.clone().map(|of| of.map(|of| of.value)).collect::<Float64Array>())),
        ("duration_origin", Arc::new(seconds.map(|of| of.map(|of| of.origin.to_string())).collect::<StringArray>())),
    ])
}

fn batch<const COLUMNS: usize>(columns: [(&str, ArrayRef); COLUMNS]) -> Result<RecordBatch, StoreError> {
    RecordBatch::try_from_iter(columns).map_err(|error: ArrowError| StoreError::Failed(error.to_string()))
}
