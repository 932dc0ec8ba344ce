//! A release of transformers with any text in place of its tables yields what is understood, and problems.

#![no_main]

use camino::Utf8Path;
use libfuzzer_sys::fuzz_target;
use tgen_core::base::files::MemoryFiles;
use tgen_core::pipeline_map::release::read_release;

fuzz_target!(|texts: (&str, &str, &str)| {
    let mut files = MemoryFiles::default();
    let (auto, configuration, pipelines) = texts;
    files.insert("transformers/models/auto/modeling_auto.py", auto);
    files.insert("transformers/models/auto/configuration_auto.py", configuration);
    files.insert("transformers/pipelines/__init__.py", pipelines);
    let _ = read_release(&files, Utf8Path::new(""));
});
